/**
 * A run's levels as a table, a row each.
 *
 * @module
 */
import type { JSX } from "preact";
import { kernelWords } from "../../analysis/kernel_words.ts";
import { type ArmFigures, type LevelFigures, percent } from "../../analysis/outcome.ts";
import { arms as known } from "../../lottery/arms/registry.ts";
import type { ArmName } from "../../lottery/types.ts";
import { marker } from "../../plot/marks.ts";
import { armLook } from "../../plot/palette.ts";
import type { RunView } from "../types.ts";
import { nothing } from "../words.ts";
import { accuracyWords, durationWords, iterationWords, millisecondWords } from "./run_words.ts";

/** The levels of a run: what they came to by arm, and how long they took. Their numbers lead to their pages, where there are any. */
export function LevelTable(
  { run, isLinked = true }: { readonly run: RunView; readonly isLinked?: boolean },
): JSX.Element {
  const { id, figures, summary, row: { state, progress }, config } = run;
  const arms = armsOf(figures);
  const tickets = summary?.arms.find(({ name }) => name === "ticket")?.levels ?? [];
  const kept = (level: number): string => {
    const layers = tickets.find((own) => own.level === level)?.layers ?? [];
    return layers.reduce((sum, layer) => sum + layer.kept, 0).toLocaleString("en");
  };
  const kernels = (level: number): string => kernelWords(tickets.find((own) => own.level === level)?.plan ?? {});
  const named = (level: number): JSX.Element => {
    const name = level === 0 ? "0, dense" : level;
    return isLinked ? <a href={`/runs/${id}/levels/${level}`}>{name}</a> : <>{name}</>;
  };
  const seconds = new Map(figures.map(({ level }, index) => [level, summary?.timing.secondsByLevel[index]]));
  const training =
    state !== "finished" && progress.level !== null && !figures.some(({ level }) => level === progress.level)
      ? progress.level
      : undefined;
  return (
    <table class="levels">
      <thead>
        <tr>
          <th scope="col" rowSpan={2}>Level</th>
          <th scope="col" rowSpan={2} class="number">Remaining</th>
          <th scope="col" rowSpan={2} class="number">Weights</th>
          {arms.map((arm) => (
            <th key={arm} scope="colgroup" colSpan={3} class="arm-head" title={known[arm].title}>
              <Key arm={arm} /> {arm}
            </th>
          ))}
          <th scope="col" rowSpan={2} class="number">Step</th>
          <th scope="col" rowSpan={2} class="number">Time</th>
          <th scope="col" rowSpan={2}>Kernels</th>
        </tr>
        <tr>
          {arms.map(() => (
            <>
              <th scope="col" class="number arm-first">Early stop</th>
              <th scope="col" class="number">Test accuracy there</th>
              <th scope="col" class="number">at the end</th>
            </>
          ))}
        </tr>
      </thead>
      <tbody>
        {figures.map((level) => {
          const time = seconds.get(level.level);
          return (
            <tr>
              <th scope="row">
                {named(level.level)}
              </th>
              <td class="number">{percent(level.remaining)}</td>
              <td class="number">{kept(level.level)}</td>
              {arms.map((arm) => (
                <ArmCells
                  key={arm}
                  arm={[level.ticket, ...level.controls].find((own) => own.arm === arm)}
                />
              ))}
              <td class="number">{level.ticket.stepMs === null ? nothing : millisecondWords(level.ticket.stepMs)}</td>
              <td class="number">{time === undefined ? nothing : durationWords(time)}</td>
              <td class="small kernels">{kernels(level.level) || nothing}</td>
            </tr>
          );
        })}
        {training !== undefined && (
          <tr class="soft">
            <th scope="row">
              {named(training)}
            </th>
            <td colSpan={5 + 3 * arms.length}>
              {state === "running" ? "in training" : "begun"}
              {progress.iteration === null
                ? ""
                : `, iteration ${progress.iteration.toLocaleString("en")} of ${
                  config?.iterations.toLocaleString("en") ?? "?"
                }`}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** What the table's columns and marks mean. */
export function levelNote({ figures }: Pick<RunView, "figures">): string {
  const arms = figures.flatMap(({ ticket, controls }) => [ticket, ...controls]);
  const several = arms.some(({ earlyStop }) => (earlyStop?.count ?? 0) > 1);
  return [
    "Early stop is the iteration of minimum validation loss.",
    ...several ? ["Values are means, with the least and most of the networks below."] : [],
    ...arms.some(({ censored }) => censored > 0)
      ? ["> marks means with an early stop on the last evaluation: the true one is there or later."]
      : [],
    ...arms.some(({ diverged }) => diverged > 0)
      ? ["Networks whose training loss was no longer finite diverged, and count in no mean."]
      : [],
    "Step is the median time of one step of all networks of the level in lockstep; Time includes evaluation.",
    "Kernels are those that the plan table says for a layer's size and density: masked-dense ones compute with all of its weights, " +
    "compact ones with the survivors alone.",
  ].join(" ");
}

/** A piece of an arm's line, as in the figures. */
function Key({ arm }: { readonly arm: ArmName }): JSX.Element {
  const { style, marker: shape } = armLook(arm);
  return (
    <svg class="plot run-key" viewBox="0 0 30 12" aria-hidden="true">
      <g class={style}>
        <path class="line" d="M0 6H30" />
        <g dangerouslySetInnerHTML={{ __html: marker(shape, 15, 6, { area: 40 }).toString() }} />
      </g>
    </svg>
  );
}

function ArmCells({ arm }: { readonly arm: ArmFigures | undefined }): JSX.Element {
  if (!arm) {
    return (
      <>
        <td class="number soft arm-first">{nothing}</td>
        <td class="number soft">{nothing}</td>
        <td class="number soft">{nothing}</td>
      </>
    );
  }
  const stop = iterationWords(arm.earlyStop);
  const there = accuracyWords(arm.accuracyAtEarlyStop);
  const end = accuracyWords(arm.accuracyAtEnd);
  return (
    <>
      <td class="number arm-first">
        {arm.censored > 0 && <abbr title={`${arm.censored} on the last evaluation`}>&gt;&nbsp;</abbr>}
        {stop.mean}
        <Range text={stop.range} />
        {arm.diverged > 0 && <span class="cell-note bad-ink">{arm.diverged} diverged</span>}
      </td>
      <td class="number">
        {there.mean}
        <Range text={there.range} />
      </td>
      <td class="number">
        {end.mean}
        <Range text={end.range} />
      </td>
    </>
  );
}

function Range({ text }: { readonly text: string }): JSX.Element | null {
  return text === "" ? null : <span class="cell-note soft">{text}</span>;
}

function armsOf(figures: readonly LevelFigures[]): ArmName[] {
  return [...new Set(figures.flatMap(({ ticket, controls }) => [ticket, ...controls].map(({ arm }) => arm)))];
}
