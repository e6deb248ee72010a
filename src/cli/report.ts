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
import { type Console, styled, wrap } from "./console.ts";
import { duration, group } from "./progress.ts";
import { formatTable } from "./table.ts";

/** A run's report, ready to print. */
export function formatSummary(summary: Summary, console: Pick<Console, "hasColour" | "columns">): string {
  const columns = Math.min(console.columns(), 110);
  const [header, ...rows] = resultTable(figuresOf(summary));
  return [
    styled(
      console,
      "bold",
      `Run ${summary.id}: ${duration(summary.timing.totalSeconds * 1000)} on ${summary.adapter.name}`,
    ),
    "",
    styled(console, "bold", header ?? ""),
    ...rows,
    "",
    ...describeOutcome(summary).map((sentence) => wrap(sentence, columns)),
    ...paperLines(summary, console, columns),
  ].join("\n");
}

function resultTable(figures: readonly LevelFigures[]): string[] {
  const controls = [...new Set(figures.flatMap((level) => level.controls.map(({ arm }) => arm)))];
  const arms = ["ticket", ...controls];
  const columns = [
    { title: "weights", align: "right" as const },
    ...["early stop", "test there", "test at end"].flatMap((quantity) =>
      arms.map((_, index) => ({ title: index === 0 ? quantity : "", align: "right" as const }))
    ),
    { title: "ms/step", align: "right" as const },
  ];
  const names = controls.length === 0 ? [] : [["", ...quantities.flatMap(() => arms), ""]];
  const rows = figures.flatMap(({ remaining, ticket, controls: own }) => {
    const all = [ticket, ...controls.map((arm) => own.find((control) => control.arm === arm))];
    const cells = (format: (arm: ArmFigures, pick: (arm: ArmFigures) => Spread | null) => string): string[] =>
      quantities.flatMap((pick) => all.map((arm) => arm ? format(arm, pick) : ""));
    const means = [
      percent(remaining),
      ...cells((arm, pick) => meanOf(arm, pick)),
      ticket.stepMs === null ? "" : ticket.stepMs.toFixed(1),
    ];
    const isMany = all.some((arm) => (arm?.earlyStop?.count ?? 0) > 1);
    return isMany ? [means, ["", ...cells((arm, pick) => rangeOf(pick(arm), pick)), ""]] : [means];
  });
  return formatTable(columns, [...names, ...rows]);
}

const earlyStopOf = (arm: ArmFigures): Spread | null => arm.earlyStop;
const quantities = [
  earlyStopOf,
  (arm: ArmFigures) => arm.accuracyAtEarlyStop,
  (arm: ArmFigures) => arm.accuracyAtEnd,
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
