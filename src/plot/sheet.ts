/**
 * Several figures as one: an experiment's panels side by side, with its title above and its notes below.
 *
 * @module
 */
import { type Figure, type FigureOptions, frame, heading } from "./line_figure.ts";
import { element, Markup } from "./markup.ts";
import { type FigureSize, sheetWidth, sizes } from "./styles.ts";
import { wrapped } from "./text.ts";

/** What {@linkcode sheet} puts together. */
export interface Sheet extends FigureOptions {
  /** The title, also the accessible name. */
  readonly title: string;
  /** Set beside the title, softer. */
  readonly subtitle?: string;
  /** Paragraphs below, such as what was scaled. */
  readonly notes: readonly string[];
  /** The panels, each with a prefix of its own, drawn at {@linkcode partSize}. */
  readonly figures: readonly Figure[];
  /** How many stand side by side; 1 when left out, and on a narrow sheet. */
  readonly columns?: SheetColumns;
}

/** How many panels stand side by side. */
export type SheetColumns = 1 | 2 | 3;

/** Around everything, in pixels. */
const margin = 12;

/** The size at which to draw the figures of a sheet. */
export function partSize(columns: SheetColumns, size: FigureSize = "wide"): FigureSize {
  return size === "narrow" ? "narrow" : columns === 1 ? "wide" : "panel";
}

/**
 * Puts figures together, row by row; one that has no room beside the others stands alone in its row. Its words are those of all of
 * them.
 *
 * @throws {TypeError} When a figure is not what a figure's function returned.
 * @throws {RangeError} When two figures have the same ids, or the prefix cannot begin one.
 *
 * @example
 * ```ts
 * import { panelFigure } from "./panel_figure.ts";
 * import { partSize, sheet } from "./sheet.ts";
 * import { standalone } from "./styles.ts";
 *
 * const size = partSize(2);
 * const figures = [
 *   panelFigure([], { prefix: "fig4-a", size, quantity: "early-stop" }),
 *   panelFigure([], { prefix: "fig4-b", size, quantity: "test-accuracy-at-end" }),
 * ];
 * const { svg } = sheet({ prefix: "fig4", title: "Figure 4", notes: ["Scaled: 1/10."], figures, columns: 2 });
 * console.assert(standalone(svg).includes("Scaled"));
 * ```
 */
export function sheet(sheet: Sheet): Figure {
  const size = sheet.size ?? "wide";
  const columns = size === "narrow" ? 1 : sheet.columns ?? 1;
  const width = sheetWidth(columns, size);
  const { font } = sizes[size];
  const head = heading(sheet, size, width);
  const content: Markup[] = [];
  let top = head.bottom;
  let left = 0;
  let rowHeight = 0;
  for (const { svg } of sheet.figures) {
    const extent = Markup.part(svg, 0, 0);
    if (left > 0 && left + extent.width > width) {
      top += rowHeight;
      left = 0;
      rowHeight = 0;
    }
    content.push(Markup.part(svg, left, top).part);
    left += extent.width;
    rowHeight = Math.max(rowHeight, extent.height);
  }
  top += rowHeight;
  for (const note of sheet.notes) {
    for (const line of wrapped(note, font, width - 2 * margin)) {
      top += font * 1.4;
      content.push(element("text", { class: "soft note", x: margin, y: top }, line));
    }
    top += font * 0.5;
  }
  const said = [`${sheet.title}.`, ...sheet.notes].join(" ");
  const svg = frame(
    { ...sheet, words: said },
    size,
    top + margin,
    [...head.texts, ...content],
    // Not an image: its parts are, each with its own name and description.
    { width, role: "group", style: `plot-sheet-${columns}` },
  );
  requireOwnIds(svg);
  return { svg, words: [said, ...sheet.figures.map(({ words }) => words)].join(" ") };
}

function requireOwnIds(svg: string): void {
  const ids = [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) {
    throw new RangeError(
      `cannot put figures together of which two have the id ${twice}: references to it would reach the first alone; ` +
        "draw each with a prefix of its own",
    );
  }
}
