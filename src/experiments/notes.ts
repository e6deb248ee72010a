/**
 * What has to be said of an experiment's results: how they differ from the paper's, what is censored, what is missing. Sentences.
 *
 * @module
 */
import { nearestLevel } from "../analysis/claims.ts";
import { isCensored } from "../analysis/early_stop.ts";
import { soundOf } from "../analysis/gains.ts";
import type { LevelSummary } from "../analysis/summary.ts";
import { percent } from "../analysis/words.ts";
import { networksPerTicket } from "../lottery/arms/names.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import type { ArmName } from "../lottery/types.ts";
import type { Experiment } from "./experiment.ts";
import { type LoadedRun, needsOf, runsOf } from "./loaded_run.ts";
import { scaledConfig, type ScaleOptions } from "./scale.ts";

/** The notes on an experiment's results. */
export function notesOn(experiment: Experiment, options: ScaleOptions, runs: readonly LoadedRun[]): string[] {
  return [
    ...scaled(experiment, options),
    ...fewer(experiment, options),
    ...unfinished(runs),
    ...censored(experiment, runs),
    ...diverged(runs),
    ...missing(experiment, runs),
  ];
}

function scaled(experiment: Experiment, { scale = 1, width, dataset }: ScaleOptions): string[] {
  const lengths = experiment.runs.map((run) => ({
    paper: scaledConfig(run),
    ours: scaledConfig(run, { scale, ...(dataset === undefined ? {} : { dataset }) }),
  }));
  const [first] = lengths;
  const example = first && scale < 1
    ? ` (${experiment.runs[0]?.name}: ${count(first.ours.iterations)} iterations instead of ${
      count(first.paper.iterations)
    }, ` +
      `${count(first.ours.trainSize)} training images instead of ${count(first.paper.trainSize)})`
    : "";
  return [
    ...(scale < 1
      ? [
        `Scaled by ${scale}${example}: not the paper's experiment. With fewer images and iterations accuracies are lower and minima of ` +
        "validation loss stand elsewhere; compare arms with one another rather than with the paper.",
      ]
      : []),
    ...(width !== undefined && width !== 1
      ? [`Channels and hidden units are scaled by ${width}: networks are smaller than the paper's.`]
      : []),
    ...(dataset !== undefined
      ? [`Trained on ${dataset} instead of ${[...new Set(lengths.map(({ paper }) => paper.dataset))].join(" and ")}.`]
      : []),
  ];
}

function fewer(experiment: Experiment, options: ScaleOptions): string[] {
  const pairs = experiment.runs.map((run) => ({ paper: scaledConfig(run), ours: scaledConfig(run, options) }));
  const range = (values: readonly number[]): string => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return least === most ? `${least}` : `${least} to ${most}`;
  };
  const said = (
    what: string,
    of: "replicates" | "levels" | "reinitDraws",
    counts: (config: LotteryConfig) => boolean = () => true,
  ): string[] => {
    const changed = pairs.filter(({ paper, ours }) => ours[of] < paper[of] && counts(ours));
    return changed.length === 0 ? [] : [
      `${what} ${range(changed.map(({ ours }) => ours[of]))} instead of ${
        range(changed.map(({ paper }) => paper[of]))
      }`,
    ];
  };
  const parts = [
    ...said("replicates", "replicates"),
    ...said("levels", "levels"),
    ...said("draws per ticket", "reinitDraws", drawsAny),
  ];
  if (parts.length === 0) return [];
  const single = pairs.some(({ ours }) => ours.replicates === 1);
  return [
    `Fewer than in the paper: ${parts.join(", ")}.${
      single ? " With one replicate a few tenths of a percentage point can be chance." : ""
    }`,
  ];
}

/** Whether an arm of a run draws at random. */
function drawsAny({ controls }: LotteryConfig): boolean {
  return controls.some((control) => networksPerTicket(control, 1, 2) > 1);
}

function unfinished(runs: readonly LoadedRun[]): string[] {
  const open = runs.filter(({ state }) => state !== "finished");
  return open.length === 0 ? [] : [
    `Not finished: ${
      open.map(({ name, state, done, wanted }) =>
        state === "absent" ? `${name} is not trained` : `${name} has ${count(done)} of ${count(wanted)} networks`
      ).join("; ")
    }. What is shown is what is there.`,
  ];
}

function censored(experiment: Experiment, runs: readonly LoadedRun[]): string[] {
  let late = 0;
  for (const run of runs) {
    const arms = shownArms(experiment, run.name);
    for (const { name, levels } of run.summary?.arms ?? []) {
      if (!arms.has(name)) continue;
      for (const level of levels) {
        late += soundOf(level).filter(({ earlyStopIteration }) =>
          isCensored(earlyStopIteration, run.config.iterations)
        ).length;
      }
    }
  }
  return late === 0 ? [] : [
    `${count(late)} early ${
      late === 1 ? "stop" : "stops"
    } fell on the last evaluation (censored: > or < in tables, hollow with an arrow in ` +
    "the picture): the true minimum is there or later, and comparing them says little.",
  ];
}

/** Arms of which an early stop is shown, or what was measured there. */
function shownArms({ panels }: Experiment, run: string): ReadonlySet<ArmName> {
  return new Set(
    panels.flatMap((panel) =>
      panel.type === "levels"
        ? panel.quantity.endsWith("early-stop")
          ? panel.lines.filter((line) => line.run === run).map(({ arm }) => arm)
          : []
        : panel.type === "curves" && panel.run === run
        ? panel.arms
        : []
    ),
  );
}

function diverged(runs: readonly LoadedRun[]): string[] {
  const lost =
    runs.flatMap(({ summary }) =>
      summary?.arms.flatMap(({ levels }) =>
        levels.flatMap(({ replicates }) => replicates.filter(({ status }) => status === "diverged"))
      ) ?? []
    ).length;
  return lost === 0
    ? []
    : [`${count(lost)} ${lost === 1 ? "network diverged and counts" : "networks diverged and count"} in no mean.`];
}

/** What the panels want and the runs do not have, though they are finished. */
function missing(experiment: Experiment, runs: readonly LoadedRun[]): string[] {
  return runs.flatMap((run) => {
    const { name, id, config, summary, state, tickets, lines, hasLineEnds } = run;
    if (!summary || state !== "finished") return [];
    const needs = needsOf(experiment, name, summary);
    const again =
      `To have them, train the run anew: remove it (\`runs remove ${id}\`), or give another folder with --runs, ` +
      "and begin the same command again.";
    const { replicates } = config;
    const kept = tickets.filter(({ level, layers }) => level === 0 && layers.some(({ final }) => final)).length;
    const sought = needs.lines.length * replicates;
    const measured = lines.filter(({ level }) => needs.lines.includes(level)).length;
    return [
      ...(needs.finals && kept < replicates
        ? [
          `${name} did not keep the trained weights of ${ofAll(kept, replicates, "dense network")} (that takes ` +
          `--save-finals all), so that ${kept === 0 ? "no distance can" : "their distances cannot"} be told. ${again}`,
        ]
        : []),
      ...(measured < sought
        ? [
          `The errors along ${ofAll(measured, sought, "line")} of ${name} ${
            hasLineEnds
              ? "are not measured yet: the command without --draw measures them."
              : `cannot be measured: it did not keep the trained weights of both ends (that takes --save-finals all). ${again}`
          }`,
        ]
        : []),
      ...lostTickets(run, needs.tickets),
      ...experiment.panels.flatMap((panel) =>
        "remaining" in panel && runsOf(panel).includes(name)
          ? absentLevels(name, panel.remaining, summary.arms[0]?.levels ?? [])
          : []
      ),
    ];
  }).filter((note, index, all) => all.indexOf(note) === index);
}

/** Those that are missing: "any of the 5 lines", "2 of the 5 lines"; "the line" where there is one. */
function ofAll(there: number, all: number, what: string): string {
  return all === 1 ? `the ${what}` : `${there === 0 ? "any" : count(all - there)} of the ${count(all)} ${what}s`;
}

/** Tickets are always kept: those that are not there were lost. */
function lostTickets({ name, id, summary, config, tickets }: LoadedRun, levels: readonly number[]): string[] {
  const sought = summary?.arms[0]?.levels.filter(({ level }) => levels.includes(level)) ?? [];
  const lost = sought.filter(({ level }) => tickets.filter((own) => own.level === level).length < config.replicates);
  return lost.length === 0 ? [] : [
    `Tickets of ${name} (${
      lost.map(({ remaining }) => percent(remaining)).join(", ")
    } of the weights) are not in its folder: ` +
    `\`runs verify ${id}\` says which files are missing.`,
  ];
}

function absentLevels(name: string, wanted: readonly number[], levels: readonly LevelSummary[]): string[] {
  const smallest = Math.min(...levels.map(({ remaining }) => remaining));
  const absent = wanted.filter((own) => !nearestLevel(levels, own));
  const beyond = absent.filter((own) => own < smallest);
  const between = absent.filter((own) => own >= smallest);
  const said = (fractions: readonly number[]): string => fractions.map((own) => percent(own)).join(", ");
  return [
    ...(beyond.length === 0
      ? []
      : [`${name} was not pruned to ${said(beyond)} of the weights: there is nothing to show of it.`]),
    ...(between.length === 0
      ? []
      : [`${name} has no level near ${said(between)} of the weights: there is nothing to show of it.`]),
  ];
}

function count(value: number): string {
  return value.toLocaleString("en");
}
