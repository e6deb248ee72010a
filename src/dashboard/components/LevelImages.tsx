/**
 * What a network's first layer looks at, as pictures with their numbers in words beside them.
 *
 * @module
 */
import type { JSX } from "preact";
import { type LevelImage, type LevelImages as Images, shadePaths } from "../images.ts";
import { unbroken } from "./run_words.ts";

/** What {@linkcode LevelImages} shows. */
export interface LevelImagesProps {
  /** The run's id. */
  readonly id: string;
  /** What `readLevelImages()` gave. */
  readonly images: Images;
  /** The page's address: a unit is chosen by its parameter `unit`, its other parameters are kept. */
  readonly url: URL;
}

/** The pictures of a network's first layer, each with its scale and a place to take it from. */
export function LevelImages({ id, images, url }: LevelImagesProps): JSX.Element {
  const { network: { arm, level, replicate, draw }, units, unit, problem } = images;
  const base = `/runs/${id}/images/${arm}/${level}/${replicate}/${draw}`;
  return (
    <div class="stack">
      {problem !== null && <p class="soft">{problem}</p>}
      <div class="level-images">
        {images.images.map((image) => <Picture key={image.name} image={image} base={base} />)}
      </div>
      {units > 0 && (
        <form class="row" method="get" action={url.pathname}>
          {[...url.searchParams].filter(([name]) => name !== "unit").map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <label>
            Weights of one unit, 1 to {units}: <input type="number" name="unit" min={1} max={units} value={unit ?? 1} />
          </label>
          <button type="submit">Show</button>
        </form>
      )}
    </div>
  );
}

function Picture({ image, base }: { readonly image: LevelImage; readonly base: string }): JSX.Element {
  const { name, title, words, width, height, tiles, isHatched, cells } = image;
  const hatch = `hatch-${name}`;
  return (
    <figure class="level-image stack">
      <h3>{title}</h3>
      <svg
        class={name === "filters" ? "filters" : undefined}
        viewBox={`-0.25 -0.25 ${width + 0.5} ${height + 0.5}`}
        role="img"
        aria-label={`${title}. ${words}`}
      >
        {isHatched && <Hatch id={hatch} />}
        {tiles.map((tile, index) => (
          <rect key={index} class="empty" {...tile} fill={isHatched ? `url(#${hatch})` : undefined} />
        ))}
        {shadePaths(cells).map(({ shade, path }) => <path key={shade} class={shade} d={path} />)}
        {tiles.map((tile, index) => <rect key={index} class="frame" {...tile} />)}
      </svg>
      <Scale image={image} />
      <figcaption>
        {unbroken(words)}{" "}
        <span class="small">
          Take it as <a href={`${base}/${name}.svg`} download>SVG</a> or{" "}
          <a href={`${base}/${name}.png`} download>PNG</a>.
        </span>
      </figcaption>
    </figure>
  );
}

function Hatch({ id }: { readonly id: string }): JSX.Element {
  return (
    <pattern id={id} width="0.5" height="0.5" patternUnits="userSpaceOnUse">
      <path class="hatch" d="M-.1 .6L.6 -.1M-.1 .1L.1 -.1M.4 .6L.6 .4" />
    </pattern>
  );
}

/** What the shades mean, as a row of squares with words below. The caption says the numbers to those who do not see it. */
function Scale({ image: { name, scale } }: { readonly image: LevelImage }): JSX.Element {
  const step = 15;
  // What is pruned stands apart from the shades of what is kept.
  const place = (index: number): number => index * step + (scale[index]?.shade === "pruned" ? 22 : 0);
  return (
    <svg class="scale" viewBox="-14 0 260 36" aria-hidden="true">
      <Hatch id={`scale-hatch-${name}`} />
      {scale.map(({ shade, label }, index) => (
        <>
          <rect
            class={shade === "pruned" ? "empty" : shade}
            x={place(index)}
            y={1}
            width={step}
            height={14}
          />
          {shade === "pruned" && (
            <g transform={`translate(${place(index)} 1) scale(${step} 14)`}>
              <rect width={1} height={1} fill={`url(#scale-hatch-${name})`} />
            </g>
          )}
          {(index === 0 || shade === "pruned") && (
            <rect
              class="frame"
              x={place(index)}
              y={1}
              width={step}
              height={14}
            />
          )}
          {label !== "" && <text x={place(index) + step / 2} y={30} text-anchor="middle">{label}</text>}
        </>
      ))}
    </svg>
  );
}
