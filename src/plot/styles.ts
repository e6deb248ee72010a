/**
 * The figures' stylesheet. Figures carry classes alone, so that a page with a strict content-security-policy can hold them:
 * there the rules come from static/figures.css. A file on its own gets them, with plain colours, from {@linkcode standalone}.
 *
 * @module
 */
import {
  armStyles,
  type Colour,
  lineDashes,
  outcomeClass,
  outcomeColour,
  rampArms,
  rampColour,
  rampSteps,
  runStyles,
  stateColours,
  surroundings,
} from "./palette.ts";

/** How wide a figure is drawn: for a page or a paper, for a screen of about 390 px, or as one of several side by side. */
export type FigureSize = "wide" | "narrow" | "panel";

/** The sizes of a figure by itself on a page. */
export type PageSize = Exclude<FigureSize, "panel">;

/** Text sizes and extents in pixels of each size; `cell` is the height of a histogram among many. */
export const sizes = {
  wide: { width: 720, plot: 270, font: 13, title: 15, marker: 44, row: 22, cell: 84 },
  narrow: { width: 360, plot: 220, font: 12, title: 14, marker: 34, row: 21, cell: 64 },
  panel: { width: 440, plot: 220, font: 12, title: 13, marker: 36, row: 20, cell: 64 },
} as const satisfies Readonly<Record<FigureSize, unknown>>;

/** How wide a sheet of figures is, in pixels. */
export function sheetWidth(columns: number, size: FigureSize): number {
  return size === "narrow" || columns === 1 ? sizes[size].width : columns * sizes.panel.width;
}

const shapes =
  `.plot { display: block; width: 100%; height: auto; font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; font-variant-numeric: tabular-nums; }
.plot-wide { font-size: ${sizes.wide.font}px; max-width: ${sizes.wide.width}px; }
.plot-narrow { font-size: ${sizes.narrow.font}px; max-width: ${sizes.narrow.width}px; }
.plot-panel { font-size: ${sizes.panel.font}px; max-width: ${sizes.panel.width}px; }
.plot-sheet-2 { max-width: ${2 * sizes.panel.width}px; }
.plot-sheet-3 { max-width: ${3 * sizes.panel.width}px; }
.plot .title { font-size: ${sizes.wide.title}px; font-weight: 600; }
.plot-narrow .title { font-size: ${sizes.narrow.title}px; }
.plot .plot-panel .title { font-size: ${sizes.panel.title}px; }
.plot .row-name { font-weight: 600; }
.plot text { fill: currentColor; }
.plot .axis { fill: none; stroke: currentColor; stroke-width: 1; }
.plot .grid { fill: none; stroke: currentColor; stroke-width: 1; }
.plot .rule { fill: none; stroke: currentColor; stroke-width: 1.25; stroke-dasharray: 5 4; }
.plot .line { fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linejoin: round; }
.plot .bar { fill: none; stroke: currentColor; stroke-width: 1.25; opacity: 0.65; }
.plot .marker { fill: currentColor; stroke: none; }
.plot .hollow { stroke: currentColor; stroke-width: 1.5; }
.plot .mark { fill: none; stroke: currentColor; stroke-width: 1.5; }
.plot .cross { fill: none; stroke: currentColor; stroke-width: 1.75; }
.plot .area { fill: currentColor; stroke: none; opacity: 0.28; }
.plot .band { opacity: 0.14; }
.plot .block { fill: currentColor; stroke: none; }
.plot .track { fill: currentColor; stroke: none; }
.plot .strong .line { stroke-width: 2.75; }
.plot .faint { opacity: 0.6; }
.plot .faint .line { stroke-width: 1.25; }
.plot .step { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; }
.plot .dashed { stroke-dasharray: 5 3; }
.plot .plate { stroke: none; opacity: 0.82; }
.plot .coordinate { fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; opacity: 0.85; }
.plot .many .coordinate { stroke-width: 1.25; opacity: 0.5; }
.plot .crowd .coordinate { stroke-width: 1; opacity: 0.3; }
.plot .coordinate:hover { stroke-width: 3.5; opacity: 1; }
.plot .cell { fill: none; stroke: currentColor; stroke-width: 1.25; }
.plot .sign { fill: none; stroke: currentColor; stroke-width: 1.75; }
.plot .cell.dashed { stroke-dasharray: 2.5 2.5; }
.plot .hit { pointer-events: all; }
.plot a:hover .cell, .plot a:focus-visible .cell { stroke-width: 3; }
.plot a:hover .block, .plot a:focus-visible .block { stroke: currentColor; stroke-width: 3; }
${dashes()}
.plot-pair .plot-narrow { display: none; }
@media (max-width: 640px) {
  .plot-pair .plot-narrow { display: block; }
  .plot-pair .plot-wide { display: none; }
}
`;

/**
 * The rules that figures on a page need; static/figures.css holds this very text. It defines the arms' variables
 * (`--arm-ticket`, …), and reads `--ink`, `--ink-soft`, `--line` and `--ground`, which are the page's.
 */
export const figureStyles: string = spread(
  `/* Generated from src/plot/styles.ts, and compared with it by tests/plot/styles_test.ts. */
:root { ${armVariables("light")} }
@media (prefers-color-scheme: dark) {
  :root { ${armVariables("dark")} }
}
${shapes}${colours((name) => `var(--${identifier(name)})`, "light")}@media (prefers-color-scheme: dark) {
${fixed(colours((name) => `var(--${identifier(name)})`, "dark"))}}
`,
);

/**
 * A figure that stands alone, from one made for a page: with its stylesheet, colours for light and dark, and a ground behind it.
 *
 * @param svg What one of the figures' functions returned.
 * @throws {TypeError} When the text is not such a figure.
 */
export function standalone(svg: string): string {
  const opening = /^<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>/.exec(svg);
  if (!opening) {
    throw new TypeError(
      "cannot make a file of this text: it does not begin with an <svg> that has a viewBox; give what a figure's function returned",
    );
  }
  const [tag, width, height] = opening;
  const plain = (theme: keyof Colour): string => colours((name) => plainColour(name, theme), theme);
  const style = `<style>${shapes}${plain("light")}@media (prefers-color-scheme: dark) {\n${plain("dark")}}\n</style>`;
  const sized = tag.replace("<svg ", `<svg width="${width}" height="${height}" `);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${sized}${style}` +
    `<rect class="ground" width="${width}" height="${height}"/>${svg.slice(tag.length)}\n`;
}

/**
 * A figure for a page at both widths, as HTML: the stylesheet shows the one that fits the screen and hides the other from
 * everybody, screen readers too.
 *
 * @param draw Draws it at a size, with ids of its own.
 *
 * @example
 * ```ts
 * import { pair } from "./styles.ts";
 *
 * const html = pair((size) => `<svg class="plot plot-${size}"/>`);
 * console.assert(html.includes("plot-narrow"));
 * ```
 */
export function pair(draw: (size: PageSize) => string): string {
  return `<div class="plot-pair">${draw("wide")}${draw("narrow")}</div>`;
}

type Theme = keyof Colour;

/** Who has which colour. Those of runs, ramps and states have no variables: they are written for each theme. */
function colours(named: (name: string) => string, theme: Theme): string {
  return [
    `.plot { color: ${named("ink")}; }`,
    `.plot .soft { color: ${named("ink-soft")}; }`,
    `.plot .grid, .plot .track { color: ${named("line")}; }`,
    `.plot .name, .plot .dense { color: ${named("ink")}; }`,
    `.plot .hollow, .plot .ground, .ground, .plot .plate { fill: ${named("ground")}; }`,
    ...Object.keys(armStyles).map((arm) => `.plot .arm-${identifier(arm)} { color: ${named(`arm-${arm}`)}; }`),
    ...runStyles.map(({ colour }, index) =>
      `.plot .run-${index} { color: ${index === 0 ? named("ink") : colour[theme]}; }`
    ),
    ...rampArms.flatMap((arm) =>
      Array.from(
        { length: rampSteps },
        (_, step) => `.plot .ramp-${arm}-${step} { color: ${rampColour(arm, step / (rampSteps - 1))[theme]}; }`,
      )
    ),
    ...Array.from({ length: rampSteps }, (_, step) => step / (rampSteps - 1)).map((position) =>
      `.plot .${outcomeClass(position)} { color: ${outcomeColour(position)[theme]}; }`
    ),
    ...Object.entries(stateColours).map(([state, colour]) => `.plot .state-${state} { color: ${colour[theme]}; }`),
  ].map((rule) => `${rule}\n`).join("");
}

function plainColour(name: string, theme: Theme): string {
  const arm = Object.entries(armStyles).find(([arm]) => `arm-${arm}` === name);
  const plain = Object.entries(surroundings).find(([key]) => key === name);
  return (arm?.[1].colour ?? plain?.[1])?.[theme] ?? "currentColor";
}

function armVariables(theme: Theme): string {
  return Object.entries(armStyles).map(([arm, { colour }]) => `--arm-${identifier(arm)}: ${colour[theme]};`).join(" ");
}

/** A name as stylesheets write it: the dot of `noise-0.5` would begin another class. */
function identifier(name: string): string {
  return name.replaceAll(".", "\\.");
}

/** Rules without variables: those that a theme has to write anew. */
function fixed(rules: string): string {
  return rules.split("\n").filter((rule) => !rule.includes("var(")).join("\n");
}

/** A declaration a line, as the repository's formatter wants a file to be. */
function spread(rules: string): string {
  let depth = 0;
  const lines = rules.replaceAll(/\s*([{}])\s*/g, " $1\n").replaceAll("; ", ";\n").replaceAll(", .", ",\n.").replaceAll(
    "*/ ",
    "*/\n",
  ).split(
    "\n",
  );
  return lines.map((line) => line.trim()).filter((line) => line !== "").map((line) => {
    if (line === "}") depth--;
    const indented = "  ".repeat(depth) + line;
    if (line.endsWith("{")) depth++;
    return indented;
  }).join("\n") + "\n";
}

function dashes(): string {
  const rule = (name: string, dash: readonly number[]): string[] =>
    dash.length === 0 ? [] : [`.plot .${name} .line { stroke-dasharray: ${dash.join(" ")}; }`];
  return [
    ...Object.entries(armStyles).flatMap(([arm, { dash }]) => rule(`arm-${identifier(arm)}`, dash)),
    ...runStyles.flatMap(({ dash }, index) => rule(`run-${index}`, dash)),
    // After the arms', which a line of an arm may have in place of its own.
    `.plot .dash-0 .line { stroke-dasharray: none; }`,
    ...lineDashes.flatMap((dash, index) => rule(`dash-${index}`, dash)),
  ].join("\n");
}
