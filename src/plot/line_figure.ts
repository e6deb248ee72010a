/**
 * A figure in the manner of the paper: lines over points with bars from minimum to maximum, a rule for the dense network, the
 * paper's values as open diamonds, and gaps with a marker where networks diverged. Pure functions from data to SVG.
 *
 * Every text has a place of its own (title, legend, axis title, ticks, the rule's label in the margin), so that none overlaps
 * another; heights follow from what there is to say.
 *
 * @module
 */
// @ts-types="npm:@types/d3-scale@4.0.9"
import { scaleLinear, scaleLog } from "npm:d3-scale@4.0.3";
// @ts-types="npm:@types/d3-shape@3.2.0"
import { area as areaPath, line as linePath } from "npm:d3-shape@3.2.1";
import { element, type Markup, pixel } from "./markup.ts";
import { cross, diamond, legendRows, marker, placeLegend, type Sample } from "./marks.ts";
import type { MarkerName } from "./palette.ts";
import { type FigureSize, sizes } from "./styles.ts";
import { shortened, textWidth, tickLabels, wrapped } from "./text.ts";

/** A figure, and its numbers in words. */
export interface Figure {
  /** The picture: an `<svg>` with classes alone, for a page; `standalone()` makes a file of it. */
  readonly svg: string;
  /** One or two sentences that say its numbers. */
  readonly words: string;
}

/** What every figure's function takes. */
export interface FigureOptions {
  /** Begins every id in the SVG: a letter, then letters, digits, `-` and `_`. Another one for each figure of a page. */
  readonly prefix: string;
  /** How wide; `wide` when left out. */
  readonly size?: FigureSize;
  /** Whether the title stands in the picture too, not only in its accessible name; true when left out. */
  readonly heading?: boolean;
}

/** An axis. */
export interface Axis {
  /** What it shows, with its unit. */
  readonly title: string;
  /** How it is divided; `linear` when left out. Values that are not positive are missing on a logarithmic one. */
  readonly scale?: "linear" | "log";
  /** Whether large values come first; false when left out. */
  readonly reversed?: boolean;
  /** Where ticks stand instead of round numbers, ascending or descending; labels are left out where they would overlap. */
  readonly ticks?: readonly number[];
  /** What a tick of `ticks` is called; digits when left out. */
  readonly label?: (value: number) => string;
  /** Values that the axis covers in any case. */
  readonly include?: readonly number[];
  /** The axis does not go beyond these. */
  readonly bounds?: readonly [least: number, most: number];
  /** The axis shows these and no more, and curves are cut off at them: for the vertical axis of curves. */
  readonly window?: readonly [least: number, most: number];
}

/** A mean with its range. */
export interface Bar {
  /** Mean: where the point is. */
  readonly mean: number;
  /** The lower end of the bar. */
  readonly minimum: number;
  /** The upper end. */
  readonly maximum: number;
}

/** A point of a series. */
export interface Point {
  /** Where. */
  readonly x: number;
  /** What was measured; null leaves a gap in the line. */
  readonly y: Bar | null;
  /** Whether some of it is censored, so that the true value is there or higher: hollow, with an arrow upwards. */
  readonly censored?: boolean;
  /** Whether networks diverged here: a cross below the data. */
  readonly diverged?: boolean;
  /** Of a curve: whether it has a marker, such as an early stop. */
  readonly isMarked?: boolean;
  /** What a reader sees who points at it. */
  readonly note?: string;
}

/** A line with its points. */
export interface Series {
  /** What the legend calls it. */
  readonly name: string;
  /** Its class in the stylesheet: `arm-ticket`, `run-0`, `ramp-ticket-3`, … */
  readonly style: string;
  /** The shape of its points. */
  readonly marker: MarkerName;
  /** Drawn stronger or fainter than the others; as they are when left out. */
  readonly weight?: "strong" | "faint";
  /** Whether the legend names it; true when left out. */
  readonly listed?: boolean;
  /** Whether it is a curve of many points: no markers but those of points that are marked, and a band in place of bars. */
  readonly isCurve?: boolean;
  /** Its points, in the order of the line. */
  readonly points: readonly Point[];
}

/** A value from elsewhere, such as the paper's. */
export interface Mark {
  /** Where. */
  readonly x: number;
  /** Its value. */
  readonly y: number;
  /** What it is called. */
  readonly label: string;
  /** What a reader sees who points at it. */
  readonly note?: string;
}

/** What {@linkcode lineFigure} draws. */
export interface LineFigure extends FigureOptions {
  /** The title, also the accessible name. */
  readonly title: string;
  /** Set beside the title, softer: the run. */
  readonly subtitle?: string;
  /** The numbers in words: the accessible description. */
  readonly words: string;
  /** Across. */
  readonly x: Axis;
  /** Upwards. */
  readonly y: Axis;
  /** The lines, drawn in order: the most important last. The legend has them in the opposite order. */
  readonly series: readonly Series[];
  /** A horizontal line through the whole figure. */
  readonly rule?: { readonly value: number; readonly name: string; readonly label: string };
  /** Values from elsewhere. */
  readonly marks?: readonly Mark[];
  /** What stands in the middle when there is nothing to draw. */
  readonly empty?: string;
}

/** A rectangle. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A point where it is drawn. */
interface Placed {
  readonly point: Point;
  readonly x: number;
  /** Null for a gap. */
  readonly y: { readonly mean: number; readonly minimum: number; readonly maximum: number } | null;
}

/** Around everything, in pixels. */
const margin = 12;

/** Room for a row of crosses below the data, for an arrow above it, and beside the first and last level. */
const crossRow = 14;
const arrowRoom = 16;
const sideRoom = 14;

/**
 * Draws a figure.
 *
 * @throws {RangeError} When the prefix cannot begin an id.
 *
 * @example
 * ```ts
 * import { lineFigure } from "./line_figure.ts";
 *
 * const at = (x: number, mean: number) => ({ x, y: { mean, minimum: mean - 0.1, maximum: mean + 0.1 } });
 * const svg = lineFigure({
 *   prefix: "example",
 *   title: "Test accuracy at early stop",
 *   words: "Dense 97.9 %, at 51.3 % of the weights 98.2 %.",
 *   x: { title: "Weights remaining (%)", scale: "log", reversed: true },
 *   y: { title: "Test accuracy (%)" },
 *   series: [{ name: "ticket", style: "arm-ticket", marker: "circle", points: [at(100, 97.9), at(51.3, 98.2)] }],
 * });
 * console.assert(svg.startsWith("<svg "));
 * ```
 */
export function lineFigure(figure: LineFigure): string {
  const size = figure.size ?? "wide";
  const { width, plot, font, row } = sizes[size];
  const { series } = figure;
  const drawn = series.flatMap(({ points }) => points.filter(({ y }) => y !== null && isOn(figure.y, y.mean)));
  const diverging = series.filter(({ points }) => points.some(({ diverged }) => diverged));
  const censored = series.some(({ points }) => points.some(({ censored, y }) => censored && y));
  // Values from elsewhere are there to be compared with, so alone they are nothing to see.
  const marks = drawn.length > 0 ? figure.marks ?? [] : [];
  const rule = drawn.length > 0 && figure.rule && isOn(figure.y, figure.rule.value) ? figure.rule : undefined;

  // What is above the plot, from the top downwards.
  const head = heading(figure, size);
  const legend = placeLegend(
    samples({ series, marks }, {
      rule: size === "wide" ? undefined : rule,
      diverged: diverging.length > 0,
      censored,
    }),
    margin,
    width - 2 * margin,
    font,
  );
  const legendTop = head.bottom;
  const titleY = legendTop + legendRows(legend) * row + (legendRows(legend) > 0 ? 6 : 0) + font;
  const top = titleY + 14;
  const bottom = top + plot;
  const height = bottom + 2 * row + margin - 4;

  // The vertical scale first: its labels set the left margin.
  const values = [
    ...drawn.flatMap(({ y }) => y ? [y.mean, y.minimum, y.maximum] : []),
    ...marks.map(({ y }) => y),
    ...rule ? [rule.value] : [],
  ];
  const y = scaleOf(figure.y, values, [
    bottom - (diverging.length > 0 ? diverging.length * crossRow + 6 : 0),
    top + (censored ? arrowRoom : 0),
  ], { pad: true });
  const yTicks = values.length === 0
    ? []
    : ticksOf(figure.y, y, plot / 45, (ticks) => thinned(ticks, () => font * 0.7, 4));
  const ruleLines = size === "wide" && rule ? [rule.name, rule.label] : [];
  const ruleWidth = Math.max(0, ...ruleLines.map((text) => textWidth(text, font)));
  const left = margin + Math.max(textWidth("0", font), ...yTicks.map(({ label }) => textWidth(label, font))) + 8;
  const right = width - margin - (ruleWidth > 0 ? ruleWidth + 8 : 8);
  const box = { left, top, right, bottom };

  const positions = [...series.flatMap(({ points }) => points.map(({ x }) => x)), ...marks.map(({ x }) => x)];
  const across: [number, number] = [left + sideRoom, right - sideRoom];
  const x = scaleOf(figure.x, positions, figure.x.reversed ? [across[1], across[0]] : across, { pad: false });
  const halfWidth = ({ label }: Tick): number => textWidth(label, font) / 2;
  const xTicks = ticksOf(figure.x, x, (right - left) / 70, (ticks) => thinned(ticks, halfWidth, 8)).map((tick) => ({
    ...tick,
    shown: tick.shown && tick.at - halfWidth(tick) >= 0 && tick.at + halfWidth(tick) <= width,
  }));

  const placed = series.map((one) => ({
    series: one,
    points: one.points.filter((point) => isOn(figure.x, point.x)).map((point): Placed => ({
      point,
      x: x(point.x),
      y: point.y && isOn(figure.y, point.y.mean)
        ? { mean: y(point.y.mean), minimum: low(point.y), maximum: y(point.y.maximum) }
        : null,
    })),
  }));
  // A bar down to zero or below ends at the floor of a logarithmic axis.
  function low({ minimum }: Bar): number {
    return isOn(figure.y, minimum) ? Math.min(y(minimum), y.range()[0] ?? bottom) : y.range()[0] ?? bottom;
  }

  const diamonds = marks.filter((mark) => isOn(figure.x, mark.x) && isOn(figure.y, mark.y)).map((mark) => ({
    mark,
    x: x(mark.x),
    y: y(mark.y),
  }));
  const taken = obstacles(placed, diamonds, rule ? { left, right, y: y(rule.value) } : undefined);
  const clip = figure.y.window && series.some(({ isCurve }) => isCurve) ? `${figure.prefix}-${size}-clip` : undefined;
  const nothing = diverging.length > 0 ? "Every network diverged" : figure.empty ?? "No values yet";

  return frame(figure, size, height, [
    ...head.texts,
    element("g", { class: "legend" }, ...legend.map((entry) => entry.draw(legendTop, row))),
    element(
      "text",
      { class: "soft axis-title", x: margin, y: titleY },
      shortened(figure.y.title, font, width - 2 * margin),
    ),
    element(
      "g",
      { class: "soft y-axis" },
      ...yTicks.flatMap((tick) => [
        element("path", { class: "grid", d: `M${pixel(left)} ${pixel(tick.at)}H${pixel(right)}` }),
        ...tick.shown
          ? [element("text", { x: left - 8, y: tick.at + font * 0.35, "text-anchor": "end" }, tick.label)]
          : [],
      ]),
    ),
    element(
      "g",
      { class: "soft x-axis" },
      element("path", { class: "axis", d: `M${pixel(left)} ${pixel(bottom)}H${pixel(right)}` }),
      ...xTicks.flatMap((tick) => [
        element("path", { class: "axis", d: `M${pixel(tick.at)} ${pixel(bottom)}v${tick.shown ? 6 : 3}` }),
        ...tick.shown
          ? [element("text", { x: tick.at, y: bottom + 8 + font, "text-anchor": "middle" }, tick.label)]
          : [],
      ]),
      element(
        "text",
        { class: "axis-title", x: (left + right) / 2, y: bottom + 12 + 2 * font + 4, "text-anchor": "middle" },
        shortened(figure.x.title, font, width - 2 * margin),
      ),
    ),
    ...rule ? drawRule(y(rule.value), box, ruleLines, font) : [],
    ...clip
      ? [element(
        "clipPath",
        { id: clip },
        element("rect", { x: left, y: top, width: right - left, height: bottom - top }),
      )]
      : [],
    element(
      "g",
      { "clip-path": clip && `url(#${clip})` },
      ...placed.map((one) => drawSeries(one, size)),
    ),
    ...diverging.flatMap((one, index) => {
      const height = bottom - crossRow * (diverging.length - index) + crossRow / 2 - 2;
      return [element(
        "g",
        { class: one.style },
        ...fallsOf(placed.find(({ series }) => series === one)?.points ?? [], height),
        ...one.points.filter(({ diverged, x }) => diverged && isOn(figure.x, x)).map(({ x: at, note }) =>
          cross(x(at), height, note ?? `${one.name} diverged`)
        ),
      )];
    }),
    ...diamonds.map(({ mark, x, y }) => diamond(x, y, mark.note ?? mark.label)),
    ...markLabels(diamonds, taken, box, font),
    ...drawn.length === 0
      ? [element(
        "text",
        { class: "soft", x: (left + right) / 2, y: (top + bottom) / 2, "text-anchor": "middle" },
        shortened(nothing, font, right - left),
      )]
      : [],
  ]);
}

/** The `<svg>` around a figure, with its name and description for those who do not see it. */
export function frame(
  figure: FigureOptions & { readonly title: string; readonly subtitle?: string; readonly words: string },
  size: FigureSize,
  height: number,
  content: readonly Markup[],
  { width = sizes[size].width, role = "img", style = "" }: {
    /** In pixels; the size's own when left out. */
    readonly width?: number;
    /** `group` when its parts have names and descriptions of their own. */
    readonly role?: "img" | "group";
    /** A further class. */
    readonly style?: string;
  } = {},
): string {
  if (!/^[A-Za-z][\w-]*$/.test(figure.prefix)) {
    throw new RangeError(
      `cannot draw a figure with the prefix ${JSON.stringify(figure.prefix)}: ids begin with it; ` +
        "give a letter followed by letters, digits, - and _",
    );
  }
  const id = `${figure.prefix}-${size}`;
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      class: ["plot", `plot-${size}`, style].filter(Boolean).join(" "),
      viewBox: `0 0 ${width} ${Math.ceil(height)}`,
      role,
      "aria-labelledby": `${id}-title`,
      "aria-describedby": `${id}-description`,
    },
    element("title", { id: `${id}-title` }, [figure.title, figure.subtitle].filter(Boolean).join(", ")),
    element("desc", { id: `${id}-description` }, figure.words),
    ...content,
  ).toString();
}

/** The title, and the run beside it or below, in so many pixels; the size's own when left out. */
export function heading(
  { title, subtitle = "", heading = true }: { title: string; subtitle?: string; heading?: boolean },
  size: FigureSize,
  width: number = sizes[size].width,
): { readonly texts: readonly Markup[]; readonly bottom: number } {
  if (!heading) return { texts: [], bottom: margin - 4 };
  const { font, title: large } = sizes[size];
  const room = width - 2 * margin;
  // Semibold letters are a tenth wider.
  const lines = wrapped(title, large * 1.1, room);
  const texts = lines.map((text, index) =>
    element("text", { class: "title", x: margin, y: margin + large + index * large * 1.3 }, text)
  );
  let bottom = margin + large * (1 + (lines.length - 1) * 1.3);
  if (subtitle !== "") {
    const beside = margin + textWidth(lines.at(-1) ?? "", large * 1.1) + 14;
    const fits = beside + textWidth(subtitle, font) <= width - margin;
    if (!fits) bottom += font * 1.5;
    texts.push(
      element("text", { class: "soft", x: fits ? beside : margin, y: bottom }, shortened(subtitle, font, room)),
    );
  }
  return { texts, bottom: bottom + 12 };
}

/** A tick where it is drawn. */
export interface Tick {
  /** In pixels. */
  readonly at: number;
  /** What it is called. */
  readonly label: string;
  /** Whether there is room for its label. */
  readonly shown: boolean;
}

/**
 * Which of many labels to show so that no two overlap: where ticks stand evenly every second, third, … one, as few left out as
 * possible; else each that has room beside the one before. Of ticks that would run into each other the first stays.
 *
 * @param ticks Where they are, and their labels.
 * @param half Half of a label's extent along the axis, in pixels.
 * @param gap Pixels between two labels.
 */
export function thinned(ticks: readonly Tick[], half: (tick: Tick) => number, gap: number): Tick[] {
  const kept = spaced(ticks, (a, b) => Math.abs(a.at - b.at) >= leastTickGap);
  const apart = (a: Tick, b: Tick): boolean => Math.abs(a.at - b.at) >= half(a) + half(b) + gap;
  const gaps = kept.slice(1).map(({ at }, index) => Math.abs(at - (kept[index]?.at ?? at)));
  const isEven = Math.max(...gaps) < 1.6 * Math.min(...gaps);
  let chosen = spaced(kept, apart);
  for (let stride = 1; isEven && stride < kept.length; stride++) {
    const every = kept.filter((_, index) => index % stride === 0);
    if (spaced(every, apart).length < every.length) continue;
    chosen = every;
    break;
  }
  return kept.map((tick) => ({ ...tick, shown: chosen.includes(tick) }));
}

/** Ticks nearer than this are one. */
const leastTickGap = 5;

/** The first of a row, and each that is far enough from the one taken before. */
function spaced(ticks: readonly Tick[], apart: (a: Tick, b: Tick) => boolean): Tick[] {
  const taken: Tick[] = [];
  for (const tick of ticks) {
    const last = taken.at(-1);
    if (!last || apart(last, tick)) taken.push(tick);
  }
  return taken;
}

type Scale = ReturnType<typeof scaleOf>;

/** Whether a value has a place on an axis; those below the normal numbers have none on a logarithmic one. */
function isOn({ scale }: Axis, value: number): boolean {
  return Number.isFinite(value) && (scale !== "log" || value > 1e-307);
}

/** A scale over what is there. A single value stands in the middle. */
function scaleOf(axis: Axis, values: readonly number[], range: readonly [number, number], { pad }: { pad: boolean }) {
  const present = [...axis.window ?? [...values, ...axis.include ?? []]].filter((value) => isOn(axis, value));
  const isLog = axis.scale === "log";
  let least = Math.min(...present);
  let most = Math.max(...present);
  if (present.length === 0) [least, most] = isLog ? [0.1, 1] : [0, 1];
  const [floor, ceiling] = axis.bounds ?? [-Infinity, Infinity];
  const included = new Set(axis.include ?? []);
  if (least === most) {
    const around = Math.abs(least) * 0.05 || 1;
    [least, most] = isLog ? [least / 2, most * 2] : [least - around, most + around];
  } else if (pad && !axis.window) {
    const room = isLog ? Math.log(most / least) * 0.05 : (most - least) * 0.06;
    // An axis that begins at zero because it was asked to has nothing below it.
    if (!included.has(least)) least = isLog ? least / Math.exp(room) : least - room;
    if (!included.has(most)) most = isLog ? most * Math.exp(room) : most + room;
  }
  // Room around the smallest and largest numbers there are would be zero and infinity.
  const limits = isLog ? { least: 1e-307, most: 1e308 } : { least: -1e308, most: 1e308 };
  const domain = [Math.max(floor, least, limits.least), Math.min(ceiling, most, limits.most)];
  return (isLog ? scaleLog() : scaleLinear()).domain(domain).range(range);
}

/** An axis's ticks with labels, `most` or a few more where they are round numbers. */
function ticksOf(axis: Axis, scale: Scale, most: number, thin: (ticks: readonly Tick[]) => Tick[]): Tick[] {
  const values = axis.ticks
    ? [...new Set(axis.ticks)].filter((tick) => isOn(axis, tick))
    : axis.scale === "log"
    ? logTicks(scale, most)
    : scale.ticks(most);
  const labels = axis.label ? values.map(axis.label) : tickLabels(values);
  return thin(values.map((value, index) => ({ at: scale(value), label: labels[index] ?? "", shown: true })));
}

/** Round numbers on a logarithmic axis: as on a linear one within a factor of four, else 1, 2 and 5, else powers of ten. */
function logTicks(scale: Scale, most: number): number[] {
  const [least = 0.1, greatest = 1] = scale.domain();
  if (greatest / least < 4) return scaleLinear().domain([least, greatest]).ticks(most).filter((tick) => tick > 0);
  const within = (factors: readonly number[]): number[] => {
    const found: number[] = [];
    for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(greatest)); power++) {
      for (const factor of factors) {
        const tick = Number(`${factor}e${power}`);
        if (tick >= least * (1 - 1e-9) && tick <= greatest * (1 + 1e-9)) found.push(tick);
      }
    }
    return found;
  };
  const finest = within([1, 1.5, 2, 3, 5, 7]);
  if (finest.length <= most * 1.5) return finest;
  const fine = within([1, 2, 5]);
  if (fine.length <= most * 1.5) return fine;
  const powers = within([1]);
  const stride = Math.max(1, Math.ceil(powers.length / most));
  return powers.filter((_, index) => index % stride === 0);
}

function drawRule(
  y: number,
  { left, right, top, bottom }: Box,
  lines: readonly string[],
  font: number,
): Markup[] {
  // The two lines of the label stay beside the plot.
  const first = Math.min(Math.max(y - font * 0.2, top + font * 0.3), bottom - font * 1.2);
  return [
    element("path", { class: "rule", d: `M${pixel(left)} ${pixel(y)}H${pixel(right)}` }),
    ...lines.map((text, index) => element("text", { x: right + 8, y: first + index * font * 1.25 }, text)),
  ];
}

/** Dotted lines from where a line ends to the cross of a level at which every network diverged: whose cross it is. */
function fallsOf(points: readonly Placed[], height: number): Markup[] {
  return points.flatMap(({ point, x, y }, index) => {
    const before = points[index - 1];
    return point.diverged && !y && before?.y
      ? [element("path", {
        class: "bar",
        "stroke-dasharray": "2 4",
        d: `M${pixel(before.x)} ${pixel(before.y.mean)}L${pixel(x)} ${pixel(height)}`,
      })]
      : [];
  });
}

function drawSeries({ series, points }: { series: Series; points: readonly Placed[] }, size: FigureSize): Markup {
  const path = linePath<Placed>().defined(({ y }) => y !== null).x(({ x }) => x).y(({ y }) => y?.mean ?? 0).digits(2);
  const d = path(points);
  const area = sizes[size].marker * (series.weight === "strong" ? 1.4 : series.weight === "faint" ? 0.7 : 1);
  const cap = 3;
  const band = series.isCurve && points.some(({ y }) => y && y.minimum - y.maximum > 0.5)
    ? areaPath<Placed>().defined(({ y }) => y !== null).x(({ x }) => x).y0(({ y }) => y?.minimum ?? 0)
      .y1(({ y }) => y?.maximum ?? 0).digits(2)(points)
    : null;
  const isDrawn = (point: Point): boolean => !series.isCurve || point.isMarked === true;
  return element(
    "g",
    { class: series.weight ? `series ${series.style} ${series.weight}` : `series ${series.style}` },
    ...band ? [element("path", { class: "area band", d: band })] : [],
    ...d ? [element("path", { class: "line", d })] : [],
    ...points.flatMap(({ x, y }) =>
      !series.isCurve && y && y.minimum - y.maximum > 0.5
        ? [element("path", {
          class: "bar",
          d: `M${pixel(x - cap)} ${pixel(y.minimum)}h${2 * cap}M${pixel(x)} ${pixel(y.minimum)}V${pixel(y.maximum)}` +
            `M${pixel(x - cap)} ${pixel(y.maximum)}h${2 * cap}`,
        })]
        : []
    ),
    ...points.flatMap(({ point, x, y }) =>
      y && isDrawn(point)
        ? [marker(series.marker, x, y.mean, { area, hollow: point.censored ?? false, note: point.note })]
        : []
    ),
  );
}

/** What the legend explains, most important first. */
function samples(
  { series, marks }: { readonly series: readonly Series[]; readonly marks: readonly Mark[] },
  seen: { rule: LineFigure["rule"]; diverged: boolean; censored: boolean },
): Sample[] {
  const names = [...new Set(marks.map(({ label }) => label))];
  return [
    ...series.toReversed().filter(({ listed = true }) => listed).map((
      { name, style, weight, marker, isCurve, points },
    ): Sample => ({
      kind: "series",
      text: name,
      style: weight ? `${style} ${weight}` : style,
      ...isCurve && !points.some(({ isMarked }) => isMarked) ? {} : { marker },
    })),
    ...seen.rule ? [{ kind: "rule", text: `${seen.rule.name} ${seen.rule.label}` } as const] : [],
    ...names.map((text) => ({ kind: "diamond", text } as const)),
    ...seen.censored ? [{ kind: "censored", text: "censored: there or later" } as const] : [],
    ...seen.diverged ? [{ kind: "cross", text: "diverged" } as const] : [],
  ];
}

/** What a label beside a mark must keep clear of. */
function obstacles(
  placed: readonly { readonly points: readonly Placed[] }[],
  diamonds: readonly { readonly x: number; readonly y: number }[],
  rule: { readonly left: number; readonly right: number; readonly y: number } | undefined,
): Box[] {
  const around = (x: number, y: number, reach: number): Box => ({
    left: x - reach,
    right: x + reach,
    top: y - reach,
    bottom: y + reach,
  });
  const boxes = diamonds.map(({ x, y }) => around(x, y, 6));
  if (rule) boxes.push({ left: rule.left, right: rule.right, top: rule.y - 2, bottom: rule.y + 2 });
  for (const { points } of placed) {
    points.forEach(({ x, y }, index) => {
      if (!y) return;
      boxes.push(around(x, y.mean, 5), { left: x - 4, right: x + 4, top: y.maximum, bottom: y.minimum });
      const before = points[index - 1];
      if (!before?.y) return;
      const steps = Math.ceil(Math.hypot(x - before.x, y.mean - before.y.mean) / 4);
      for (let step = 1; step < steps; step++) {
        const share = step / steps;
        boxes.push(around(before.x + share * (x - before.x), before.y.mean + share * (y.mean - before.y.mean), 2));
      }
    });
  }
  return boxes;
}

/** Labels right, left, above or below their marks, where there is room; the legend has them in any case. */
function markLabels(
  diamonds: readonly { readonly mark: Mark; readonly x: number; readonly y: number }[],
  taken: readonly Box[],
  box: Box,
  font: number,
): Markup[] {
  const occupied = [...taken];
  return diamonds.flatMap(({ mark, x, y }) => {
    const width = textWidth(mark.label, font);
    const half = font * 0.55;
    const free = [[x + 9, y], [x - 9 - width, y], [x - width / 2, y - 9 - half], [x - width / 2, y + 9 + half]]
      .map(([left = 0, middle = 0]) => ({ left, right: left + width, top: middle - half, bottom: middle + half }))
      .find((one) =>
        one.left >= box.left && one.right <= box.right && one.top >= box.top && one.bottom <= box.bottom &&
        !occupied.some((other) =>
          one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom
        )
      );
    if (!free) return [];
    occupied.push(free);
    return [
      element("text", { class: "soft", x: free.left, y: (free.top + free.bottom) / 2 + font * 0.35 }, mark.label),
    ];
  });
}
