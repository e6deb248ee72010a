/**
 * How many runs stand, each as a cell: in rows and columns of two settings where runs are a grid over them, else one after the
 * other. A sign in each cell says what its colour says.
 *
 * @module
 */
import { type Figure, type FigureOptions, frame, heading, thinned, type Tick } from "./line_figure.ts";
import { type Attributes, element, type Markup, pixel } from "./markup.ts";
import { stateColours, type StateName } from "./palette.ts";
import { sizes } from "./styles.ts";
import { shortened, textWidth, wrapped } from "./text.ts";

/** A run as a cell. */
export interface StateCell {
  /** What the run is called. */
  readonly name: string;
  /** How it stands. */
  readonly state: StateName;
  /** How much of it is trained, from 0 to 1. */
  readonly fraction: number;
  /** What else there is to say of it. */
  readonly note?: string;
  /** The path of its page; no link when left out. */
  readonly href?: string;
}

/** A setting along an edge of the grid. */
export interface GridEdge {
  /** The setting. */
  readonly name: string;
  /** Its values in words, in order. */
  readonly values: readonly string[];
}

/** What {@linkcode stateGrid} draws, without how. */
export interface States {
  /** The runs, in order. */
  readonly cells: readonly StateCell[];
  /** Two settings of which the runs are a grid: run `i` has the values `places[i]`. Runs stand in order when left out. */
  readonly grid?: {
    /** The setting with more values. */
    readonly long: GridEdge;
    /** The other one; a single value without a name when there is none. */
    readonly short: GridEdge;
    /** For each run the index of its value of either setting. */
    readonly places: readonly { readonly long: number; readonly short: number }[];
  };
}

/** What {@linkcode stateGrid} takes. */
export interface StateGrid extends FigureOptions, States {
  /** The title, also the accessible name. */
  readonly title: string;
  /** Set beside the title, softer. */
  readonly subtitle?: string;
}

/** Around everything, in pixels. */
const margin = 12;

/** Edges of cells with the gap beside them: no smaller, or the signs cannot be told apart, and no larger. */
const smallest = 9;
const largest = 30;

/** Links of more cells than these are for pointing at alone: pages have them in a table as well. */
const mostStops = 60;

/** Cells in their places, and what stands around them. */
interface Placed {
  readonly content: readonly Markup[];
  readonly bottom: number;
}

/**
 * Draws how runs stand. Cells that have an `href` are links.
 *
 * @throws {RangeError} When the grid has not as many places as there are runs, or the prefix cannot begin an id.
 *
 * @example
 * ```ts
 * import { stateGrid } from "./state_grid.ts";
 *
 * const { words } = stateGrid({
 *   prefix: "grid",
 *   title: "Runs",
 *   cells: [
 *     { name: "lr 0.0012", state: "finished", fraction: 1 },
 *     { name: "lr 0.012", state: "running", fraction: 0.4 },
 *   ],
 * });
 * console.assert(words === "Runs: 1 finished, 1 running.");
 * ```
 */
export function stateGrid(figure: StateGrid): Figure {
  const { cells, grid, size = "wide" } = figure;
  if (grid && grid.places.length !== cells.length) {
    throw new RangeError(
      `cannot draw a grid of ${cells.length} runs: it has ${grid.places.length} places; give one for each, or no grid`,
    );
  }
  const { width, font, row } = sizes[size];
  const head = heading(figure, size);
  const counts = stateNames.flatMap((state) => {
    const count = cells.filter((cell) => cell.state === state).length;
    return count > 0 ? [{ state, text: `${state} ${count.toLocaleString("en")}` }] : [];
  });
  const words = counts.length === 0
    ? `${figure.title}: there is no run yet.`
    : `${figure.title}: ${counts.map(({ state, text }) => `${text.slice(state.length + 1)} ${state}`).join(", ")}.`;
  const legend = placeStates(counts, head.bottom, { width, font, row });
  const room = { top: legend.bottom + 6, width, font };
  const placed = (grid && inRows(cells, grid, room)) ?? inOrder(cells, room);
  // Not an image where its parts are links.
  const role = cells.some(({ href }) => href !== undefined) ? "group" : "img";
  const svg = frame({ ...figure, words }, size, placed.bottom + margin, [
    ...head.texts,
    element("g", { class: "legend" }, ...legend.content),
    ...placed.content,
  ], { role });
  return { svg, words };
}

const stateNames = Object.keys(stateColours).filter((name): name is StateName => name in stateColours);

/** Runs one after the other. */
function inOrder(cells: readonly StateCell[], { top, width }: Room): Placed {
  const room = width - 2 * margin;
  // As large as leaves a picture that is no higher than half its width.
  const fitting = Math.floor(Math.sqrt(room * room / 2 / Math.max(1, cells.length)));
  const edge = Math.min(largest, Math.max(smallest, fitting));
  const across = Math.max(1, Math.floor((room + gapOf(edge)) / edge));
  return {
    content: [
      element(
        "g",
        cellsOf(cells),
        ...cells.map((cell, index) =>
          drawCell(cell, {
            x: margin + index % across * edge,
            y: top + Math.floor(index / across) * edge,
            width: edge,
            height: edge,
          }, cells.length)
        ),
      ),
    ],
    bottom: top + Math.ceil(cells.length / across) * edge,
  };
}

/** Runs in rows and columns; undefined where there is no room for the columns. */
function inRows(
  cells: readonly StateCell[],
  { long, short, places }: NonNullable<States["grid"]>,
  { top, width, font }: Room,
): Placed | undefined {
  // What has more values goes across where there is room for it, else down.
  const fits = [true, false].map((isAcross) => {
    const [columns, rows] = isAcross ? [long, short] : [short, long];
    const labels = Math.max(0, ...rows.values.map((value) => textWidth(value, font)));
    const left = margin + (labels === 0 ? 0 : Math.min(labels, width * 0.3) + 8);
    const room = (width - margin - left) / Math.max(1, columns.values.length);
    const edge = Math.min(largest, Math.floor(room));
    // As wide as the columns' labels where there is room for all of them.
    const widest = Math.ceil(Math.max(0, ...columns.values.map((value) => textWidth(value, font)))) + 10;
    return { isAcross, columns, rows, left, edge, across: widest <= room ? Math.max(edge, widest) : edge };
  }).find(({ edge }) => edge >= smallest);
  if (!fits) return undefined;
  const { isAcross, columns, rows, left, edge, across } = fits;
  const content: Markup[] = [];
  let y = top;
  const title = rows.name === ""
    ? columns.name
    : columns.name === ""
    ? rows.name
    : `${columns.name} (across), ${rows.name} (down)`;
  if (title !== "") {
    for (const line of wrapped(title, font, width - 2 * margin)) {
      y += font * 1.25;
      content.push(element("text", { class: "axis-title", x: margin, y }, line));
    }
    y += 6;
  }
  // A label has its column's width, or every second, third … one has several.
  const all = columns.values.map((value, index) => ({
    at: left + (index + 0.5) * across - gapOf(edge) / 2,
    label: shortened(value, font, 110),
    shown: true,
  }));
  const half = ({ label }: Tick): number => textWidth(label, font) / 2;
  const shown = thinned(all, half, 6)
    .filter((tick) => tick.shown && tick.at - half(tick) >= 2 && tick.at + half(tick) <= width - 2);
  if (columns.values.some((value) => value !== "")) {
    y += font;
    content.push(
      ...shown.map(({ at, label }) => element("text", { class: "soft", x: at, y, "text-anchor": "middle" }, label)),
    );
    y += 6;
  }
  const upper = y;
  const down = thinned(
    rows.values.map((value, index) => ({ at: upper + (index + 0.5) * edge, label: value, shown: true })),
    () => font / 2,
    2,
  );
  content.push(
    ...down.filter(({ shown, label }) => shown && label !== "").map(({ at, label }) =>
      element(
        "text",
        { class: "soft", x: left - 7, y: at + font * 0.35 - gapOf(edge) / 2, "text-anchor": "end" },
        shortened(label, font, left - 8 - margin),
      )
    ),
    element(
      "g",
      cellsOf(cells),
      ...cells.map((cell, index) => {
        const { long: ofLong = 0, short: ofShort = 0 } = places[index] ?? {};
        const [column, line] = isAcross ? [ofLong, ofShort] : [ofShort, ofLong];
        const box = { x: left + column * across, y: upper + line * edge, width: across, height: edge };
        return drawCell(cell, box, cells.length);
      }),
    ),
  );
  return { content, bottom: upper + rows.values.length * edge };
}

/** What there is to place cells in. */
interface Room {
  readonly top: number;
  readonly width: number;
  readonly font: number;
}

/** Pixels between cells of an edge. */
function gapOf(edge: number): number {
  return edge < 14 ? 2 : 4;
}

/** A rectangle in pixels. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is said of all cells: so many that nobody would go through them one by one are hidden from those who do not see them. */
function cellsOf(cells: readonly StateCell[]): Attributes {
  return cells.length > mostStops ? { class: "cells", "aria-hidden": "true" } : { class: "cells" };
}

/** A run's cell, in a box with the gap beside it. */
function drawCell({ name, state, fraction, note, href }: StateCell, { x, y, ...box }: Box, count: number): Markup {
  const gap = gapOf(box.height);
  const share = state === "finished" || state === "absent" ? "" : `, ${(fraction * 100).toFixed(0)} %`;
  const said = `${name}: ${state}${share}${note === undefined ? "" : `, ${note}`}`;
  const sign = signOf(state, fraction, { x, y, width: box.width - gap, height: box.height - gap });
  const content = [element("title", {}, said), ...sign];
  return href === undefined ? element("g", { class: `state-${state}` }, ...content) : element(
    "a",
    {
      class: `state-${state}`,
      href,
      ...(count > mostStops ? { tabindex: -1 } : { "aria-label": `${name}: ${state}` }),
    },
    ...content,
  );
}

/** A cell with its sign. All of it can be pointed at, what is empty of it too. */
function signOf(state: StateName, fraction: number, { x, y, width, height }: Box): Markup[] {
  const outline = `M${pixel(x)} ${pixel(y)}h${pixel(width)}v${pixel(height)}h${pixel(-width)}Z`;
  // Signs are as wide as they are high.
  const [middle, side] = [x + width / 2, Math.min(width, height)];
  const at = (dx: number, dy: number): string => `${pixel(middle + (dx - 0.5) * side)} ${pixel(y + dy * side)}`;
  const cell = element("path", { class: "cell hit", d: outline });
  switch (state) {
    case "finished":
      return [element("path", { class: "block", d: outline })];
    case "running": {
      // As full as it is trained, within a rim.
      const rim = side < 12 ? 1.5 : 3;
      const share = (width - 2 * rim) * Math.min(1, Math.max(0.12, fraction));
      return [
        cell,
        element("rect", { class: "block", x: x + rim, y: y + rim, width: share, height: height - 2 * rim }),
      ];
    }
    case "waiting":
      return [
        cell,
        element("path", {
          class: "block",
          d: `M${at(0.36, 0.36)}h${pixel(0.28 * side)}v${pixel(0.28 * side)}h${pixel(-0.28 * side)}Z`,
        }),
      ];
    case "stopped":
      return [
        cell,
        element("path", {
          class: "sign",
          d: `M${at(0.36, 0.25)}L${at(0.36, 0.75)}M${at(0.64, 0.25)}L${at(0.64, 0.75)}`,
        }),
      ];
    case "failed":
      return [
        cell,
        element("path", { class: "sign", d: `M${at(0.2, 0.2)}L${at(0.8, 0.8)}M${at(0.8, 0.2)}L${at(0.2, 0.8)}` }),
      ];
    case "absent":
      return [element("path", { class: "cell hit dashed", d: outline })];
  }
}

/** The states with how many runs have them, in rows. */
function placeStates(
  counts: readonly { readonly state: StateName; readonly text: string }[],
  top: number,
  { width, font, row }: { readonly width: number; readonly font: number; readonly row: number },
): Placed {
  let [x, line] = [margin, 0];
  const side = font;
  const content = counts.map(({ state, text }) => {
    const extent = side + 7 + textWidth(text, font);
    if (x > margin && x + extent > width - margin) [x, line] = [margin, line + 1];
    const at = x;
    x += extent + 18;
    const middle = top + (line + 0.5) * row;
    return element(
      "g",
      { class: `state-${state}` },
      ...signOf(state, 0.6, { x: at, y: middle - side / 2, width: side, height: side }),
      element("text", { class: "name", x: at + side + 7, y: middle + font * 0.35 }, text),
    );
  });
  return { content, bottom: top + (counts.length > 0 ? line + 1 : 0) * row };
}
