/**
 * Parallel coordinates: an axis for each setting that differs between runs and for what came out, and a line through all of them for
 * each run. Where lines of one colour meet on a setting's axis, that setting decides.
 *
 * Axes stand side by side where there is room for their names; on a narrow screen, and with many axes, they lie below one another.
 *
 * @module
 */
// @ts-types="npm:@types/d3-scale@4.0.9"
import { scaleLinear, scaleLog } from "npm:d3-scale@4.0.3";
import { type Figure, type FigureOptions, frame, heading, thinned, type Tick } from "./line_figure.ts";
import { element, type Markup, pixel } from "./markup.ts";
import { legendRows, placeLegend, type Sample } from "./marks.ts";
import { outcomeClass, rampSteps } from "./palette.ts";
import { sizes } from "./styles.ts";
import { numberLabel, remainingLabel, shortened, textWidth, tickLabels, wrapped } from "./text.ts";

/** An axis of numbers. */
export interface NumberAxis {
  /** What it shows. */
  readonly name: string;
  /** That it has numbers. */
  readonly kind: "number";
  /** The numbers that stand on it, ascending, each once. */
  readonly values: readonly number[];
  /** Whether it is logarithmic; every value is positive then. */
  readonly log?: boolean;
  /** Whether small numbers are the better ones, and stand where large ones do elsewhere. */
  readonly reversed?: boolean;
  /** Whether numbers are fractions, to be written in percent. */
  readonly percent?: boolean;
  /** Whether ticks stand at round numbers, as suits what was measured; else at the values, where those are few. */
  readonly round?: boolean;
}

/** An axis of words, evenly apart. */
export interface WordAxis {
  /** What it shows. */
  readonly name: string;
  /** That it has words. */
  readonly kind: "word";
  /** The words in their order, each once. */
  readonly values: readonly string[];
}

/** An axis. */
export type CoordinateAxis = NumberAxis | WordAxis;

/** A run as a line. */
export interface CoordinateLine {
  /** What it is called. */
  readonly name: string;
  /** Its value on each axis; null leaves a gap. */
  readonly values: readonly (number | string | null)[];
  /** Whether all of it is trained; dashed when not. */
  readonly isFinished: boolean;
}

/** What {@linkcode parallelCoordinates} draws, without how. */
export interface Coordinates {
  /** The axes, in order. */
  readonly axes: readonly CoordinateAxis[];
  /** A line for each run, in order. */
  readonly lines: readonly CoordinateLine[];
  /** Which axis gives the lines their colours, from 0; null for none. */
  readonly colouredBy: number | null;
  /** A sentence more for the words. */
  readonly note?: string;
}

/** What {@linkcode parallelCoordinates} takes. */
export interface ParallelCoordinates extends FigureOptions, Coordinates {
  /** The title, also the accessible name. */
  readonly title: string;
  /** Set beside the title, softer. */
  readonly subtitle?: string;
}

/** Around everything, in pixels. */
const margin = 12;

/** Axes side by side are at least this far apart: their names have to fit. */
const narrowest = 74;

/** Of more lines than these the picture is drawn fainter, and beyond the second number nobody can point at one. */
const manyLines = 60;
const crowdOfLines = 300;

/** An axis of few values has a tick at each; else ticks at round numbers. */
const mostValueTicks = 8;

/** An axis with its scale. */
interface Scaled {
  readonly axis: CoordinateAxis;
  /** From 0, below or left, to 1; undefined for what is not on it. */
  readonly positionOf: (value: number | string) => number | undefined;
  /** Where ticks stand, from 0 to 1, and what they are called. */
  readonly ticks: readonly { readonly position: number; readonly label: string }[];
}

/** Where axes are, and how a position on one becomes a point. */
interface Placing {
  readonly content: readonly Markup[];
  readonly pointOf: (axis: number, position: number) => readonly [x: number, y: number];
  readonly bottom: number;
}

/**
 * Draws runs as lines through their settings and what came out. A run that has no value on an axis has a gap there, and one whose
 * axis of colours has none is drawn in grey.
 *
 * @throws {RangeError} When a line has not as many values as there are axes, `colouredBy` is none of them, or the prefix cannot
 * begin an id.
 *
 * @example
 * ```ts
 * import { parallelCoordinates } from "./parallel_coordinates.ts";
 *
 * const { words } = parallelCoordinates({
 *   prefix: "rates",
 *   title: "Learning rates",
 *   axes: [
 *     { name: "lr", kind: "number", values: [0.0012, 0.012], log: true },
 *     { name: "best ticket", kind: "number", values: [0.97, 0.98], percent: true },
 *   ],
 *   lines: [
 *     { name: "lr 0.0012", values: [0.0012, 0.98], isFinished: true },
 *     { name: "lr 0.012", values: [0.012, 0.97], isFinished: true },
 *   ],
 *   colouredBy: 1,
 * });
 * console.assert(words.includes("98.00 % (lr 0.0012)"));
 * ```
 */
export function parallelCoordinates(figure: ParallelCoordinates): Figure {
  const { axes, lines, colouredBy, size = "wide" } = figure;
  for (const { name, values } of lines) {
    if (values.length === axes.length) continue;
    throw new RangeError(
      `cannot draw the run ${name}: it has ${values.length} values, and there are ${axes.length} axes; give one for each, or null`,
    );
  }
  const scaled = axes.map(scaledOf);
  const colours = colouredBy === null ? undefined : scaled[colouredBy];
  if (colouredBy !== null && !colours) {
    throw new RangeError(
      `cannot colour lines by axis ${colouredBy}: there are ${axes.length}, from 0; give one of them`,
    );
  }
  const { width, font, row } = sizes[size];
  const shades = shadesOf(lines.map(({ values }) => values[colouredBy ?? -1] ?? null), colours);
  const words = wordsOf(figure);
  const head = heading(figure, size);
  const legend = legendOf(figure, colours, shades, head.bottom);
  const isBeside = size !== "narrow" && (width - 2 * margin - 90) / Math.max(1, axes.length - 1) >= narrowest;
  const place = isBeside ? beside : below;
  const placed = place(scaled, { top: legend.bottom, width, font, row, height: sizes[size].plot });

  // The best last, so that it lies over the others.
  const order = lines.map((_, index) => index).sort((a, b) => (shades[a] ?? -1) - (shades[b] ?? -1));
  const groups = Map.groupBy(order, (index) => {
    const shade = shades[index];
    return shade === undefined ? "soft" : outcomeClass(shade);
  });
  const crowd = lines.length > crowdOfLines ? "crowd" : lines.length > manyLines ? "many" : "";
  const drawn = [...groups].map(([style, indices]) =>
    element(
      "g",
      { class: style },
      ...indices.flatMap((index) => {
        const line = lines[index];
        const path = line && pathOf(line, scaled, placed.pointOf);
        if (!line || !path) return [];
        const note = crowd === "crowd" ? [] : [element("title", {}, noteOf(line, axes))];
        return [element("path", { class: line.isFinished ? "coordinate" : "coordinate dashed", d: path }, ...note)];
      }),
    )
  );
  const nothing = lines.length === 0 || axes.length === 0;
  const svg = frame({ ...figure, words }, size, nothing ? legend.bottom + 2 * row : placed.bottom + margin, [
    ...head.texts,
    ...nothing
      ? [element("text", { class: "soft", x: margin, y: legend.bottom + row }, "There is no run to draw yet")]
      : [
        ...legend.content,
        element("g", crowd === "" ? {} : { class: crowd === "crowd" ? "many crowd" : crowd }, ...drawn),
        ...placed.content,
      ],
  ]);
  return { svg, words };
}

/** Axes that stand side by side. */
function beside(
  scaled: readonly Scaled[],
  { top, width, font, height }: {
    readonly top: number;
    readonly width: number;
    readonly font: number;
    readonly height: number;
  },
): Placing {
  const tickRoom = (one: Scaled | undefined): number =>
    Math.max(0, ...(one?.ticks ?? []).map(({ label }) => textWidth(label, font)));
  const edge = (one: Scaled | undefined): number => Math.min(118, Math.max(45, margin + 8 + tickRoom(one)));
  const [left, right] = [edge(scaled[0]), width - edge(scaled.length > 1 ? scaled.at(-1) : undefined)];
  const step = scaled.length > 1 ? (right - left) / (scaled.length - 1) : 0;
  const xOf = (axis: number): number => scaled.length > 1 ? left + axis * step : width / 2;
  const names = scaled.map(({ axis: { name } }, index) => {
    const room = 2 * Math.min(xOf(index) - 4, width - xOf(index) - 4);
    return wrapped(name, font, scaled.length > 1 ? Math.min(step - 8, room) : room);
  });
  const nameHeight = Math.max(1, ...names.map(({ length }) => length)) * font * 1.25;
  const upper = top + nameHeight + 10;
  const lower = upper + height;
  const yOf = (position: number): number => lower - position * height;
  const content = scaled.map(({ ticks }, index) => {
    const x = xOf(index);
    const lines = names[index] ?? [];
    // The first axis has its labels outside, where no line runs; so has the last.
    const isLeft = index === 0 && scaled.length > 1;
    const room = isLeft ? x - margin - 4 : index === scaled.length - 1 ? width - x - margin - 4 : step - 14;
    const shown = thinned(
      ticks.map(({ position, label }) => ({ at: yOf(position), label, shown: true })).sort((a, b) => a.at - b.at),
      () => font / 2,
      3,
    );
    return element(
      "g",
      {},
      ...lines.map((text, line) =>
        element(
          "text",
          { x, y: top + nameHeight - (lines.length - 1 - line) * font * 1.25, "text-anchor": "middle" },
          text,
        )
      ),
      element("path", {
        class: "axis soft",
        d: axisPath(`M${pixel(x)} ${pixel(upper)}V${pixel(lower)}`, shown, x, true),
      }),
      ...shown.filter((tick) => tick.shown).map(({ at, label }) =>
        plated(shortened(label, font, room), "soft", {
          x: isLeft ? x - 7 : x + 7,
          y: at + font * 0.35,
          anchor: isLeft ? "end" : "start",
          font,
        })
      ),
    );
  });
  return { content, pointOf: (axis, position) => [xOf(axis), yOf(position)], bottom: lower + font * 0.6 };
}

/** Axes that lie below one another. */
function below(
  scaled: readonly Scaled[],
  { top, width, font, row }: {
    readonly top: number;
    readonly width: number;
    readonly font: number;
    readonly row: number;
  },
): Placing {
  const [left, right] = [margin + 14, width - margin - 14];
  const pitch = row * 2 + font + 14;
  const yOf = (axis: number): number => top + font * 1.25 + 8 + axis * pitch;
  const xOf = (position: number): number => left + position * (right - left);
  const content = scaled.map(({ axis: { name }, ticks }, index) => {
    const y = yOf(index);
    const half = ({ label }: Tick): number => textWidth(label, font) / 2;
    // At the ends labels move inwards as far as they must.
    const inside = (tick: Tick): number => Math.min(width - 4 - half(tick), Math.max(4 + half(tick), tick.at));
    const all = ticks.map(({ position, label }) => ({
      at: xOf(position),
      label: shortened(label, font, 130),
      shown: true,
    }))
      .sort((a, b) => a.at - b.at);
    const kept = thinned(all.map((tick) => ({ ...tick, at: inside(tick) })), half, 8).filter(({ shown }) => shown);
    return element(
      "g",
      {},
      plated(shortened(name, font, width - 2 * margin), "name", { x: margin, y: y - 7, anchor: "start", font }),
      element("path", {
        class: "axis soft",
        d: axisPath(`M${pixel(left)} ${pixel(y)}H${pixel(right)}`, all, y, false),
      }),
      ...kept.map(({ at, label }) => plated(label, "soft", { x: at, y: y + font * 1.25, anchor: "middle", font })),
    );
  });
  const last = yOf(Math.max(0, scaled.length - 1));
  return { content, pointOf: (axis, position) => [xOf(position), yOf(axis)], bottom: last + font * 1.6 };
}

/** An axis and its ticks, as one path. */
function axisPath(line: string, ticks: readonly Tick[], across: number, isUpright: boolean): string {
  return line +
    ticks.map(({ at }) => isUpright ? `M${pixel(across - 3)} ${pixel(at)}h6` : `M${pixel(at)} ${pixel(across - 3)}v6`)
      .join("");
}

/** A text on a plate that keeps lines from running through it. */
function plated(
  text: string,
  style: string,
  { x, y, anchor, font }: {
    readonly x: number;
    readonly y: number;
    readonly anchor: "start" | "middle" | "end";
    readonly font: number;
  },
): Markup {
  const width = textWidth(text, font);
  const left = anchor === "start" ? x : anchor === "middle" ? x - width / 2 : x - width;
  return element(
    "g",
    {},
    element("rect", { class: "plate", x: left - 2, y: y - font * 0.85, width: width + 4, height: font * 1.15 }),
    element("text", { class: style, x, y, ...(anchor === "start" ? {} : { "text-anchor": anchor }) }, text),
  );
}

/** A line from axis to axis, broken where it has no value; a value between two gaps is a dot. */
function pathOf({ values }: CoordinateLine, scaled: readonly Scaled[], pointOf: Placing["pointOf"]): string {
  let path = "";
  let isOpen = false;
  let isDot = false;
  values.forEach((value, index) => {
    const position = value === null ? undefined : scaled[index]?.positionOf(value);
    if (position === undefined) {
      if (isDot) path += "h0";
      isOpen = isDot = false;
      return;
    }
    const [x, y] = pointOf(index, position);
    path += `${isOpen ? "L" : "M"}${pixel(x)} ${pixel(y)}`;
    isDot = !isOpen;
    isOpen = true;
  });
  return isDot ? `${path}h0` : path;
}

/** Positions on the axis of colours, from 0 for the least that there is to 1 for the most; one alone is the most. */
function shadesOf(
  values: readonly (number | string | null)[],
  colours: Scaled | undefined,
): (number | undefined)[] {
  const positions = values.map((value) => value === null ? undefined : colours?.positionOf(value));
  const known = positions.filter((position) => position !== undefined);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return positions.map((position) =>
    position === undefined ? undefined : most > least ? (position - least) / (most - least) : 1
  );
}

/** What colours, dashes and grey say, as far as the picture has them. */
function legendOf(
  { lines, axes, size = "wide", colouredBy }: ParallelCoordinates,
  colours: Scaled | undefined,
  shades: readonly (number | undefined)[],
  top: number,
): { readonly content: readonly Markup[]; readonly bottom: number } {
  const { width, font, row } = sizes[size];
  const content: Markup[] = [];
  let bottom = top;
  const axis = axes[colouredBy ?? -1];
  if (colours && axis && shades.some((shade) => shade !== undefined)) {
    const name = shortened(`Colour: ${axis.name}`, font, width - 2 * margin);
    const ends = [axis.values[0], axis.values.at(-1)].map((value) =>
      value === undefined ? "" : valueWords(axis, value)
    );
    const [low = "", high = ""] = axis.kind === "number" && axis.reversed ? ends.toReversed() : ends;
    const strip = rampSteps * 10;
    const needed = textWidth(low, font) + textWidth(high, font) + strip + 14;
    const besideName = margin + textWidth(name, font) + 16;
    const isBeside = besideName + needed <= width - margin;
    let x = isBeside ? besideName : margin;
    const y = top + (isBeside ? 0.5 : 1.5) * row;
    content.push(
      element("text", { class: "name", x: margin, y: top + 0.5 * row + font * 0.35 }, name),
      element("text", { class: "soft", x, y: y + font * 0.35 }, low),
    );
    x += textWidth(low, font) + 7;
    for (let step = 0; step < rampSteps; step++) {
      const style = outcomeClass(step / (rampSteps - 1));
      content.push(element("rect", { class: `block ${style}`, x: x + step * 10, y: y - 5, width: 10.5, height: 10 }));
    }
    content.push(element("text", { class: "soft", x: x + strip + 7, y: y + font * 0.35 }, high));
    bottom = y + 0.5 * row;
  }
  const samples: Sample[] = [
    ...lines.some(({ isFinished }) => !isFinished)
      ? [{ kind: "line" as const, text: "not finished", style: "soft", dashed: true }]
      : [],
    ...colours && shades.includes(undefined)
      ? [{ kind: "line" as const, text: "has no value to be coloured by", style: "soft" }]
      : [],
  ];
  const placed = placeLegend(samples, margin, width - 2 * margin, font);
  content.push(element("g", { class: "legend" }, ...placed.map((entry) => entry.draw(bottom, row))));
  return { content, bottom: bottom + legendRows(placed) * row + 8 };
}

function scaledOf(axis: CoordinateAxis): Scaled {
  return axis.kind === "word" ? ofWords(axis) : ofNumbers(axis);
}

function ofWords(axis: WordAxis): Scaled {
  const places = new Map(axis.values.map((word, index) => [word, placeOf(index, axis.values.length)]));
  return {
    axis,
    positionOf: (value) => places.get(String(value)),
    ticks: [...places].map(([label, position]) => ({ label, position })),
  };
}

/** From 0 to 1; one alone stands in the middle. */
function placeOf(index: number, count: number): number {
  return count > 1 ? index / (count - 1) : 0.5;
}

function ofNumbers(axis: NumberAxis): Scaled {
  const { values, log = false, reversed = false, round = false } = axis;
  const [least, most] = [values[0], values.at(-1)];
  const hasEnds = least !== undefined && most !== undefined;
  const isFew = !round && values.length <= mostValueTicks;
  const turned = (position: number): number => reversed ? 1 - position : position;
  if (!hasEnds || least === most) {
    return {
      axis,
      positionOf: (value) => value === least ? 0.5 : undefined,
      ticks: hasEnds ? [{ position: 0.5, label: labelsOf(axis, [least], true)[0] ?? "" }] : [],
    };
  }
  // Ends at round numbers, where there are ticks at such.
  const linear = scaleLinear().domain([least, most]);
  const scale = log ? scaleLog().domain([least, most]) : round ? linear.nice(4) : linear;
  const ticks = isFew ? [...values] : log ? logTicks(least, most) : scale.ticks(4);
  const own = labelsOf(axis, ticks, isFew || log);
  const all = ticks.map((value, index) => ({ position: turned(scale(value)), label: own[index] ?? "" }));
  return {
    axis,
    positionOf: (value) => {
      const position = typeof value === "number" && Number.isFinite(value) ? turned(scale(value)) : NaN;
      return Number.isFinite(position) ? position : undefined;
    },
    ticks: all.sort((a, b) => a.position - b.position),
  };
}

/** One, two and five times powers of ten, and both ends. */
function logTicks(least: number, most: number): number[] {
  const ticks = [least];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most); power++) {
    for (const factor of [1, 2, 5]) {
      const tick = Number(`${factor}e${power}`);
      // A round number close to an end would stand on its label.
      if (tick > least * 1.2 && tick < most / 1.2) ticks.push(tick);
    }
  }
  return [...ticks, most];
}

/** Round numbers have as many digits as their step needs, others as many as they have. */
function labelsOf({ percent = false, log = false }: NumberAxis, ticks: readonly number[], isEach: boolean): string[] {
  // Surviving weights, as everywhere.
  if (percent && log) return ticks.map((tick) => `${remainingLabel(tick)} %`);
  // 0.07 · 100 is 7.000000000000001.
  const shown = percent ? ticks.map((tick) => Number((tick * 100).toPrecision(12))) : ticks;
  const texts = isEach ? shown.map((value) => percent ? value.toFixed(2) : numberLabel(value)) : tickLabels(shown);
  return percent ? texts.map((text) => `${text} %`) : texts;
}

/** A value in words. */
function valueWords(axis: CoordinateAxis, value: number | string): string {
  return typeof value === "number" && axis.kind === "number" ? labelsOf(axis, [value], true)[0] ?? "" : String(value);
}

function noteOf({ name, values, isFinished }: CoordinateLine, axes: readonly CoordinateAxis[]): string {
  const said = values.flatMap((value, index) => {
    const axis = axes[index];
    return axis && value !== null && !name.includes(`${axis.name} `) ? [`${axis.name} ${valueWords(axis, value)}`] : [];
  });
  return `${name}${isFinished ? "" : ", not finished"}${said.length > 0 ? `: ${said.join(", ")}` : ""}`;
}

/** How many runs, what their settings range over, and the best and the worst of them. */
function wordsOf({ title, axes, lines, colouredBy, note }: ParallelCoordinates): string {
  if (lines.length === 0 || axes.length === 0) return `${title}: there is no run to draw yet.`;
  const ranges = axes.map((axis) => {
    const [first, last] = [axis.values[0], axis.values.at(-1)];
    if (first === undefined || last === undefined) return `${axis.name} has no value yet`;
    if (axis.kind === "word") {
      return `${axis.name} ${axis.values.slice(0, 6).join(", ")}${axis.values.length > 6 ? ", …" : ""}`;
    }
    const [low, high] = [valueWords(axis, first), valueWords(axis, last)];
    return low === high ? `${axis.name} ${low}` : `${axis.name} ${low} to ${high}`;
  });
  const unfinished = lines.filter(({ isFinished }) => !isFinished).length;
  const count = `${lines.length.toLocaleString("en")} ${lines.length === 1 ? "run" : "runs"}`;
  return `${title}. ${count}${unfinished > 0 ? `, ${unfinished.toLocaleString("en")} of them not finished` : ""}: ` +
    `${ranges.join("; ")}.${extremesOf(axes[colouredBy ?? -1], lines, colouredBy ?? -1)}` +
    (note === undefined ? "" : ` ${note}`);
}

function extremesOf(axis: CoordinateAxis | undefined, lines: readonly CoordinateLine[], index: number): string {
  if (axis?.kind !== "number") return "";
  const known = lines.flatMap(({ name, values }) => {
    const value = values[index];
    return typeof value === "number" ? [{ name, value: axis.reversed ? -value : value, own: value }] : [];
  }).sort((a, b) => b.value - a.value);
  const [best, worst] = [known[0], known.at(-1)];
  if (!best || !worst || best === worst) return "";
  const said = ({ name, own }: { readonly name: string; readonly own: number }): string =>
    `${valueWords(axis, own)} (${name})`;
  return ` By ${axis.name} the best has ${said(best)}, the worst ${said(worst)}.`;
}
