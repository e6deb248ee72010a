/**
 * One colour, one line and one marker per arm, everywhere: in files, on pages, in curves.
 *
 * Hues of the paper's arms are those of Okabe & Ito 2008 (blue, orange, bluish green, vermilion, grey), moved apart in lightness so
 * that all pairs differ by at least 15 (CIEDE2000) for readers with deuteranopia or protanopia (simulated as in Machado et al. 2009)
 * as well as for all others, and each stands out from the ground with a contrast of at least 3:1. There are more arms than colours
 * that far apart: those of the others were searched for (coordinate ascent over a grid of hue, chroma and lightness) so that arms
 * that stand in one figure differ by at least 12, and a method's controls share its colour. Line and marker always tell arms of one
 * figure apart. tests/plot/palette_test.ts measures all of it.
 *
 * @module
 */
// @ts-types="npm:@types/d3-scale@4.0.9"
import { scaleLinear } from "npm:d3-scale@4.0.3";
import type { ArmName } from "../lottery/arms/names.ts";
import { type RampArm, rampArms, rampSteps, shadeClass } from "./shades.ts";

export { type RampArm, rampArms, rampSteps };

/** A colour on a light ground and on a dark one, `#rrggbb`. */
export interface Colour {
  /** On a light ground. */
  readonly light: string;
  /** On a dark ground. */
  readonly dark: string;
}

/** Shapes of points. */
export type MarkerName =
  | "circle"
  | "square"
  | "triangle"
  | "triangle-down"
  | "plus"
  | "diamond"
  | "star"
  | "wye"
  | "triangle-left"
  | "triangle-right";

/** How a series is drawn. */
export interface SeriesStyle {
  /** Its colour. */
  readonly colour: Colour;
  /** Lengths of dashes and gaps in pixels; none for a solid line. */
  readonly dash: readonly number[];
  /** The shape of its points. */
  readonly marker: MarkerName;
}

/** How a line of a figure is told from the others: what figures take in place of a style. */
export interface LineLook {
  /** Its classes in the stylesheet: `arm-ticket`, `ramp-ticket-3 dash-1`, … */
  readonly style: string;
  /** The shape of its points. */
  readonly marker: MarkerName;
}

/** What stands around the data. Pages use the same names as CSS variables: `--ink`, `--ink-soft`, `--line`, `--ground`. */
export const surroundings = {
  "ink": { light: "#1d2024", dark: "#e7e9ec" },
  "ink-soft": { light: "#565c64", dark: "#a6adb6" },
  "line": { light: "#dfe1e4", dark: "#2d3239" },
  "ground": { light: "#ffffff", dark: "#131519" },
} as const satisfies Readonly<Record<string, Colour>>;

/**
 * Lines and points of arms beyond the paper's main ones, which have none of theirs. What stands in one figure differs in both: a
 * method's controls go through them, as do the methods, so that neither two controls of a method nor one control of two methods
 * share one.
 */
const furtherDashes = [[12, 3], [4, 2], [9, 3, 2, 3, 2, 3], [14, 4, 4, 4], [5, 5], [3, 3, 6, 3], [
  16,
  3,
  2,
  3,
]] as const;
const furtherMarkers = [
  "diamond",
  "star",
  "wye",
  "triangle-right",
  "triangle-left",
  "triangle-down",
  "triangle",
] as const;

/** Colours of pruning at initialisation by a score; the controls of a method have its colour. */
const scored = {
  "snip": { light: "#752b5b", dark: "#ba339e" },
  "grasp": { light: "#048768", dark: "#54c9ad" },
  "synflow": { light: "#938f23", dark: "#ca9903" },
} as const satisfies Readonly<Record<string, Colour>>;

/** The arms. Pages use the colours as CSS variables: `--arm-ticket`, … */
export const armStyles: Readonly<Record<ArmName, SeriesStyle>> = {
  "ticket": { colour: { light: "#1d65b9", dark: "#5b9ff7" }, dash: [], marker: "circle" },
  "reinit": { colour: { light: "#c07c10", dark: "#fcb826" }, dash: [7, 4], marker: "square" },
  "oneshot": { colour: { light: "#017457", dark: "#84e3c6" }, dash: [2, 3], marker: "triangle" },
  "oneshot-reinit": { colour: { light: "#962006", dark: "#cc5230" }, dash: [9, 3, 2, 3], marker: "triangle-down" },
  "random": { colour: { light: "#868b91", dark: "#7d8083" }, dash: [1, 4], marker: "plus" },
  "random-global": further(1, 1, { light: "#413f17", dark: "#836944" }),
  "lr-rewind": further(0, 0, { light: "#3f225c", dark: "#9b5589" }),
  "fine-tune": further(1, 1, { light: "#199d83", dark: "#47b290" }),
  "continued": further(2, 2, { light: "#812803", dark: "#be4511" }),
  "redraw": further(0, 0, { light: "#3f225c", dark: "#815f9f" }),
  "redraw-signs": further(1, 1, { light: "#004817", dark: "#197e33" }),
  "magnitude-init": further(6, 6, { light: "#376a30", dark: "#92ffb1" }),
  // More noise stands further from the ink.
  "noise-0.5": further(0, 0, { light: "#093e00", dark: "#b1ff96" }),
  "noise-1": further(1, 1, { light: "#0b6000", dark: "#87d46f" }),
  "noise-2": further(2, 2, { light: "#317f20", dark: "#5eaa48" }),
  "noise-3": further(3, 3, { light: "#539f3e", dark: "#348222" }),
  "twin": further(0, 0, { light: "#3f225c", dark: "#9b5589" }),
  "snip": further(0, 0, scored.snip),
  "snip-shuffle": further(1, 2, scored.snip),
  "snip-invert": further(2, 4, scored.snip),
  "snip-reinit": further(3, 6, scored.snip),
  "grasp": further(1, 1, scored.grasp),
  "grasp-shuffle": further(2, 3, scored.grasp),
  "grasp-invert": further(3, 5, scored.grasp),
  "grasp-reinit": further(4, 0, scored.grasp),
  "synflow": further(2, 2, scored.synflow),
  "synflow-shuffle": further(3, 4, scored.synflow),
  "synflow-invert": further(4, 6, scored.synflow),
  "synflow-reinit": further(5, 1, scored.synflow),
  "er": further(3, 3, { light: "#6f80fc", dark: "#2f66f8" }),
  "erk": further(4, 4, { light: "#591c00", dark: "#a25a3c" }),
};

/** An arm as a line of a figure: `{ name: "ticket", ...armLook("ticket"), points }`. */
export function armLook(arm: ArmName): LineLook {
  return { style: `arm-${arm}`, marker: armStyles[arm].marker };
}

/**
 * Runs that are compared: the baseline in ink and drawn stronger, the others after it. No colour is an arm's. With more
 * of them {@linkcode runLook} begins again.
 */
export const runStyles: readonly SeriesStyle[] = [
  { colour: surroundings.ink, dash: [], marker: "circle" },
  { colour: { light: "#8a2f9e", dark: "#d08be0" }, dash: [], marker: "square" },
  { colour: { light: "#00838f", dark: "#3fc1cf" }, dash: [7, 4], marker: "triangle" },
  { colour: { light: "#c2357b", dark: "#f47fb3" }, dash: [2, 3], marker: "triangle-down" },
  { colour: { light: "#6b7200", dark: "#c3cb4b" }, dash: [9, 3, 2, 3], marker: "plus" },
  { colour: { light: "#7a4a21", dark: "#c9976a" }, dash: [12, 3], marker: "circle" },
  { colour: { light: "#4d5fa8", dark: "#98a8ea" }, dash: [4, 2], marker: "square" },
];

/**
 * How the run at an index is drawn, the baseline at 0: which of {@linkcode runStyles} it has, and the shape of its points. The
 * eighth has the second's colour and dashes again and another's points, so that 12 differ.
 */
export function runLook(index: number): { readonly style: number; readonly marker: MarkerName } {
  const others = runStyles.length - 1;
  const style = index === 0 ? 0 : 1 + (index - 1) % others;
  const round = index === 0 ? 0 : Math.floor((index - 1) / others);
  const points = index === 0 ? 0 : 1 + (index - 1 + round) % others;
  return { style, marker: runStyles[points]?.marker ?? "circle" };
}

/**
 * Shades of an arm for its levels: from the ink's side of its hue to the ground's, so that what is pruned more stands further
 * from the dense network, which is in ink. Of up to five levels neighbours differ by at least 7 (CIEDE2000) for all readers.
 */
const ramps = {
  ticket: {
    light: rampOf(["#132c78", "#1d65b9", "#4a94d2"]),
    dark: rampOf(["#b8d9ff", "#5b9ff7", "#3d68c9"]),
  },
  reinit: {
    light: rampOf(["#522a02", "#8f5608", "#c38216"]),
    dark: rampOf(["#ffdd94", "#e0a02a", "#94651c"]),
  },
} as const satisfies Readonly<Record<RampArm, Readonly<Record<keyof Colour, (position: number) => string>>>>;

/** A shade of an arm, from 0 (its first level after the dense one) to 1 (its last). */
export function rampColour(arm: RampArm, position: number): Colour {
  const { light, dark } = ramps[arm];
  return { light: hex(light(position)), dark: hex(dark(position)) };
}

/**
 * Styles for curves per level, `count` levels with the dense one first: dense in ink and dashed, then the tickets' ramp; one
 * pruned level alone has the tickets' own colour.
 *
 * @example
 * ```ts
 * import { levelStyles } from "./palette.ts";
 *
 * const [dense, first] = levelStyles(3);
 * console.assert(dense?.dash.length === 2 && first?.dash.length === 0);
 * ```
 */
export function levelStyles(count: number): SeriesStyle[] {
  return Array.from(
    { length: count },
    (_, level) =>
      level === 0 ? { colour: surroundings.ink, dash: [6, 4], marker: "circle" } : {
        colour: count <= 2 ? armStyles.ticket.colour : rampColour("ticket", (level - 1) / (count - 2)),
        dash: [],
        marker: "circle",
      },
  );
}

/**
 * Shades for what many runs came to, worst to best: ochre through grey to navy on a light ground, blue through grey to yellow on a
 * dark one. Both run along the axis that readers with deuteranopia and protanopia see (as cividis does: Nuñez, Anderton & Renslow
 * 2018) and in one direction of lightness, so that they are in order in grey too; the best stand out most.
 */
const outcomeRamp = {
  light: rampOf(["#b5851c", "#5e6f78", "#0a2560"]),
  dark: rampOf(["#4a6fc4", "#a39f84", "#ffe45c"]),
} as const satisfies Readonly<Record<keyof Colour, (position: number) => string>>;

/** A shade for what a run came to, from 0 (the worst) to 1 (the best). */
export function outcomeColour(position: number): Colour {
  return { light: hex(outcomeRamp.light(position)), dark: hex(outcomeRamp.dark(position)) };
}

/** The class of such a shade: one of {@linkcode rampSteps}. */
export function outcomeClass(position: number): string {
  return `outcome-${Math.round(Math.min(1, Math.max(0, position)) * (rampSteps - 1))}`;
}

/**
 * How runs stand, `state-finished` and so on. All pairs differ by at least 9 (CIEDE2000) for all readers; a sign in each cell tells
 * them apart besides.
 */
export const stateColours = {
  finished: { light: "#1d7a46", dark: "#8beab4" },
  running: { light: "#1d56b0", dark: "#4a80ea" },
  waiting: { light: "#9a83c4", dark: "#c6b4f2" },
  stopped: { light: "#b87408", dark: "#c08c1c" },
  failed: { light: "#8f1228", dark: "#f4746a" },
  absent: { light: "#7f868e", dark: "#70777f" },
} as const satisfies Readonly<Record<string, Colour>>;

/** How a run stands. */
export type StateName = keyof typeof stateColours;

/**
 * Dashes with a class of their own, for lines that share a hue: `dash-0` is solid, `dash-1` the re-initialised networks', and so on;
 * the last one is the dense network's.
 */
export const lineDashes: readonly (readonly number[])[] = [
  [],
  [7, 4],
  [2, 3],
  [9, 3, 2, 3],
  [12, 3],
  [4, 2],
  [14, 4, 4, 4],
  [6, 4],
];

const sweepDashes = lineDashes.length - 1;
const sweepMarkers = ["circle", "square", "triangle", "diamond", "triangle-down", "plus"] as const;

/** The dense network among levels: in ink, and dashed. */
export const denseLook: LineLook = { style: `dense dash-${sweepDashes}`, marker: "circle" };

/**
 * The line at an index of an ordered sweep, such as one of 13 learning rates: a shade of its arm, and a dash and a marker that it
 * shares with no other of the first 42. Of a single one the arm's own look.
 *
 * @param index From 0.
 * @param count How many there are.
 * @param arm The tickets when left out. Arms without a ramp differ in dash and marker alone.
 *
 * @example
 * ```ts
 * import { sweepStyle } from "./palette.ts";
 *
 * console.assert(sweepStyle(12, 13).style.startsWith("ramp-ticket-12 "));
 * ```
 */
export function sweepStyle(index: number, count: number, arm: ArmName = "ticket"): LineLook {
  if (count <= 1) return armLook(arm);
  return {
    style: `${shadeClass(arm, index / (count - 1))} dash-${index % sweepDashes}`,
    marker: sweepMarkers[index % sweepMarkers.length] ?? "circle",
  };
}

/**
 * A pruned level of an arm among several, as curves are drawn: a shade of the arm with the arm's own dash, and a marker of its own. A
 * single level has the arm's own look. The dense network has {@linkcode denseLook}.
 *
 * @param index Which of the pruned levels that are drawn, from 0.
 * @param count How many there are.
 */
export function levelLook(arm: ArmName, index: number, count: number): LineLook {
  if (count <= 1) return armLook(arm);
  const own = armStyles[arm].dash.join();
  const dash = lineDashes.findIndex((one) => one.join() === own);
  const shade = shadeClass(arm, index / (count - 1));
  return {
    style: dash > 0 ? `${shade} dash-${dash}` : shade,
    marker: sweepMarkers[index % sweepMarkers.length] ?? "circle",
  };
}

/** A style out of the further dashes and markers. */
function further(marker: number, dash: number, colour: Colour): SeriesStyle {
  return { colour, dash: furtherDashes[dash] ?? [], marker: furtherMarkers[marker] ?? "circle" };
}

/** Shades between three, evenly apart. */
function rampOf(stops: readonly [first: string, middle: string, last: string]): (position: number) => string {
  return scaleLinear<string>().domain([0, 0.5, 1]).range([...stops]).clamp(true);
}

/** `rgb(1, 2, 3)`, as d3 interpolates, as `#010203`. */
function hex(colour: string): string {
  const channels = colour.match(/\d+/g) ?? [];
  return `#${channels.map((channel) => Number(channel).toString(16).padStart(2, "0")).join("")}`;
}
