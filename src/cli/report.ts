/**
 * What a run came to, as text: the table of levels, the outcome in words, and the paper's values beside ours.
 *
 * @module
 */
import { type ArmFigures, besidePaper, describeOutcome, type LevelFigures, percent } from "../analysis/outcome.ts";
import { figuresOf } from "../analysis/outcome.ts";
import type { Spread } from "../analysis/statistics.ts";
import type { Summary } from "../analysis/summary.ts";
import { type LotteryConfig, presets } from "../lottery/config.ts";
import type { ArmName } from "../lottery/types.ts";
import { type Console, styled, wrap } from "./console.ts";
import { duration, group } from "./progress.ts";
import { formatTable } from "./table.ts";

/** A run's report, ready to print. */
export function formatSummary(summary: Summary, console: Pick<Console, "hasColour" | "columns">): string {
  const columns = Math.min(console.columns(), 110);
  return [
    styled(
      console,
      "bold",
      `Run ${summary.id}: ${duration(summary.timing.totalSeconds * 1000)} on ${summary.adapter.name}`,
    ),
    "",
    ...resultTables(figuresOf(summary), console),
    "",
    ...describeOutcome(summary).map((sentence) => wrap(sentence, columns)),
    ...paperLines(summary, console, columns),
  ].join("\n");
}

/** A column of the table of levels. */
interface FigureColumn {
  /** Its headings, above one another. */
  readonly titles: readonly string[];
  /** For each level the mean, and the range below it. */
  readonly levels: readonly (readonly [mean: string, range: string])[];
}

/**
 * The levels' figures: in one table where it fits, else in one for each quantity; and where its arms do not fit either, in several,
 * each with the tickets beside the controls.
 */
function resultTables(figures: readonly LevelFigures[], console: Pick<Console, "hasColour" | "columns">): string[] {
  const arms = [...new Set(["ticket" as const, ...figures.flatMap(({ controls }) => controls.map(({ arm }) => arm))])];
  const title = (text: string): string => styled(console, "bold", text);
  const weights = figures.map(({ remaining }) => [percent(remaining), ""] as const);
  const steps = figures.map(({ ticket: { stepMs } }) => [stepMs === null ? "" : stepMs.toFixed(1), ""] as const);
  const [header = "", ...rows] = tableOf([
    { titles: ["weights", ""], levels: weights },
    ...quantities.flatMap(({ heading, pick }) =>
      arms.map((arm, index) => ({ titles: [index === 0 ? heading : "", arm], levels: cellsOf(figures, arm, pick) }))
    ),
    { titles: ["ms/step", ""], levels: steps },
  ].map(({ titles, levels }) => ({ titles: arms.length === 1 ? titles.slice(0, 1) : titles, levels })));
  const columns = console.columns();
  if (widthOf([header, ...rows]) <= columns) return [title(header), ...rows];
  const tables = quantities.flatMap(({ title, pick }) => {
    const [ticket, ...controls] = arms.map((arm) => ({ titles: [arm], levels: cellsOf(figures, arm, pick) }));
    const first = [{ titles: ["weights"], levels: weights }, ...(ticket ? [ticket] : [])];
    const others = pick === earlyStopOf ? [...controls, { titles: ["ms/step"], levels: steps }] : controls;
    const parts = inWidth(first, others, columns);
    return parts.map((lines, index) => ({
      title: parts.length === 1 ? title : `${title} (${index + 1} of ${parts.length})`,
      lines,
    }));
  });
  return tables.flatMap(({ title: text, lines }, index) => [...(index === 0 ? [] : [""]), title(text), ...lines]);
}

/** Tables that have the first columns in common and share the others, as many in each as fit. */
function inWidth(
  first: readonly FigureColumn[],
  others: readonly FigureColumn[],
  columns: number,
): string[][] {
  const parts: FigureColumn[][] = [[]];
  for (const column of others) {
    const part = parts.at(-1) ?? [];
    if (part.length > 0 && widthOf(tableOf([...first, ...part, column])) > columns) parts.push([column]);
    else part.push(column);
  }
  return parts.map((part) => tableOf([...first, ...part]));
}

function widthOf(lines: readonly string[]): number {
  return Math.max(...lines.map((line) => line.length));
}

function tableOf(columns: readonly FigureColumn[]): string[] {
  const [first] = columns;
  const line = (cell: (column: FigureColumn) => string | undefined): string[] =>
    columns.map((column) => cell(column) ?? "");
  const [titles = [], ...further] = (first?.titles ?? []).map((_, index) => line(({ titles }) => titles[index]));
  const rows = (first?.levels ?? []).flatMap((_, index) => {
    const means = line(({ levels }) => levels[index]?.[0]);
    const ranges = line(({ levels }) => levels[index]?.[1]);
    return ranges.some((range) => range !== "") ? [means, ranges] : [means];
  });
  return formatTable(titles.map((title) => ({ title, align: "right" })), [...further, ...rows]);
}

function cellsOf(
  figures: readonly LevelFigures[],
  name: ArmName,
  pick: (arm: ArmFigures) => Spread | null,
): FigureColumn["levels"] {
  return figures.map(({ ticket, controls }) => {
    const own = [ticket, ...controls].find(({ arm }) => arm === name);
    return own ? [meanOf(own, pick), rangeOf(pick(own), pick)] : ["", ""];
  });
}

const earlyStopOf = (arm: ArmFigures): Spread | null => arm.earlyStop;

/** What the table shows: in one with all, and in one of its own. */
const quantities = [
  { heading: "early stop", title: "Early stop, iteration", pick: earlyStopOf },
  { heading: "test there", title: "Test accuracy there", pick: (arm: ArmFigures) => arm.accuracyAtEarlyStop },
  { heading: "test at end", title: "Test accuracy at the end", pick: (arm: ArmFigures) => arm.accuracyAtEnd },
] as const;

function meanOf(arm: ArmFigures, pick: (arm: ArmFigures) => Spread | null): string {
  const value = pick(arm);
  if (!value) return "diverged";
  if (pick !== earlyStopOf) return percent(value.mean, 2);
  return `${arm.censored > 0 ? ">" : ""}${group(Math.round(value.mean))}`;
}

function rangeOf(value: Spread | null, pick: (arm: ArmFigures) => Spread | null): string {
  if (!value || value.count < 2) return "";
  return pick === earlyStopOf
    ? `${group(value.minimum)}–${group(value.maximum)}`
    : `${(value.minimum * 100).toFixed(2)}–${(value.maximum * 100).toFixed(2)}`;
}

function paperLines(summary: Summary, console: Pick<Console, "hasColour">, columns: number): string[] {
  const compared = besidePaper(summary);
  if (compared.length === 0) return [];
  const [header, ...rows] = formatTable(
    [
      { title: "Beside the paper", align: "left" },
      { title: "at", align: "right" },
      { title: "ours", align: "right" },
      { title: "at", align: "right" },
      { title: "paper's", align: "right" },
    ],
    compared.map(({ quantity, remaining, ours, paperRemaining, paper }) => [
      quantity,
      percent(remaining),
      ours,
      percent(paperRemaining),
      paper,
    ]),
  );
  const differences = fromPaper(summary);
  const { network } = summary.config;
  const networks = network === "resnet18" || network === "vgg19" ? "three" : "five";
  return [
    "",
    styled(console, "bold", header ?? ""),
    ...rows,
    ...(differences === "" ? [] : [wrap(`The paper's are means of ${networks} networks. ${differences}`, columns)]),
  ];
}

/** What of the settings is not the paper's, in words. The recipes of ResNet-18 and VGG-19 differ in their learning rates. */
function fromPaper({ config }: Summary): string {
  if (typeof config.network !== "string") return "";
  const paper = presets[config.network].config;
  const keys = [
    "trainSize",
    "iterations",
    "batchSize",
    "augment",
    "optimizer",
    "lr",
    "warmup",
    "lrDrops",
    "momentum",
    "weightDecay",
    ...(config.network === "lenet" ? [] : ["pruneConv" as const]),
    "pruneDense",
    "pruneOutput",
    "scope",
  ] as const;
  const show = (value: LotteryConfig[(typeof keys)[number]]): string =>
    typeof value === "object" ? value.join(", ") || "none" : String(value);
  const differing = keys.filter((key) => show(config[key]) !== show(paper[key]))
    .map((key) => `${key} ${show(config[key])} (${show(paper[key])})`);
  return differing.length === 0 ? "" : `Not the paper's settings (its own in brackets): ${differing.join(", ")}.`;
}
