/**
 * What two tickets, or pairs of tickets, share per layer: bars with the chance line, and their numbers.
 *
 * @module
 */
import type { JSX } from "preact";
import {
  chanceOf,
  deviationsOf,
  measuresOf,
  type Overlap,
  type OverlapMeasures,
  shareOf,
  type TicketOverlap,
} from "../../analysis/overlap.ts";
import { percent } from "../../analysis/words.ts";
import { nothing } from "../words.ts";

/** A bar from 0 to 1 with a line where chance is. Its numbers stand beside it, so it says nothing by itself. */
export function ShareBar(
  { share, chance, least, most }: {
    readonly share: number;
    readonly chance: number;
    /** Smallest and largest share, for a mean. */
    readonly least?: number;
    readonly most?: number;
  },
): JSX.Element {
  const width = 200;
  const round = (value: number): number => Math.round(value * width * 10) / 10;
  return (
    <svg class="share-bar" viewBox={`-1 0 ${width + 2} 18`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" x={0} y={4} width={width} height={10} />
      <rect class="share" x={0} y={4} width={round(share)} height={10} />
      {least !== undefined && most !== undefined && most > least && (
        <path class="range" d={`M${round(least)} 9H${round(most)}`} />
      )}
      <path class="chance" d={`M${round(chance)} 0V18`} />
    </svg>
  );
}

/** What the columns of {@linkcode MeasureCells} are, for a caption. */
export const measureWords =
  "Jaccard is what both keep of what either keeps, Hamming the share of all weights that only one of them keeps.";

/** The heads of the columns of {@linkcode MeasureCells}. */
export function MeasureHeads(): JSX.Element {
  return (
    <>
      <th scope="col" class="number">Jaccard</th>
      <th scope="col" class="number">Jaccard by chance</th>
      <th scope="col" class="number">Hamming</th>
      <th scope="col" class="number">Hamming by chance</th>
    </>
  );
}

/** How alike masks are by both measures, each beside chance: cells of a row. */
export function MeasureCells(
  { measures: { jaccard, chanceJaccard, hamming, chanceHamming } }: { readonly measures: OverlapMeasures },
): JSX.Element {
  return (
    <>
      {[jaccard, chanceJaccard, hamming, chanceHamming].map((value, index) => (
        <td key={index} class="number">{value === null ? nothing : percent(value)}</td>
      ))}
    </>
  );
}

/** The table of two tickets' overlap. */
export function OverlapTable(
  { overlap: { all, layers }, a, b, isSameStart }: {
    readonly overlap: TicketOverlap;
    /** What the first is called. */
    readonly a: string;
    /** What the second is called. */
    readonly b: string;
    /** Whether both start from the same values; their signs are then not told. */
    readonly isSameStart: boolean;
  },
): JSX.Element {
  const hasSigns = !isSameStart && all.sameSign !== null;
  const rows: readonly { readonly name: string; readonly own: Overlap }[] = [
    ...layers.map((own) => ({ name: own.name, own })),
    ...(layers.length > 1 ? [{ name: "all layers", own: all }] : []),
  ];
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Table of the overlap per layer">
      <table class="overlap">
        <caption>
          A is {a}, B is{" "}
          {b}. The bar is the share of A's survivors that survive in B too; the line across it is chance: two masks with
          these counts in each layer, drawn independently. {measureWords}
        </caption>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col" class="picture">
              <span class="visually-hidden">Picture</span>
            </th>
            <th scope="col" class="number">Share of A's</th>
            <th scope="col" class="number">By chance</th>
            <th scope="col" class="number">Away from it</th>
            <th scope="col" class="number">Shared</th>
            <th scope="col" class="number">Survive in A</th>
            <th scope="col" class="number">in B</th>
            <MeasureHeads />
            {hasSigns && <th scope="col" class="number">Same sign at the start</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, own }) => {
            const [share, chance, away] = [shareOf(own), chanceOf(own), deviationsOf(own)];
            return (
              <tr key={name} class={name === "all layers" ? "sum" : undefined}>
                <th scope="row">{name}</th>
                <td>{share !== null && chance !== null && <ShareBar share={share} chance={chance} />}</td>
                <td class="number">{share === null ? nothing : percent(share)}</td>
                <td class="number">
                  {chance === null ? nothing : `${percent(chance)} ± ${(100 * own.deviation / own.keptA).toFixed(1)}`}
                </td>
                <td class="number">
                  {away === null ? nothing : `${away >= 0 ? "+" : "−"}${Math.abs(away).toFixed(1)} sd`}
                </td>
                <td class="number">{own.shared.toLocaleString("en")}</td>
                <td class="number">{own.keptA.toLocaleString("en")}</td>
                <td class="number">{own.keptB.toLocaleString("en")}</td>
                <MeasureCells measures={measuresOf(own)} />
                {hasSigns && (
                  <td class="number">
                    {own.sameSign === null || own.shared === 0 ? nothing : percent(own.sameSign / own.shared)}
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
