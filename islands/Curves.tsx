import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import DownloadPng from "./DownloadPng.tsx";
import {
  chartData,
  curveKey,
  curveName,
  curveStyles,
  curveTable,
  lastIndex,
  movedIndex,
  someOf,
  soundZoom,
  valueWords,
} from "../src/dashboard/curves_data.ts";
import type { CurveLook, CurvesPlot } from "../src/dashboard/curves_plot.ts";
import { curvesFrom } from "../src/dashboard/curves_answer.ts";
import { curvesQuery, type CurvesView, metricNames, smoothings, withView } from "../src/dashboard/curves_view.ts";
import { unbroken } from "../src/dashboard/components/run_words.ts";
import { live } from "../src/dashboard/live.ts";
import { Paced } from "../src/dashboard/pacing.ts";
import { type Curve, metrics } from "../src/dashboard/types.ts";
import type { ArmName } from "../src/lottery/types.ts";

/** Milliseconds from one request for curves of a running run to the next, and from one drawing to the next. */
const fetchInterval = 750;
const drawInterval = 250;

/** The most rows of the table; the CSV file has all. */
const mostRows = 100;

/** What {@linkcode Curves} takes. */
export interface CurvesProps {
  /** The run. */
  readonly id: string;
  /** The dashboard's version when the page was made. */
  readonly version: string;
  /** What the page's address chose. */
  readonly view: CurvesView;
  /** What is shown when it chooses nothing. No levels: the dense one, the best and the newest. */
  readonly usual: CurvesView;
  /** The run's arms, and how the line of each is dashed. */
  readonly arms: readonly { readonly name: ArmName; readonly dash: readonly number[] }[];
  /** The levels that there are curves of, and what is left of the network at each. */
  readonly levels: readonly { readonly level: number; readonly remaining: number | null }[];
  /** Steps of an arm's colour ramp in the stylesheet. */
  readonly rampSteps: number;
  /** Whether the levels cannot be chosen. */
  readonly isLevelFixed: boolean;
  /** Whether there may be more of them while the page is open. */
  readonly isLive: boolean;
}

/** How the curves stand. */
type Status = { readonly type: "loading" | "ready" } | { readonly type: "failed"; readonly message: string };

/** Curves of a run against iterations, to be looked at from many sides; what is chosen is in the page's address. */
export default function Curves(props: CurvesProps): JSX.Element {
  const { id, version, usual, arms, rampSteps, isLevelFixed, isLive } = props;
  const view = useSignal(props.view);
  const curves = useSignal<readonly Curve[]>([]);
  const status = useSignal<Status>({ type: "loading" });
  const cursor = useSignal<number | null>(null);
  const theme = useSignal(0);
  const host = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const plot = useRef<CurvesPlot | undefined>(undefined);
  const loading = useRef<{ readonly fetching: Paced; readonly drawing: Paced } | undefined>(undefined);

  const data = useComputed(() => chartData(curves.value, view.value));
  const { isAccuracy, name: metricName } = metricNames[view.value.metric];
  const styles = curveStyles(curves.value, rampSteps);
  const dashOf = ({ arm }: Curve): readonly number[] => arms.find(({ name }) => name === arm)?.dash ?? [];

  const draw = (): void => {
    const chart = plot.current;
    const own = legend.current;
    if (!chart || !own) return;
    const swatches = [...own.querySelectorAll(".swatch g")];
    const looks = curves.value.map((curve, index): CurveLook => {
      const swatch = swatches[index];
      return {
        colour: swatch ? getComputedStyle(swatch).color : "#888888",
        dash: dashOf(curve),
        width: curve.level === 0 ? 2.25 : curve.replicate === null ? 1.75 : 1.25,
      };
    });
    const { x, y, smoothing } = view.value;
    chart.show({
      data: data.value,
      looks,
      view: { ...view.value, zoom: soundZoom(view.value.zoom, data.value.iterations) },
      isAccuracy,
      structure: JSON.stringify([
        curves.value.map((curve) => [curveKey(curve), curve.range !== null]),
        looks,
        isAccuracy,
        x,
        y,
        smoothing > 0,
        theme.value,
      ]),
    });
    chart.point(cursor.value);
  };
  // What is drawn later is what is chosen then.
  const drawLatest = useRef(draw);
  drawLatest.current = draw;

  useEffect(() => {
    const ending = new AbortController();
    let asked = new AbortController();
    const drawing = new Paced(() => {
      requestAnimationFrame(() => drawLatest.current());
    }, drawInterval);
    const fetching = new Paced(async () => {
      asked = new AbortController();
      const signal = AbortSignal.any([asked.signal, ending.signal]);
      try {
        const response = await fetch(`/api/runs/${id}/curves?${curvesQuery(view.value)}`, { signal });
        if (!response.ok) throw new Error(`The server answered ${response.status}.`);
        const answer: unknown = await response.json();
        curves.value = curvesFrom(answer);
        status.value = { type: "ready" };
      } catch (error) {
        if (signal.aborted) return;
        status.value = { type: "failed", message: error instanceof Error ? error.message : String(error) };
      }
    }, fetchInterval);
    loading.current = { fetching, drawing };

    void (async () => {
      try {
        const { CurvesPlot } = await import("../src/dashboard/curves_plot.ts");
        if (ending.signal.aborted || !host.current) return;
        plot.current = new CurvesPlot(host.current, {
          pointed: (index) => cursor.value = index,
          zoomed: (zoom) => change({ zoom }),
        });
        drawing.ask();
      } catch (error) {
        status.value = { type: "failed", message: error instanceof Error ? error.message : String(error) };
      }
    })();
    fetching.ask();

    const stopListening = isLive
      ? live().listen({
        runs: [id],
        version,
        hear: () => fetching.ask(),
        missed: () => fetching.ask(),
      })
      : () => {};
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const renew = (): void => {
      theme.value++;
      drawing.ask();
    };
    dark.addEventListener("change", renew);
    return () => {
      ending.abort();
      asked.abort();
      stopListening();
      dark.removeEventListener("change", renew);
      fetching.stop();
      drawing.stop();
      plot.current?.[Symbol.dispose]();
      plot.current = undefined;
    };
  }, [id]);

  useEffect(() => loading.current?.drawing.ask(), [data.value, view.value.range, view.value.zoom, theme.value]);

  function change(changes: Partial<CurvesView>): void {
    const before = curvesQuery(view.value);
    view.value = { ...view.value, ...changes };
    const query = withView(new URLSearchParams(location.search), view.value, usual).toString();
    history.replaceState(history.state, "", `${location.pathname}${query === "" ? "" : `?${query}`}${location.hash}`);
    if (curvesQuery(view.value) !== before) {
      status.value = { type: "loading" };
      loading.current?.fetching.askNow();
    }
  }

  const point = (event: JSX.TargetedKeyboardEvent<HTMLElement>): void => {
    const { iterations } = data.value;
    if (event.key === "Escape") {
      cursor.value = null;
      if (view.value.zoom) change({ zoom: null });
    } else {
      const from = cursor.value ?? iterations.length - 1;
      const moved = movedIndex(event.key, from, iterations.length);
      if (moved === undefined) return;
      event.preventDefault();
      cursor.value = moved;
    }
    plot.current?.point(cursor.value);
  };

  const now = view.value;
  const { iterations } = data.value;
  const at = iterations[cursor.value ?? iterations.length - 1];
  // Without a cursor each curve is read at its own end: one in training is behind the others, one that diverged ended before.
  const ends = data.value.curves.map(({ raw }) => lastIndex(raw));
  const endAt = (index: number): number | undefined => iterations[ends[index] ?? -1];
  const haveOneEnd = ends.every((end) => end === undefined || end === iterations.length - 1);
  const shownAt = (index: number): number => cursor.value ?? ends[index] ?? -1;
  const valueOf = (index: number): string =>
    unbroken(valueWords(data.value.curves[index]?.raw[shownAt(index)], isAccuracy));
  const endWords = (index: number): string => {
    const end = endAt(index);
    const divergedAt = curves.value[index]?.divergedAt ?? null;
    // Where it diverged stands beside its name already.
    const isSaid = divergedAt !== null && end !== undefined && end < divergedAt;
    return cursor.value !== null || end === undefined || end === at || isSaid ? "" : `at ${end.toLocaleString("en")}`;
  };
  const rangeOf = (index: number): string => {
    const range = data.value.curves[index]?.range;
    const [low, high] = [range?.minimum[shownAt(index)], range?.maximum[shownAt(index)]];
    return low === undefined || high === undefined || low === null || high === null
      ? ""
      : unbroken(`${valueWords(low, isAccuracy)} to ${valueWords(high, isAccuracy)}`);
  };
  const chosenLevels = new Set(now.levels.length > 0 ? now.levels : curves.value.map(({ level }) => level));
  const levels = levelsOf(props.levels, curves.value);
  const diverged = curves.value.filter(({ divergedAt }) => divergedAt !== null);
  const picture = `/runs/${id}/figures/curves.svg?${pictureQuery(now)}`;
  const numbers = `/api/runs/${id}/curves?${curvesQuery(now)}`;

  return (
    <div class="curves stack">
      <form class="curves-choices" aria-label="What the curves show" onSubmit={(event) => event.preventDefault()}>
        <Choice
          label="Curves of"
          value={now.metric}
          options={metrics.map((value) => ({ value, name: metricNames[value].name }))}
          choose={(metric) => change({ metric, zoom: null })}
        />
        <Choice
          label="Networks"
          value={now.networks}
          options={[{ value: "mean", name: "mean and range" }, { value: "each", name: "each by itself" }]}
          choose={(networks) => change({ networks })}
        />
        <Choice
          label="Iterations"
          value={now.x}
          options={axisOptions}
          choose={(x) => change({ x, zoom: null })}
        />
        <Choice label="Values" value={now.y} options={axisOptions} choose={(y) => change({ y, zoom: null })} />
        <Choice
          label="Vertical range"
          value={now.range}
          options={[{ value: "fine", name: "without the beginning" }, { value: "all", name: "all values" }]}
          choose={(range) => change({ range, zoom: null })}
        />
        <Choice
          label="Smoothing"
          value={now.smoothing}
          options={smoothings}
          choose={(smoothing) => change({ smoothing })}
        />
        {arms.length > 1 && (
          <fieldset class="curves-boxes">
            <legend>Arms</legend>
            {arms.map(({ name }) => {
              const isChosen = now.arms.length === 0 || now.arms.includes(name);
              return (
                <Box
                  label={name}
                  checked={isChosen}
                  toggle={() => {
                    const chosen = arms.map((own) => own.name).filter((own) =>
                      own === name ? !isChosen : now.arms.length === 0 || now.arms.includes(own)
                    );
                    // None would be all of them: the last one stays.
                    if (chosen.length > 0) change({ arms: chosen.length === arms.length ? [] : chosen });
                  }}
                />
              );
            })}
          </fieldset>
        )}
        {!isLevelFixed && (
          <fieldset class="curves-boxes curves-levels">
            <legend>Levels</legend>
            {levels.map(({ level, remaining }) => (
              <Box
                label={level === 0 ? "0 dense" : `${level}`}
                hint={remaining === null ? "" : `${(remaining * 100).toFixed(1)} % of the weights`}
                checked={chosenLevels.has(level)}
                toggle={() => {
                  const chosen = levels.map((own) => own.level).filter((own) =>
                    own === level ? !chosenLevels.has(own) : chosenLevels.has(own)
                  );
                  if (chosen.length > 0) change({ levels: chosen });
                }}
              />
            ))}
            <span class="row small">
              <button
                type="button"
                class="as-link"
                onClick={() => change({ levels: levels.map(({ level }) => level) })}
              >
                all
              </button>
              <button
                type="button"
                class="as-link"
                disabled={now.levels.length === 0}
                onClick={() => change({ levels: [] })}
              >
                dense, best and newest
              </button>
            </span>
          </fieldset>
        )}
      </form>

      <div class="curves-chart">
        <p class="soft small">
          {metricName}
          {isAccuracy ? " (%)" : " (nats)"}
          {now.zoom && (
            <>
              {" "}
              <button type="button" class="as-link" onClick={() => change({ zoom: null })}>Show the whole chart</button>
            </>
          )}
        </p>
        <div
          ref={host}
          class="curves-canvas"
          role="slider"
          tabIndex={0}
          aria-label={`${metricName} against iterations: the iteration that is read`}
          aria-valuemin={iterations[0] ?? 0}
          aria-valuemax={iterations.at(-1) ?? 0}
          aria-valuenow={at ?? 0}
          aria-valuetext={at === undefined
            ? "no values"
            : `iteration ${at.toLocaleString("en")}: ${
              curves.value.map((curve, index) =>
                [curveName(curve), valueOf(index), endWords(index)].filter((part) => part !== "").join(" ")
              ).join("; ")
            }`}
          onKeyDown={point}
        />
        {status.value.type === "loading" && curves.value.length === 0 && (
          <p class="curves-note soft">Loading the curves</p>
        )}
        {status.value.type === "failed" && (
          <p class="curves-note notice bad" role="alert">
            The curves could not be loaded: {status.value.message}{" "}
            <button
              type="button"
              onClick={() => {
                status.value = { type: "loading" };
                loading.current?.fetching.askNow();
              }}
            >
              Try again
            </button>
          </p>
        )}
        {status.value.type === "ready" && iterations.length === 0 && (
          <p class="curves-note soft">
            {curves.value.length === 0
              ? "There are no evaluations of these levels and arms yet."
              : "No value can be drawn here."}
          </p>
        )}
      </div>

      {curves.value.length > 0 && (
        <p class="small">
          {at === undefined
            ? ""
            : cursor.value !== null
            ? `At iteration ${at.toLocaleString("en")}`
            : haveOneEnd
            ? `At iteration ${at.toLocaleString("en")}, the last one`
            : `The last value of each curve, at iteration ${at.toLocaleString("en")} where nothing else is said`}
          <span class="soft">
            &nbsp;· points mark early stop{now.networks === "mean" ? " (mean of the networks')" : ""}
            {diverged.length > 0 ? ", crosses divergence" : ""}
            {now.smoothing > 0 ? ", faint lines are not smoothed" : ""}
            {now.networks === "mean" && curves.value.some(({ range }) => range)
              ? ", bands reach from least to most"
              : ""}.
          </span>
        </p>
      )}
      <ul ref={legend} class={`curves-legend${curves.value.some(({ range }) => range) ? "" : " no-range"}`}>
        {curves.value.map((curve, index) => (
          <li key={curveKey(curve)}>
            <Swatch style={styles[index] ?? ""} dash={dashOf(curve)} isStrong={curve.level === 0} />
            <span class="curves-name">
              {unbroken(curveName(curve))}
              {endWords(index) !== "" && <span class="soft small nowrap">&nbsp; {endWords(index)}</span>}
              {curve.divergedAt !== null && (
                <span class="bad-ink nowrap">&nbsp; diverged at {curve.divergedAt.toLocaleString("en")}</span>
              )}
            </span>
            <span class="number">{valueOf(index)}</span>
            {curve.range && <span class="number soft small">{rangeOf(index)}</span>}
          </li>
        ))}
      </ul>

      <p class="soft small">
        Mark a part of the chart to look at it closer; a double click or Escape shows the whole. With the chart in
        focus, the arrow keys move the cursor.
      </p>
      <div class="takeaway small" role="group" aria-label="Files of the curves">
        <a href={picture} download>SVG</a>
        <DownloadPng svg={picture} title="the curves" />
        <a href={`${numbers}&format=csv`} download>CSV</a>
        <a href={numbers} download={`${id}-${now.metric}.json`}>JSON</a>
        <button type="button" class="as-link" aria-expanded={now.table} onClick={() => change({ table: !now.table })}>
          {now.table ? "Hide the table" : "Show as a table"}
        </button>
      </div>
      {now.table && <Table curves={curves.value} isAccuracy={isAccuracy} metric={metricName} />}
    </div>
  );
}

const axisOptions = [{ value: "linear", name: "linear" }, { value: "log", name: "logarithmic" }] as const;

function Choice<Value extends string | number>(
  { label, value, options, choose }: {
    readonly label: string;
    readonly value: Value;
    readonly options: readonly { readonly value: Value; readonly name: string }[];
    readonly choose: (value: Value) => void;
  },
): JSX.Element {
  return (
    <label class="curves-choice">
      <span class="soft small">{label}</span>
      <select
        value={String(value)}
        onChange={({ currentTarget }) => {
          const chosen = options.find((own) => String(own.value) === currentTarget.value);
          if (chosen) choose(chosen.value);
        }}
      >
        {options.map((own) => (
          <option key={own.value} value={String(own.value)} selected={own.value === value}>{own.name}</option>
        ))}
      </select>
    </label>
  );
}

function Box(
  { label, hint = "", checked, toggle }: {
    readonly label: string;
    readonly hint?: string;
    readonly checked: boolean;
    readonly toggle: () => void;
  },
): JSX.Element {
  return (
    <label title={hint}>
      <input type="checkbox" checked={checked} onChange={toggle} /> {label}
    </label>
  );
}

function Swatch(
  { style, dash, isStrong }: { readonly style: string; readonly dash: readonly number[]; readonly isStrong: boolean },
): JSX.Element {
  return (
    <svg
      class={`plot swatch${isStrong ? " strong" : ""}`}
      viewBox="0 0 30 10"
      width="30"
      height="10"
      aria-hidden="true"
    >
      <g class={style}>
        <path
          class="swatch-line"
          d="M0 5H30"
          stroke="currentColor"
          stroke-width={isStrong ? 2.5 : 2}
          stroke-dasharray={dash.length > 0 ? dash.join(" ") : undefined}
        />
      </g>
    </svg>
  );
}

function Table(
  { curves, isAccuracy, metric }: {
    readonly curves: readonly Curve[];
    readonly isAccuracy: boolean;
    readonly metric: string;
  },
): JSX.Element {
  const { header, rows } = curveTable(curves);
  const some = someOf(rows, mostRows);
  return (
    <div class="scroll curves-table" tabIndex={0} role="group" aria-label={`${metric} as a table`}>
      <table>
        <caption>
          {metric} by iteration
          {some.length < rows.length
            ? `: ${some.length} of ${rows.length.toLocaleString("en")} rows, evenly spread; the CSV file has all`
            : ""}
        </caption>
        <thead>
          <tr>{header.map((name) => <th key={name} scope="col" class="number">{name}</th>)}</tr>
        </thead>
        <tbody>
          {some.map(([iteration, ...values]) => (
            <tr>
              <th scope="row" class="number">{iteration?.toLocaleString("en")}</th>
              {values.map((value, index) => <td key={index} class="number">{valueWords(value, isAccuracy)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Levels that the page knew, and those that began since. */
function levelsOf(
  known: CurvesProps["levels"],
  curves: readonly Curve[],
): readonly { readonly level: number; readonly remaining: number | null }[] {
  const all = new Map(known.map((own) => [own.level, own]));
  for (const { level, remaining } of curves) if (!all.has(level)) all.set(level, { level, remaining });
  return [...all.values()].sort((a, b) => a.level - b.level);
}

/** A view in the address of its picture as a file. */
function pictureQuery(view: CurvesView): string {
  const { x, y, range, smoothing } = view;
  return `${curvesQuery(view)}&${new URLSearchParams({ x, y, range, smoothing: String(smoothing) })}`;
}
