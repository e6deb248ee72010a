/**
 * What stands above all pages of one run: its name, how it stands and how far it is, and its pages.
 *
 * @module
 */
import type { JSX } from "preact";
import LiveRun from "../../../islands/LiveRun.tsx";
import { percent } from "../../analysis/words.ts";
import type { LotteryConfig } from "../../lottery/config.ts";
import type { RunRow, RunView } from "../types.ts";
import { timeLeft } from "../words.ts";
import { unbroken } from "./run_words.ts";

/** What {@linkcode RunHeader} takes. */
export interface RunHeaderProps {
  /** The run. */
  readonly run: Pick<RunView, "id" | "row" | "figures" | "config">;
  /** Which of its pages this is: a level's number, or one of the others. */
  readonly here: "run" | "settings" | number;
  /** The dashboard's version when the run was read. */
  readonly version: string;
}

/**
 * A run's name, state, progress, tags, and links to its pages. While the run is going, it renews whatever on the page has
 * `data-live`; so it does when the run is not finished, as somebody may go on with it, but then says nothing of it.
 */
export function RunHeader({ run: { id, row, figures, config }, here, version }: RunHeaderProps): JSX.Element {
  const path = `/runs/${id}`;
  return (
    <header class="run-header stack">
      <h1>{here === "run" ? id : <a href={path}>{id}</a>}</h1>
      <div class="row" data-live="state">
        <span class={`badge ${row.state}`}>{row.state}</span>
        {row.state !== "damaged" && (
          <span class="row">
            <progress max={1} value={row.progress.fraction} aria-label="Share of the training that is done" />
            <span>{unbroken(standing(row))}</span>
          </span>
        )}
        {row.tags.map((tag) => <span key={tag} class="tag">{tag}</span>)}
      </div>
      {config && here === "run" && <p class="soft">{aboutConfig(config)}</p>}
      {(row.state === "running" || row.state === "unfinished") && <LiveRun ids={[id]} version={version} />}
      <nav class="run-tabs" aria-label="This run">
        <ul data-live="tabs">
          <li>
            <a href={path} aria-current={here === "run" ? "page" : undefined}>Run</a>
          </li>
          <li>
            <a href={`${path}/settings`} aria-current={here === "settings" ? "page" : undefined}>Settings</a>
          </li>
          {figures.length > 0 && <li class="soft small run-tabs-levels" aria-hidden="true">Levels</li>}
          {figures.map(({ level, remaining }) => (
            <li>
              <a
                href={`${path}/levels/${level}`}
                aria-current={here === level ? "page" : undefined}
                aria-label={`Level ${level}${level === 0 ? ", dense" : ""}`}
                title={`${percent(remaining)} of the weights`}
              >
                {level}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

/** How far a run is, in words. */
export function standing(
  { done, wanted, progress: { fraction, secondsLeft, level, iteration }, state }: RunRow,
): string {
  return [
    `${(fraction * 100).toFixed(state === "finished" ? 0 : 1)} %`,
    `${done.toLocaleString("en")} of ${wanted.toLocaleString("en")} networks`,
    ...state === "finished" || level === null ? [] : [
      `level ${level}${iteration === null ? "" : `, iteration ${iteration.toLocaleString("en")}`}`,
    ],
    ...secondsLeft === null ? [] : [timeLeft(secondsLeft)],
  ].join(" · ");
}

/** More controls than these are counted, not named. */
const mostNamed = 8;

/** A run's settings in a line. */
export function aboutConfig(
  { network, dataset, levels, replicates, controls, reinitDraws, iterations }: LotteryConfig,
): string {
  const name = typeof network === "string" ? network : network.name;
  const many = (count: number, one: string): string => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
  const beside = controls.length === 0
    ? "no control"
    : `${
      controls.length > mostNamed
        ? many(controls.length, "control")
        : `${controls.length === 1 ? "control" : "controls"} ${controls.join(", ")}`
    }${reinitDraws > 1 ? ` in ${many(reinitDraws, "draw")}` : ""}`;
  return `${name} on ${dataset}, ${many(levels, "pruning round")} after the dense level, ${
    many(replicates, "replicate")
  }, ${many(iterations, "iteration")} each, ${beside}.`;
}
