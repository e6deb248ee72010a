/**
 * Curves on a canvas, by uPlot. Only for the browser: it is loaded when there is something to draw.
 *
 * @module
 */
import uPlot from "uplot";
import {
  type ChartCurve,
  type ChartData,
  divergencePlace,
  linearTicks,
  logTicks,
  tickWords,
  valueRange,
} from "./curves_data.ts";
import type { CurvesView, Zoom } from "./curves_view.ts";

/** How one curve is drawn. */
export interface CurveLook {
  /** Its colour, as CSS has it. */
  readonly colour: string;
  /** Lengths of dashes and gaps in pixels. */
  readonly dash: readonly number[];
  /** In pixels. */
  readonly width: number;
}

/** What is drawn. */
export interface Chart {
  /** The curves. */
  readonly data: ChartData;
  /** How each is drawn. */
  readonly looks: readonly CurveLook[];
  /** What was chosen. */
  readonly view: CurvesView;
  /** Whether values are accuracies, not losses. */
  readonly isAccuracy: boolean;
  /** Changes when another set of columns is drawn, or in another way. */
  readonly structure: string;
}

/** Who is told what the reader does in the chart. */
export interface ChartListener {
  /** The cursor is at this index of the iterations; null when it has left. */
  readonly pointed: (index: number | null) => void;
  /** A part was marked; null for the whole chart once more. */
  readonly zoomed: (zoom: Zoom | null) => void;
}

/** A column's part in the picture. */
type Role = "line" | "raw" | "edge";

/** A chart in an element. */
export class CurvesPlot implements Disposable {
  readonly #host: HTMLElement;
  readonly #listener: ChartListener;
  readonly #observer: ResizeObserver;
  #plot: uPlot | undefined;
  #chart: Chart | undefined;
  #structure = "";

  /** Draws into this element, as wide as it is. */
  constructor(host: HTMLElement, listener: ChartListener) {
    this.#host = host;
    this.#listener = listener;
    this.#observer = new ResizeObserver(() => {
      const size = this.#size();
      if (this.#plot && (size.width !== this.#plot.width || size.height !== this.#plot.height)) {
        this.#plot.setSize(size);
      }
    });
    this.#observer.observe(host);
  }

  /** Draws a chart; one of the same structure is only given other numbers. */
  show(chart: Chart): void {
    this.#chart = chart;
    const columns = chart.data.curves.flatMap((curve) => columnsOf(curve).map(({ column }) => column));
    const data: uPlot.AlignedData = [chart.data.iterations, ...columns];
    if (!this.#plot || this.#structure !== chart.structure) {
      this.#plot?.destroy();
      this.#structure = chart.structure;
      this.#plot = new uPlot(this.#options(chart), data, this.#host);
      this.#setScales();
    } else {
      const plot = this.#plot;
      plot.batch(() => {
        plot.setData(data, false);
        this.#setScales();
      });
    }
  }

  /** Puts the cursor on an iteration's index, or takes it away. */
  point(index: number | null): void {
    const plot = this.#plot;
    const iteration = index === null ? undefined : this.#chart?.data.iterations[index];
    if (!plot) return;
    plot.setCursor(
      iteration === undefined ? { left: -10, top: -10 } : { left: plot.valToPos(iteration, "x"), top: 1 },
      false,
    );
  }

  /** Draws anew with other colours or fonts. */
  renew(): void {
    this.#structure = "";
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#observer.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #size(): { width: number; height: number } {
    const width = Math.max(200, Math.floor(this.#host.clientWidth));
    return { width, height: width < 560 ? 280 : 380 };
  }

  #setScales(): void {
    const { data: { iterations }, view } = this.#chart ?? { data: { iterations: [] }, view: undefined };
    const plot = this.#plot;
    if (!plot || !view || !this.#chart) return;
    const first = iterations[0] ?? 1;
    const last = iterations.at(-1) ?? 1;
    const whole = first === last ? [first * 0.9, first * 1.1 + 1] : [first, last];
    const [left = 0, right = 1] = view.zoom ?? whole;
    const [bottom, top] = view.zoom
      ? [view.zoom[2], view.zoom[3]]
      : valueRange(this.#chart.data, { range: view.range, y: view.y, isAccuracy: this.#chart.isAccuracy });
    plot.setScale("x", { min: left, max: right });
    plot.setScale("y", { min: bottom, max: top });
  }

  #options({ data: { curves }, looks, view, isAccuracy }: Chart): uPlot.Options {
    const style = getComputedStyle(this.#host);
    const ink = style.getPropertyValue("--ink-soft").trim();
    const line = style.getPropertyValue("--line").trim();
    const font = `12px ${style.fontFamily}`;
    const roles: { readonly role: Role; readonly look: CurveLook }[] = [];
    const series: uPlot.Series[] = [{ label: "iteration" }];
    const bands: uPlot.Band[] = [];
    curves.forEach((curve, index) => {
      const look = looks[index] ?? { colour: ink, dash: [], width: 1.5 };
      for (const { role } of columnsOf(curve)) {
        roles.push({ role, look });
        series.push({
          scale: "y",
          points: { show: role === "line" ? showAlone : false },
          ...role === "edge" ? { stroke: "transparent", width: 0 } : {
            stroke: look.colour,
            width: look.width,
            dash: role === "raw" ? [] : [...look.dash],
            alpha: role === "raw" ? 0.28 : 1,
          },
        });
        if (role === "edge" && roles.at(-2)?.role === "edge" && roles.at(-2)?.look === look) {
          bands.push({ series: [series.length - 2, series.length - 1], fill: faint(look.colour) });
        }
      }
    });
    const axis = { font, stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
    const splits = (division: CurvesView["x"], space: number) =>
    (
      _plot: uPlot,
      _axis: number,
      least: number,
      most: number,
    ): number[] => {
      const wanted = Math.max(2, space);
      return division === "log" ? logTicks(least, most, wanted) : linearTicks(least, most, wanted);
    };
    const { width, height } = this.#size();
    return {
      width,
      height,
      legend: { show: false },
      padding: [12, 30, 0, 0],
      scales: {
        x: { time: false, distr: view.x === "log" ? 3 : 1, range: asGiven },
        y: { distr: view.y === "log" ? 3 : 1, range: asGiven },
      },
      axes: [
        {
          ...axis,
          label: "Iteration",
          labelFont: font,
          labelSize: 20,
          size: 28,
          splits: splits(view.x, width / 90),
          filter: (_plot, ticks) => ticks,
          values: (_plot, ticks) => ticks.map((tick) => tick.toLocaleString("en")),
        },
        {
          ...axis,
          splits: splits(view.y, height / 50),
          filter: (_plot, ticks) => ticks,
          values: (_plot, ticks) => tickWords(ticks, isAccuracy),
          size: (_plot, values) => 14 + 7.2 * Math.max(3, ...(values ?? []).map((text) => text.length)),
        },
      ],
      series,
      bands,
      cursor: {
        y: false,
        drag: { x: true, y: true, uni: 24, setScale: false },
        bind: {
          dblclick: () => () => {
            this.#listener.zoomed(null);
            return null;
          },
        },
        points: {
          size: 7,
          width: 0,
          fill: (_plot, index) => colourOf(roles[index - 1]),
          stroke: (_plot, index) => colourOf(roles[index - 1]),
        },
      },
      hooks: {
        setCursor: [(plot) => this.#listener.pointed(plot.cursor.idx ?? null)],
        setSelect: [(plot) => this.#selected(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
      },
    };
  }

  #selected(plot: uPlot): void {
    const { left, top, width, height } = plot.select;
    if (width < 4 && height < 4) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#listener.zoomed([
      plot.posToVal(left, "x"),
      plot.posToVal(left + width, "x"),
      plot.posToVal(top + height, "y"),
      plot.posToVal(top, "y"),
    ]);
  }

  /** Early stops as points on their lines, divergences as crosses where their lines end. */
  #drawMarks(plot: uPlot): void {
    const chart = this.#chart;
    if (!chart) return;
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const ground = getComputedStyle(this.#host).getPropertyValue("--panel").trim();
    ctx.save();
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    chart.data.curves.forEach(({ curve: { earlyStop, divergedAt }, raw }, index) => {
      const colour = chart.looks[index]?.colour ?? ground;
      const stop = earlyStop === null ? undefined : valueAt(chart.data.iterations, raw, earlyStop);
      if (stop) {
        ctx.beginPath();
        ctx.arc(plot.valToPos(stop.x, "x", true), plot.valToPos(stop.y, "y", true), 4.5 * ratio, 0, 2 * Math.PI);
        ctx.fillStyle = colour;
        ctx.fill();
        ctx.lineWidth = 1.5 * ratio;
        ctx.strokeStyle = ground;
        ctx.stroke();
      }
      if (divergedAt !== null && (chart.view.x === "linear" || divergedAt > 0)) {
        const place = divergencePlace(chart.data.iterations, raw, divergedAt);
        const foot = bbox.top + bbox.height - 9 * ratio;
        const x = plot.valToPos(place?.x ?? divergedAt, "x", true);
        // What ends outside the vertical range has its cross at the edge.
        const y = place ? Math.min(foot, Math.max(bbox.top + 9 * ratio, plot.valToPos(place.y, "y", true))) : foot;
        const reach = 5 * ratio;
        ctx.beginPath();
        ctx.moveTo(x - reach, y - reach);
        ctx.lineTo(x + reach, y + reach);
        ctx.moveTo(x - reach, y + reach);
        ctx.lineTo(x + reach, y - reach);
        // Set off from its own line by the ground.
        for (const [width, style] of [[5.5, ground], [2.25, colour]] as const) {
          ctx.lineWidth = width * ratio;
          ctx.strokeStyle = style;
          ctx.stroke();
        }
      }
    });
    ctx.restore();
  }
}

/** The columns of a curve in drawing order: the range's edges, the raw line below the smoothed one, the line. */
function columnsOf({ raw, line, range }: ChartCurve): { readonly role: Role; readonly column: ChartCurve["raw"] }[] {
  return [
    ...range
      ? [{ role: "edge", column: range.maximum } as const, { role: "edge", column: range.minimum } as const]
      : [],
    ...line === raw ? [] : [{ role: "raw", column: raw } as const],
    { role: "line", column: line },
  ];
}

/** A curve of one value so far is a point: there is no line yet. */
function showAlone(plot: uPlot, index: number): boolean {
  const column = plot.data[index];
  let values = 0;
  for (const value of column ?? []) {
    if (typeof value === "number" && ++values > 1) return false;
  }
  return values === 1;
}

/** A curve's value at an iteration; between two evaluations, on the line between them. */
function valueAt(
  iterations: readonly number[],
  column: ChartCurve["line"],
  iteration: number,
): { readonly x: number; readonly y: number } | undefined {
  let before: { readonly x: number; readonly y: number } | undefined;
  for (let index = 0; index < iterations.length; index++) {
    const [x, y] = [iterations[index], column[index]];
    if (x === undefined || y === undefined || y === null) continue;
    if (x === iteration) return { x, y };
    if (x > iteration) {
      if (!before) return undefined;
      const share = (iteration - before.x) / (x - before.x);
      return { x: iteration, y: before.y + share * (y - before.y) };
    }
    before = { x, y };
  }
  return undefined;
}

/** A scale is as long as it was set, not rounded to powers of ten. */
function asGiven(_plot: uPlot, least: number | null, most: number | null): [number, number] {
  return [least ?? 0.1, most ?? 1];
}

function colourOf(column: { readonly role: Role; readonly look: CurveLook } | undefined): string {
  return column?.role === "line" ? column.look.colour : "transparent";
}

/** A colour that lets most of what is below it through. */
function faint(colour: string): string {
  return colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.14)");
}
