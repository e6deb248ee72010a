import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { percent } from "../src/analysis/words.ts";
import type { ArmName } from "../src/lottery/types.ts";
import {
  accuracyRange,
  curveBox,
  curvePath,
  describeSurvivors,
  digitFrom,
  placeOf,
  shadesOf,
} from "../src/dashboard/try_pictures.ts";
import { CommandText } from "../src/dashboard/components/CommandText.tsx";
import { unbroken } from "../src/dashboard/components/run_words.ts";
import type { Order, ReadExample, Report, TryResult } from "../src/dashboard/try_protocol.ts";
import { addressOf, commandOf, tryFields, type TrySettings } from "../src/dashboard/try_settings.ts";
import { adviceOn, type Trouble, troubleAhead } from "../src/dashboard/try_trouble.ts";
import {
  accuracyOf,
  after,
  announcement,
  begun,
  fractionOf,
  idle,
  type LevelView,
  type TryView,
  withoutFlags,
} from "../src/dashboard/try_view.ts";
import type { Trainer } from "../src/dashboard/try_worker.ts";

/** Pixels of a digit's side. */
const side = 28;

/** Settings, the training, and what came of it. What trains is loaded when the visitor presses Train. */
export default function TryIt({ settings: first }: { readonly settings: TrySettings }): JSX.Element {
  const settings = useSignal(first);
  const view = useSignal<TryView>(idle(first));
  const ahead = useSignal<Trouble | undefined>(undefined);
  const probabilities = useSignal<readonly number[] | undefined>(undefined);
  const trainer = useRef<Trainer | undefined>(undefined);
  const trainButton = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    ahead.value = troubleAhead(globalThis);
    return () => trainer.current?.close();
  }, []);

  const order = (own: Order): void => trainer.current?.port.postMessage(own);
  const fail = (trouble: Trouble): void => {
    trainer.current?.close();
    trainer.current = undefined;
    view.value = after(view.value, { type: "failed", trouble });
  };

  const start = async (place: "worker" | "page"): Promise<void> => {
    try {
      const { openInPage, openWorker } = await import("../src/dashboard/try_worker.ts");
      const opened = place === "page" ? await openInPage() : openWorker((message) => fail({ kind: "script", message }));
      opened.port.onmessage = ({ data: report }: MessageEvent<Report>) => {
        // Some browsers have WebGPU in pages before they have it in workers.
        if (report.type === "failed" && report.trouble.kind === "missing" && place === "worker") {
          opened.close();
          void train("page");
        } else if (report.type === "read") probabilities.value = report.probabilities;
        else view.value = after(view.value, report);
      };
      trainer.current = opened;
    } catch (error) {
      fail({ kind: "script", message: error instanceof Error ? error.message : String(error) });
    }
  };

  const train = async (place?: "page"): Promise<void> => {
    const chosen = settings.value;
    view.value = begun(chosen);
    probabilities.value = undefined;
    if (place || !trainer.current) await start(place ?? "worker");
    order({ type: "train", settings: chosen, digits: new URL("/api/digits", location.href).href });
  };

  const stop = (): void => {
    trainButton.current?.focus();
    view.value = { ...view.value, phase: "stopping" };
    order({ type: "stop" });
  };

  const change = (changes: Partial<TrySettings>): void => {
    settings.value = { ...settings.value, ...changes };
    history.replaceState(history.state, "", `${location.pathname}${addressOf(settings.value)}`);
  };

  const now = view.value;
  const isBusy = now.phase === "loading" || now.phase === "training" || now.phase === "stopping";
  const trouble = now.trouble ?? ahead.value;
  return (
    <div class="try stack">
      <form
        class="panel try-form"
        method="get"
        autocomplete="off"
        aria-label="Settings of the training"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) void train();
        }}
      >
        {tryFields.map((field) => (
          <div class="try-field">
            <label for={`try-${field.key}`}>{field.label}</label>
            <input
              id={`try-${field.key}`}
              name={field.key}
              type="number"
              inputMode="numeric"
              min={field.minimum}
              max={field.maximum}
              step={field.step}
              required
              value={settings.value[field.key]}
              disabled={isBusy}
              aria-describedby={`try-${field.key}-hint`}
              onChange={({ currentTarget }) => {
                if (currentTarget.checkValidity()) change({ [field.key]: currentTarget.valueAsNumber });
              }}
            />
            <span class="soft small" id={`try-${field.key}-hint`}>
              {field.hint}; <span class="nowrap">{field.minimum} to {field.maximum.toLocaleString("en")}</span>
            </span>
          </div>
        ))}
        <div class="try-field">
          <label>
            <input
              type="checkbox"
              name="control"
              value="1"
              checked={settings.value.control}
              disabled={isBusy}
              onChange={({ currentTarget }) => change({ control: currentTarget.checked })}
            />{" "}
            Train the control too
          </label>
          <span class="soft small">the same connections with fresh initial values</span>
        </div>
        <div class="row">
          {/* Not disabled while it trains: a button that is loses the focus. */}
          <button
            ref={trainButton}
            class="primary"
            type="submit"
            aria-disabled={isBusy}
            disabled={ahead.value !== undefined}
          >
            {now.phase === "idle" || isBusy ? "Train" : "Train again"}
          </button>
          {(now.phase === "loading" || now.phase === "training") && <button type="button" onClick={stop}>Stop</button>}
        </div>
      </form>

      {trouble && <TroubleNotice trouble={trouble} isSudden={now.trouble !== undefined} />}
      {now.phase !== "idle" && now.phase !== "failed" && <Standing view={now} />}
      <p class="visually-hidden" aria-live="polite">{announcement(now)}</p>
      {now.result && (
        <div class="columns figures-beside">
          <Outcome result={now.result} settings={now.settings} />
          <Table view={now} />
        </div>
      )}
      {now.levels.length > 0 && <Levels view={now} />}
      {/* While it trains the table grows below the curves, and moves nothing that is watched. */}
      {!now.result && now.levels.some(({ records }) => records.length > 0) && <Table view={now} />}
      {now.result && (
        <Reading
          result={now.result}
          isDigits={now.data?.dataset === "mnist"}
          probabilities={probabilities}
          read={(pixels) => order({ type: "read", pixels })}
        />
      )}
    </div>
  );
}

function TroubleNotice({ trouble, isSudden }: { readonly trouble: Trouble; readonly isSudden: boolean }): JSX.Element {
  const { title, remedies } = adviceOn(trouble, { userAgent: navigator.userAgent, origin: location.origin });
  return (
    <section class="notice bad stack try-trouble" role={isSudden ? "alert" : undefined}>
      <h2>{title}</h2>
      <ul>{remedies.map((remedy) => <li key={remedy}>{withCode(remedy)}</li>)}</ul>
      {trouble.message !== "" && (
        <details>
          <summary>The error's own words</summary>
          <p class="small">{trouble.message}</p>
        </details>
      )}
    </section>
  );
}

/** What stands between backquotes as code. */
function withCode(text: string): (string | JSX.Element)[] {
  return text.split("`").map((part, index) => index % 2 === 1 ? <code key={index}>{part}</code> : part);
}

function Standing({ view }: { readonly view: TryView }): JSX.Element {
  const { phase, settings, data, adapter, weights, levels, iteration } = view;
  const fraction = fractionOf(view);
  const current = levels.at(-1);
  const where = phase === "done"
    ? "Done."
    : phase === "stopped"
    ? `Stopped${current ? ` in level ${current.level}` : ""}: what was trained is below.`
    : phase === "stopping"
    ? "Stopping at the next step."
    : phase === "training" && current
    ? `${current.level === 0 ? "Dense network" : `Level ${current.level} of ${settings.levels}`}, iteration ${
      iteration.toLocaleString("en")
    } of ${settings.iterations.toLocaleString("en")}`
    : phase === "training"
    ? "Compiling the kernels"
    : "Loading the digits and opening the GPU";
  return (
    <section class="stack" aria-label="Progress">
      <div class="try-progress">
        <progress max={1} value={fraction} aria-label="Share of the training that is done" />
        <span>{where}</span>
      </div>
      {data?.reason !== undefined && (
        <div class="notice warn">
          <p>
            The dashboard could not load MNIST, so this trains on generated pictures of ten classes instead; they look
            like noise.
          </p>
          <p class="small soft">{data.reason}</p>
        </div>
      )}
      {adapter && (
        <p class="soft small">
          {weights?.toLocaleString("en")} weights, {data?.train.toLocaleString("en")}{" "}
          {data?.dataset === "mnist" ? "digits of MNIST" : "generated pictures"}, on {adapter.name}
          {adapter.kind === "software" ? ", which computes on the processor: a graphics card is much faster" : ""}.
        </p>
      )}
    </section>
  );
}

function Levels({ view }: { readonly view: TryView }): JSX.Element {
  const dense = view.levels.find(({ level }) => level === 0);
  return (
    <section class="stack">
      <h2>Level by level</h2>
      <p class="soft small">
        Test accuracy against iteration: <span class="try-key ticket">ticket</span>
        {view.settings.control && (
          <>
            , <span class="try-key reinit">control, re-initialised</span>
          </>
        )}, <span class="try-key dense">dense network</span>{" "}
        for comparison. Accuracies below 50 % stand on the bottom line; chance is 10 %. With a level's curves stands
        which pixels the first layer still looks at: the stronger, the more of a pixel's connections survive.
      </p>
      <div class="try-levels">
        {view.levels.map((level) => (
          <article class="panel stack" key={level.level}>
            <h3>
              {level.level === 0 ? "Dense" : `Level ${level.level}`}: {percent(level.remaining)} of the weights
            </h3>
            <div class="try-level">
              <Curves
                level={level}
                dense={level.level === 0 ? undefined : dense}
                iterations={view.settings.iterations}
              />
              {/* Of the dense network every pixel keeps everything. */}
              {level.level > 0 && level.survivors && level.units !== undefined && (
                <Survivors survivors={level.survivors} units={level.units} />
              )}
            </div>
          </article>
        ))}
      </div>
    </section>
  );
}

function Curves(
  { level, dense, iterations }: {
    readonly level: LevelView;
    readonly dense: LevelView | undefined;
    readonly iterations: number;
  },
): JSX.Element {
  const { width, height, left, right, bottom } = curveBox;
  const last = (arm: ArmName): string => {
    const point = level.curves[arm]?.at(-1);
    const name = level.level === 0 ? "" : arm === "ticket" ? "ticket " : "control ";
    return point ? `${name}${percent(point.accuracy)}` : "";
  };
  const words = [last("ticket"), last("reinit")].filter((text) => text !== "").join(", ");
  const state = level.records.length > 0 ? "at the end" : "so far";
  const ticks = [accuracyRange.from, (accuracyRange.from + accuracyRange.to) / 2, accuracyRange.to];
  const rule = (value: number): number => placeOf({ iteration: 0, accuracy: value }, 1).y;
  return (
    <figure>
      <svg
        class="try-curves"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`Test accuracy by iteration${words === "" ? "" : `, ${state} ${words}`}`}
      >
        {ticks.map((value) => (
          <>
            <path class="rule" d={`M${left} ${rule(value)}H${width - right}`} />
            <text x={left - 6} y={rule(value) + 4} text-anchor="end">{Math.round(value * 100)} %</text>
          </>
        ))}
        <text x={left} y={height - bottom + 16}>0</text>
        <text x={width - right} y={height - bottom + 16} text-anchor="end">{iterations.toLocaleString("en")}</text>
        {dense && <path class="curve dense" d={curvePath(dense.curves.ticket ?? [], iterations)} />}
        <path class="curve reinit" d={curvePath(level.curves.reinit ?? [], iterations)} />
        <path
          class={`curve ${level.level === 0 ? "dense" : "ticket"}`}
          d={curvePath(level.curves.ticket ?? [], iterations)}
        />
      </svg>
      <figcaption class="small">
        {words === "" ? "Not evaluated yet." : unbroken(`Test accuracy ${state}: ${words}.`)}
      </figcaption>
    </figure>
  );
}

function Survivors(
  { survivors, units }: { readonly survivors: Uint16Array<ArrayBuffer>; readonly units: number },
): JSX.Element {
  const words = describeSurvivors(survivors, side, units);
  return (
    <figure class="try-pixels">
      <svg viewBox={`0 0 ${side} ${side}`} role="img" aria-label={`Pixels that keep connections. ${words}`}>
        {shadesOf(survivors, side, Math.max(...survivors)).map(({ opacity, path }) => (
          <path d={path} fill-opacity={opacity} />
        ))}
      </svg>
      <figcaption class="small">{unbroken(words)}</figcaption>
    </figure>
  );
}

function Table({ view }: { readonly view: TryView }): JSX.Element {
  const { settings, levels } = view;
  const trained = levels.filter(({ records }) => records.length > 0);
  const cells = (level: LevelView, arm: ArmName): JSX.Element => {
    const record = level.records.find((own) => own.arm === arm);
    const accuracy = accuracyOf(level, arm);
    const stop = record?.earlyStopIteration;
    return (
      <>
        <td class="number">
          {record?.status === "diverged"
            ? "diverged"
            : stop === undefined || stop === null
            ? "–"
            : `${stop >= settings.iterations ? ">" : ""}${stop.toLocaleString("en")}`}
        </td>
        <td class="number">{record && accuracy !== undefined ? percent(accuracy) : "–"}</td>
      </>
    );
  };
  return (
    <section class="stack">
      <h2>In numbers</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of levels">
        <table>
          <caption>
            Early stop is the iteration of minimum validation loss; accuracy is the test set's at that iteration. A sign
            &gt; says that the minimum may come later.
          </caption>
          <thead>
            <tr>
              <th scope="col">Level</th>
              <th scope="col" class="number">Weights left</th>
              <th scope="col" class="number">Ticket: early stop</th>
              <th scope="col" class="number">accuracy</th>
              {settings.control && (
                <>
                  <th scope="col" class="number">Control: early stop</th>
                  <th scope="col" class="number">accuracy</th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {trained.map((level) => (
              <tr key={level.level}>
                <th scope="row">{level.level === 0 ? "Dense" : level.level}</th>
                <td class="number">{percent(level.remaining)}</td>
                {cells(level, "ticket")}
                {settings.control && cells(level, "reinit")}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Outcome({ result, settings }: { readonly result: TryResult; readonly settings: TrySettings }): JSX.Element {
  const [answer = "", ...rest] = withoutFlags(result.outcome);
  return (
    <section class="stack">
      <h2>What came of it</h2>
      <p class="answer">{unbroken(answer)}</p>
      {rest.map((sentence) => <p key={sentence}>{unbroken(sentence)}</p>)}
      <p class="soft small">
        The command line records runs, and has more data and more networks. There, the same settings are
      </p>
      <pre class="wrapped" tabIndex={0}><CommandText text={commandOf(settings)} /></pre>
    </section>
  );
}

function Reading(
  { result, isDigits, probabilities, read }: {
    readonly result: TryResult;
    readonly isDigits: boolean;
    readonly probabilities: Signal<readonly number[] | undefined>;
    readonly read: (pixels: Uint8Array<ArrayBuffer>) => void;
  },
): JSX.Element {
  const { level, remaining, correct, count, first, mistakes } = result;
  return (
    <section class="stack">
      <h2>What the ticket reads</h2>
      <div class="columns figures-beside">
        <div class="stack">
          <p>
            {level === 0
              ? "The dense network"
              : `The ticket of level ${level}, with ${percent(remaining)} of the weights,`} reads {correct} of {count}
            {" "}
            test images right after its last iteration. The first {first.length}:
          </p>
          <Examples examples={first} />
          {mistakes.length > 0 && (
            <>
              <p>The first {mistakes.length === 1 ? "one" : mistakes.length} that it reads wrong:</p>
              <Examples examples={mistakes} />
            </>
          )}
        </div>
        {isDigits && <Drawing probabilities={probabilities} read={read} />}
      </div>
    </section>
  );
}

function Examples({ examples }: { readonly examples: readonly ReadExample[] }): JSX.Element {
  return (
    <ul class="try-examples">
      {examples.map(({ pixels, label, predicted }, index) => (
        <li key={index}>
          <Digit pixels={pixels} label={label} />
          <span>{predicted === label ? `read as ${predicted}` : `read as ${predicted}, is ${label}`}</span>
        </li>
      ))}
    </ul>
  );
}

function Digit({ pixels, label }: { readonly pixels: Uint8Array<ArrayBuffer>; readonly label: number }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const image = new ImageData(side, side);
    // Black with the pixel as its opacity; the stylesheet inverts it on a dark ground.
    pixels.forEach((value, index) => image.data[index * 4 + 3] = value);
    canvas.current?.getContext("2d")?.putImageData(image, 0, 0);
  }, [pixels]);
  return (
    <canvas ref={canvas} class="try-digit" width={side} height={side} role="img" aria-label={`A picture of ${label}`} />
  );
}

/** Pixels of the drawing's side. */
const drawingSide = 224;

function Drawing(
  { probabilities, read }: {
    readonly probabilities: Signal<readonly number[] | undefined>;
    readonly read: (pixels: Uint8Array<ArrayBuffer>) => void;
  },
): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pen = useRef<{ x: number; y: number } | undefined>(undefined);
  const place = ({ offsetX, offsetY }: PointerEvent, { clientWidth }: HTMLElement): { x: number; y: number } => ({
    x: offsetX * drawingSide / clientWidth,
    y: offsetY * drawingSide / clientWidth,
  });
  const draw = (to: { x: number; y: number }): void => {
    const context = canvas.current?.getContext("2d", { willReadFrequently: true });
    const from = pen.current;
    if (!context || !from) return;
    context.lineWidth = drawingSide / 12;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    pen.current = to;
  };
  const lift = (): void => {
    if (!pen.current) return;
    pen.current = undefined;
    const { data } = canvas.current?.getContext("2d")?.getImageData(0, 0, drawingSide, drawingSide) ?? {};
    if (!data) return;
    const digit = digitFrom(
      Uint8Array.from({ length: drawingSide ** 2 }, (_, at) => data[at * 4 + 3] ?? 0),
      drawingSide,
    );
    if (digit) read(digit);
  };
  const clear = (): void => {
    canvas.current?.getContext("2d")?.clearRect(0, 0, drawingSide, drawingSide);
    probabilities.value = undefined;
  };
  const shares = probabilities.value;
  const best = shares ? shares.indexOf(Math.max(...shares)) : -1;
  return (
    <div class="stack">
      <h3>Draw a digit</h3>
      <div class="try-drawing">
        <div class="stack">
          <canvas
            ref={canvas}
            class="try-canvas"
            width={drawingSide}
            height={drawingSide}
            role="img"
            aria-label="Where to draw a digit, with a mouse, a pen or a finger"
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              pen.current = place(event, event.currentTarget);
              draw(pen.current);
            }}
            onPointerMove={(event) => draw(place(event, event.currentTarget))}
            onPointerUp={lift}
            onPointerCancel={lift}
          />
          <div>
            <button type="button" onClick={clear}>Clear</button>
          </div>
        </div>
        <div class="stack">
          <p aria-live="polite">
            {shares
              ? `The ticket reads ${best}, with a probability of ${percent(shares[best] ?? 0)}.`
              : "Draw into the square."}
          </p>
          {shares && (
            <ul class="try-shares">
              {shares.map((share, digit) => (
                <li key={digit}>
                  <span>{digit}</span>
                  <meter min={0} max={1} value={share} aria-label={`Probability of ${digit}`} />
                  <span class="number">{percent(share)}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
    </div>
  );
}
