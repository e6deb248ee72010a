/**
 * A figure of `src/plot` on a page: the picture at both widths, its numbers in words, and what can be taken away.
 *
 * @module
 */
import type { ComponentChildren, JSX } from "preact";
import DownloadPng from "../../../islands/DownloadPng.tsx";
import { unbroken } from "./run_words.ts";

/** Where a figure's files are. */
export interface FigureFiles {
  /** The path of its SVG, which stands alone. */
  readonly svg: string;
  /** Its data as a table. */
  readonly csv?: string;
  /** Its data as JSON. */
  readonly json?: string;
}

/** What {@linkcode Figure} takes. */
export interface FigureProps {
  /** Its id in the page, also its place in the address: `#accuracy`. */
  readonly id: string;
  /** What it shows: a heading above the picture. Leave the heading out of the picture itself. */
  readonly title: string;
  /** The picture as HTML: what `pair()` of `src/plot/styles.ts` returns. */
  readonly picture: string;
  /** Its numbers in words. */
  readonly words: string;
  /** Its files; the SVG's path is also what the PNG is made from. */
  readonly files?: FigureFiles;
  /** Rank of the heading; 3 when left out. */
  readonly rank?: 2 | 3;
  /** Choices beside the heading. */
  readonly children?: ComponentChildren;
}

/**
 * A figure. What changes while a run goes on is in an element with `data-live`, which `islands/LiveRun.tsx` renews; there is
 * no island in it.
 */
export function Figure(
  { id, title, picture, words, files, rank = 3, children }: FigureProps,
): JSX.Element {
  const Heading = rank === 2 ? "h2" : "h3";
  return (
    <figure id={id} class="figure stack" aria-labelledby={`${id}-heading`}>
      <div class="row spread">
        <Heading id={`${id}-heading`}>{title}</Heading>
        {children}
      </div>
      <div class="stack" data-live={`figure-${id}`}>
        <div class="figure-picture" dangerouslySetInnerHTML={{ __html: picture }} />
        <figcaption>{unbroken(words)}</figcaption>
      </div>
      {files && <Takeaway files={files} title={title} />}
    </figure>
  );
}

/** Links to what is shown, as files. */
export function Takeaway(
  { files: { svg, csv, json }, title }: { readonly files: FigureFiles; readonly title: string },
): JSX.Element {
  return (
    <div class="takeaway small" role="group" aria-label={`Files of “${title}”`}>
      <a href={svg} download>SVG</a>
      <DownloadPng svg={svg} title={title} />
      {csv !== undefined && <a href={csv} download>CSV</a>}
      {json !== undefined && <a href={json} download>JSON</a>}
    </div>
  );
}
