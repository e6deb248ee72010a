/**
 * `runs compare`: where two runs differ.
 *
 * @module
 */
import { type ArmFigures, bestLevel, figuresOf, type LevelFigures, percent, points } from "../analysis/outcome.ts";
import { differencesOf } from "../store/differences.ts";
import { readRun, type RecordedRun } from "../store/run_files.ts";
import { type Flag, parseArguments, UsageError } from "./arguments.ts";
import { type Console, styled } from "./console.ts";
import { group } from "./progress.ts";
import { commonFlags, findRun, formatHelp, runsFolder } from "./run_lookup.ts";
import type { RunsTools } from "./runs.ts";
import { formatTable } from "./table.ts";

const flags: readonly Flag[] = [{ flag: "--json", description: "print JSON" }, ...commonFlags];

/** Something in which two runs differ. */
interface Difference {
  /** A flag, or a fact of the manifest. */
  readonly name: string;
  /** The first run's. */
  readonly a: string;
  /** The second's. */
  readonly b: string;
}

/** Runs the command. */
export async function compareCommand(args: readonly string[], { console }: RunsTools): Promise<number> {
  const { positionals: [first, second], values } = parseArguments(args, flags, 2);
  if (values.has("--help")) {
    const what = "Says where two runs' settings differ, and puts their results side by side.";
    const examples = ["compare lenet-98b5 lenet-1f00", "compare lenet-98b5 lenet-98b50788f1-2 --json"];
    console.out(formatHelp({ what, usage: "compare A B", flags, examples }, console));
    return 0;
  }
  if (first === undefined || second === undefined) {
    throw new UsageError("Name two runs: runs compare A B. `runs list` prints them.");
  }
  const runs = runsFolder(values);
  const [a, b] = await Promise.all([first, second].map((name) => readRun(runs, findRun(runs, name, "compare"))));
  if (!a || !b) throw new Error("unreachable: two names give two runs");
  for (const { id, config, problems } of [a, b]) {
    if (config) continue;
    throw new Error(`Cannot compare ${id}: ${problems.join(" ")} Restore the file, or compare another run.`);
  }
  const differences = differencesOf([a, b]).map(({ name, values: [a = "", b = ""] }): Difference => ({ name, a, b }));
  const [figuresA, figuresB] = [figuresIn(a), figuresIn(b)];
  if (values.has("--json")) {
    const side = ({ id, state, summary }: RecordedRun, figures: readonly LevelFigures[]): unknown => ({
      id,
      state,
      best: bestLevel(figures)?.level ?? null,
      levels: figures,
      seconds: summary?.timing.totalSeconds ?? null,
    });
    console.out(JSON.stringify({ schema: 1, differences, a: side(a, figuresA), b: side(b, figuresB) }, null, 2));
    return 0;
  }
  console.out(
    [
      `A  ${a.id} (${a.state}, ${a.done} of ${a.wanted} networks)`,
      `B  ${b.id} (${b.state}, ${b.done} of ${b.wanted} networks)`,
      "",
      ...differenceLines(differences, console),
      "",
      ...resultLines(figuresA, figuresB, console),
    ].join("\n"),
  );
  return 0;
}

function figuresIn({ summary }: RecordedRun): LevelFigures[] {
  return summary ? figuresOf(summary) : [];
}

function differenceLines(differences: readonly Difference[], console: Console): string[] {
  if (differences.length === 0) return ["They have the same settings, adapter, data and versions."];
  const [header = "", ...rows] = formatTable(
    [{ title: "differs", align: "left" }, { title: "A", align: "left" }, { title: "B", align: "left" }],
    differences.map(({ name, a, b }) => [name, a, b]),
  );
  return [styled(console, "bold", header), ...rows];
}

function resultLines(a: readonly LevelFigures[], b: readonly LevelFigures[], console: Console): string[] {
  const levels = Math.max(0, ...[...a, ...b].map(({ level }) => level + 1));
  if (levels === 0) return ["Neither has trained a level yet."];
  const rows = Array.from({ length: levels }, (_, level) => {
    const pair = [a, b].map((figures) => figures.find((own) => own.level === level));
    const [first, second] = pair.map((own) => own?.ticket.accuracyAtEarlyStop?.mean);
    const cells = (format: (own: LevelFigures) => string): string[] => pair.map((own) => own ? format(own) : "");
    return [
      String(level),
      ...cells(({ remaining }) => percent(remaining)),
      ...cells(({ ticket }) => earlyStopOf(ticket)),
      ...cells(({ ticket }) => accuracyOf(ticket)),
      first === undefined || second === undefined ? "" : points(second - first),
    ];
  });
  const right = (title: string): { readonly title: string; readonly align: "right" } => ({ title, align: "right" });
  const [header = "", ...lines] = formatTable(
    [
      right("level"),
      right("weights A"),
      right("B"),
      right("early stop A"),
      right("B"),
      right("test there A"),
      right("B"),
      right("B − A"),
    ],
    rows,
  );
  return [styled(console, "bold", header), ...lines];
}

function earlyStopOf({ earlyStop, censored }: ArmFigures): string {
  return earlyStop ? `${censored > 0 ? ">" : ""}${group(Math.round(earlyStop.mean))}` : "diverged";
}

function accuracyOf({ accuracyAtEarlyStop }: ArmFigures): string {
  return accuracyAtEarlyStop ? percent(accuracyAtEarlyStop.mean, 2) : "diverged";
}
