/**
 * One colour, one line and one marker per arm, everywhere: in files, on pages, in curves.
 *
 * Hues are those of Okabe & Ito 2008 (blue, orange, bluish green, vermilion, grey), moved apart in lightness so that all pairs
 * differ by at least 15 (CIEDE2000) for readers with deuteranopia or protanopia (simulated as in Machado et al. 2009) as well
 * as for all others, and each stands out from the ground with a contrast of at least 3:1. tests/plot/palette_test.ts measures
 * both.
 *
 * @module
 */
// @ts-types="npm:@types/d3-scale@4.0.9"
import { scaleLinear } from "npm:d3-scale@4.0.3";
import type { ArmName } from "../lottery/types.ts";

/** A colour on a light ground and on a dark one, `#rrggbb`. */
export interface Colour {
  /** On a light ground. */
  readonly light: string;
  /** On a dark ground. */
  readonly dark: string;
}

/** Shapes of points. */
export type MarkerName = "circle" | "square" | "triangle" | "triangle-down" | "plus" | "diamond";

/** How a series is drawn. */
export interface SeriesStyle {
  /** Its colour. */
  readonly colour: Colour;
  /** Lengths of dashes and gaps in pixels; none for a solid line. */
  readonly dash: readonly number[];
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

/** The arms, those of later issues included. Pages use the colours as CSS variables: `--arm-ticket`, … */
export const armStyles = {
  "ticket": { colour: { light: "#1d65b9", dark: "#5b9ff7" }, dash: [], marker: "circle" },
  "reinit": { colour: { light: "#c07c10", dark: "#fcb826" }, dash: [7, 4], marker: "square" },
  "oneshot": { colour: { light: "#017457", dark: "#84e3c6" }, dash: [2, 3], marker: "triangle" },
  "oneshot-reinit": { colour: { light: "#962006", dark: "#cc5230" }, dash: [9, 3, 2, 3], marker: "triangle-down" },
  "random": { colour: { light: "#868b91", dark: "#7d8083" }, dash: [1, 4], marker: "plus" },
} as const satisfies Readonly<Record<string, SeriesStyle>>;

/** An arm that has a style. */
export type StyledArm = keyof typeof armStyles;

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
} as const satisfies Readonly<Record<ArmName, Readonly<Record<keyof Colour, (position: number) => string>>>>;

/** The arms that have a ramp. */
export const rampArms = ["ticket", "reinit"] as const satisfies readonly ArmName[];

/** A shade of an arm, from 0 (its first level after the dense one) to 1 (its last). */
export function rampColour(arm: ArmName, position: number): Colour {
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

/** How many steps of a ramp have a class in the stylesheet: 2, 3, 4, 5, 7 and 13 levels are evenly apart on them. */
export const rampSteps = 13;

/** Shades between three, evenly apart. */
function rampOf(stops: readonly [first: string, middle: string, last: string]): (position: number) => string {
  return scaleLinear<string>().domain([0, 0.5, 1]).range([...stops]).clamp(true);
}

/** `rgb(1, 2, 3)`, as d3 interpolates, as `#010203`. */
function hex(colour: string): string {
  const channels = colour.match(/\d+/g) ?? [];
  return `#${channels.map((channel) => Number(channel).toString(16).padStart(2, "0")).join("")}`;
}
