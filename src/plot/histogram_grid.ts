/**
 * Histograms as small multiples: a row for each layer, a column for each level, and in each cell one or two distributions over common
 * bins. Of surviving initial weights (Figures 15 and 16), of distances moved (19 and 20), of connections per unit (21 to 24).
 *
 * @module
 */
import { heightTicks, type HistogramLook, histogramPanel, meanMagnitude, shareOf, total } from "./histogram_panel.ts";
import { type Figure, type FigureOptions, frame, heading } from "./line_figure.ts";
import { element, type Markup } from "./markup.ts";
import { legendRows, placeLegend } from "./marks.ts";
import { sizes } from "./styles.ts";
import { numberLabel, wrapped } from "./text.ts";

/** One of the distributions of every cell. */
export interface GridSeries extends HistogramLook {
  /** What the legend calls it, such as "in the ticket". */
  readonly name: string;
}

/** The histograms of one layer at one level. */
export interface GridCell {
  /** For each series of the grid its counts, all with the same number of bins. */
  readonly counts: readonly (readonly number[])[];
}

/** A row of cells, which share their bins. */
export interface GridRow {
  /** The layer. */
  readonly name: string;
  /** Bins divide this evenly. */
  readonly domain: readonly [least: number, most: number];
  /** A cell for each column; null where there is none. */
  readonly cells: readonly (GridCell | null)[];
}

/** What {@linkcode histogramGrid} draws. */
export interface HistogramGrid extends FigureOptions {
  /** The title, also the accessible name. */
  readonly title: string;
  /** Set beside the title, softer. */
  readonly subtitle?: string;
  /** What lies along the bins, with its unit, such as "Initial value of a weight". */
  readonly x: string;
  /** What is counted, in the plural: `weights`, `units`. */
  readonly counted: string;
  /** Whether heights are counts, or each distribution's share per bin in percent. */
  readonly heights: "counts" | "shares";
  /** The distributions, drawn in order; the legend names them where there are several. */
  readonly series: readonly GridSeries[];
  /** What the columns are called, such as "41.1 %". */
  readonly columns: readonly string[];
  /** The rows. */
  readonly rows: readonly GridRow[];
}

/** Around everything, and between cells, in pixels. */
const margin = 12;
const between = 16;

/** A cell is no narrower than this; columns that do not fit go on in the line below. */
const narrowest = 96;

/**
 * Draws histograms as small multiples. The cells of a row have one vertical axis, so that heights can be compared along it.
 *
 * @throws {RangeError} When a cell has not as many distributions as the grid has series, or the prefix cannot begin an id.
 *
 * @example
 * ```ts
 * import { histogramGrid } from "./histogram_grid.ts";
 *
 * const { words } = histogramGrid({
 *   prefix: "initial",
 *   title: "Surviving initial weights",
 *   x: "Initial value of a weight",
 *   counted: "weights",
 *   heights: "shares",
 *   series: [{ name: "surviving", style: "arm-ticket", kind: "area" }],
 *   columns: ["100 %", "21.1 %"],
 *   rows: [{ name: "dense1", domain: [-1, 1], cells: [{ counts: [[1, 4, 4, 1]] }, { counts: [[1, 0, 0, 1]] }] }],
 * });
 * console.assert(words.includes("dense1"));
 * ```
 */
export function histogramGrid(grid: HistogramGrid): Figure {
  const size = grid.size ?? "wide";
  const { width, font, row, cell: cellHeight } = sizes[size];
  const rows = grid.rows.map(({ cells, ...own }) => ({
    ...own,
    cells: cells.map((cell) => {
      if (cell && cell.counts.length !== grid.series.length) {
        throw new RangeError(
          `cannot draw the histograms of ${own.name}: a cell has ${cell.counts.length} distributions, and the grid ` +
            `${grid.series.length} series; give one for each`,
        );
      }
      return cell && cell.counts.map((counts) => grid.heights === "shares" ? shareOf(counts) : counts);
    }),
  }));
  const words = gridWords(grid);
  const head = heading(grid, size);
  const legend = grid.series.length > 1
    ? placeLegend(
      grid.series.map(({ name, style, kind, dashed }) => ({ kind, text: name, style, dashed: dashed === true })),
      margin,
      width - 2 * margin,
      font,
    )
    : [];
  const yTitle = grid.heights === "shares" ? `Share of ${grid.counted} per bin (%)` : `Number of ${grid.counted}`;
  const titleY = head.bottom + legendRows(legend) * row + (legend.length > 0 ? 6 : 0) + font;

  const highest = rows.map(({ cells }) => Math.max(0, ...cells.flatMap((cell) => cell?.flat() ?? [])));
  const labelRoom = Math.max(0, ...highest.map((most) => heightTicks(most, font).room));
  const room = width - 2 * margin - labelRoom;
  const fitting = Math.max(1, Math.floor((room + between) / (narrowest + between)));
  const across = Math.max(1, Math.min(grid.columns.length, fitting));
  const plotWidth = (room - (across - 1) * between) / across;
  const lines = Math.max(1, Math.ceil(grid.columns.length / across));
  const lineHeight = row + 2 + cellHeight + font + 16;

  const content: Markup[] = [];
  let top = titleY + 10;
  rows.forEach(({ name, domain, cells }, index) => {
    // The last column's labels may reach into what is beside it, the first's to the edge.
    const names = wrapped(name, font * 1.1, width - 2 * margin);
    names.forEach((text, line) =>
      content.push(element("text", { class: "row-name", x: margin, y: top + (line + 1) * font * 1.3 }, text))
    );
    top += names.length * font * 1.3 + 4;
    cells.forEach((cell, column) => {
      const place = column % across;
      content.push(histogramPanel({
        title: grid.columns[column] ?? "",
        domain,
        series: grid.series.map((look, own) => ({ ...look, heights: cell?.[own] ?? [] })),
        most: highest[index] ?? 0,
        labelRoom,
        isLabelled: place === 0,
        empty: "none",
      }, {
        left: margin + place * (plotWidth + between),
        top: top + Math.floor(column / across) * lineHeight,
        width: labelRoom + plotWidth,
        height: cellHeight,
        row,
        font,
        between,
      }));
    });
    top += lines * lineHeight;
  });
  const svg = frame({ ...grid, words }, size, top + row + 4, [
    ...head.texts,
    element("g", { class: "legend" }, ...legend.map((entry) => entry.draw(head.bottom, row))),
    element("text", { class: "soft axis-title", x: margin, y: titleY }, yTitle),
    ...content,
    element(
      "text",
      { class: "soft axis-title", x: width / 2, y: top + font, "text-anchor": "middle" },
      rows.length > 0 ? grid.x : "No histogram is recorded yet",
    ),
  ]);
  return { svg, words };
}

/** Of each cell how many there are, and the mean of each distribution. */
function gridWords({ title, x, counted, series, columns, rows }: HistogramGrid): string {
  if (rows.length === 0) return `${title}: no histogram is recorded yet.`;
  const said = rows.map(({ name, domain, cells }) => {
    const parts = cells.map((cell, column) => {
      const values = series.map(({ name }, own) => {
        const counts = cell?.counts[own] ?? [];
        const mean = meanMagnitude(counts, domain);
        const text = mean === undefined ? "none" : `${numberLabel(mean)} (${total(counts).toLocaleString("en")})`;
        return series.length > 1 ? `${name} ${text}` : text;
      });
      return `${columns[column] ?? ""}: ${values.join(", ")}`;
    });
    return `${name} ${parts.join("; ")}`;
  });
  return `${title}. ${x}, mean magnitude and in brackets the number of ${counted}. ${said.join(". ")}.`;
}
