/**
 * What came out of a run: figures per level and arm, whether pruning helped in words, and the paper's values beside ours.
 *
 * @module
 */
import { arms as known } from "../lottery/arms/registry.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import type { ArmName } from "../lottery/types.ts";
import type { ArchitectureName } from "../nn/architectures.ts";
import { type Claim, type MeasureName, measureNamed, nearEnough, nearestLevel } from "./claims.ts";
import { isCensored } from "./early_stop.ts";
import { type Spread, spread } from "./statistics.ts";
import type { LevelSummary, Summary } from "./summary.ts";
import { percent, points } from "./words.ts";

export { nearEnough, percent, points };

/** What an arm came to at one level, over its replicates and draws that did not diverge. */
export interface ArmFigures {
  /** The arm. */
  readonly arm: ArmName;
  /** Early-stop iteration. */
  readonly earlyStop: Spread | null;
  /** Validation loss there, in nats. */
  readonly validationLoss: Spread | null;
  /** Test accuracy there, as a fraction. */
  readonly accuracyAtEarlyStop: Spread | null;
  /** Test accuracy after the last iteration, as a fraction. */
  readonly accuracyAtEnd: Spread | null;
  /** How many early stops fell on the last evaluation. */
  readonly censored: number;
  /** How many networks diverged, and are not in the spreads. */
  readonly diverged: number;
  /** Milliseconds of a training step. */
  readonly stepMs: number | null;
}

/** What a level came to. */
export interface LevelFigures {
  /** The level; 0 = dense. */
  readonly level: number;
  /** Surviving fraction. */
  readonly remaining: number;
  /** The tickets. */
  readonly ticket: ArmFigures;
  /** The controls that were trained at this level. */
  readonly controls: readonly ArmFigures[];
}

/** A run as figures per level. Levels without a ticket are left out: there is nothing to compare their controls with. */
export function figuresOf(
  summary: Pick<Summary, "arms"> & { readonly config: Pick<LotteryConfig, "iterations"> },
): LevelFigures[] {
  const [tickets, ...controls] = summary.arms;
  if (tickets?.name !== "ticket") return [];
  return tickets.levels.map((level) => ({
    level: level.level,
    remaining: level.remaining,
    ticket: armFigures("ticket", level, summary.config.iterations),
    controls: controls.flatMap(({ name, levels }) =>
      levels.filter((own) => own.level === level.level).map((own) => armFigures(name, own, summary.config.iterations))
    ),
  }));
}

/**
 * The level whose tickets have the lowest validation loss at early stop, level 0 aside. The test set has no say, so that its
 * accuracy there is a fair one.
 */
export function bestLevel(figures: readonly LevelFigures[]): LevelFigures | undefined {
  let best: LevelFigures | undefined;
  for (const level of figures) {
    const loss = level.ticket.validationLoss?.mean;
    if (level.level > 0 && loss !== undefined && loss <= (best?.ticket.validationLoss?.mean ?? Infinity)) best = level;
  }
  return best;
}

/** Accuracy that counts as the dense network's: 0.2 percentage points below it. */
const toleratedLoss = 0.002;

/** Whether pruning helped, by how much and against which control; and what the figures do not tell. Sentences. */
export function describeOutcome(summary: Summary): string[] {
  const figures = figuresOf(summary);
  const dense = figures.find(({ level }) => level === 0)?.ticket;
  const best = bestLevel(figures);
  if (!dense || !best || figures.length < 2) {
    return figures.length < 2
      ? ["Only the dense network was trained: give --levels 1 or more to prune it."]
      : ["Every network diverged, so there is nothing to compare: lower --lr."];
  }
  return [
    ...againstDense(dense, best),
    ...againstControls(best),
    ...smallestAsAccurate(dense, figures),
    ...caveats(summary, figures),
  ];
}

/** A value that the paper states, with ours at the nearest level. */
export interface PaperComparison {
  /** The paper's remaining fraction. */
  readonly paperRemaining: number;
  /** Ours. */
  readonly remaining: number;
  /** What is compared, such as "early stop against dense". */
  readonly quantity: string;
  /** The paper's value, in words. */
  readonly paper: string;
  /** Ours, in words. */
  readonly ours: string;
}

/** A figure of an arm in which the paper's values can be marked. */
export type MarkedFigure = "earlyStop" | "accuracyAtEarlyStop" | "accuracyAtEnd";

/** A value of the paper as a point in a figure. */
export interface PaperMark {
  /** The paper's remaining fraction. */
  readonly remaining: number;
  /** Which figure it belongs in. */
  readonly figure: MarkedFigure;
  /** The value, in that figure's unit; one that the paper states against its dense network is put on ours. */
  readonly value: number;
}

/** A value that the paper states, of the tickets. */
interface PaperValue extends Claim {
  /** The recipe that it holds for, where the paper compares several. */
  readonly recipe?: Partial<Pick<LotteryConfig, "lr" | "warmup" | "scope">>;
}

/** The paper's three recipes for ResNet-18 and VGG-19 differ in these; its tickets come from pruning in one pool. */
const slow = { lr: 0.01, warmup: 0, scope: "global" } as const;
const resnetWarmup = { lr: 0.03, warmup: 20_000, scope: "global" } as const;
const vggWarmup = { lr: 0.1, warmup: 10_000, scope: "global" } as const;

/**
 * Frankle & Carbin 2019: section 2 and Figure 4 for LeNet-300-100, section 3 and Figure 5 for Conv-2, Conv-4 and Conv-6 (means
 * of five), section 5 and Figures 7, 8 and 38 to 41 for VGG-19 and ResNet-18 (means of three). A value of 0 against dense
 * stands where the paper says how far tickets keep up with the dense network.
 */
const paperValues: Readonly<Record<ArchitectureName, readonly PaperValue[]>> = {
  lenet: [
    { remaining: 0.211, value: 0.38, measure: "earlier-than-dense" },
    { remaining: 0.211, value: 2.51, measure: "times-earlier", against: "reinit" },
    { remaining: 0.211, value: 0.005, measure: "accuracy-over", against: "reinit" },
    { remaining: 0.135, value: 0.003, measure: "accuracy-over-dense" },
    { remaining: 0.135, value: 0.0035, measure: "accuracy-over-dense-at-end" },
    { remaining: 0.036, value: 0, measure: "accuracy-over-dense" },
  ],
  conv2: [
    { remaining: 0.088, value: 3.5, measure: "times-earlier-than-dense" },
    { remaining: 0.046, value: 0.034, measure: "accuracy-over-dense" },
    { remaining: 0.02, value: 0, measure: "accuracy-over-dense" },
  ],
  conv4: [
    { remaining: 0.092, value: 3.5, measure: "times-earlier-than-dense" },
    { remaining: 0.111, value: 0.035, measure: "accuracy-over-dense" },
    { remaining: 0.02, value: 0, measure: "accuracy-over-dense" },
  ],
  conv6: [
    { remaining: 0.151, value: 2.5, measure: "times-earlier-than-dense" },
    { remaining: 0.264, value: 0.033, measure: "accuracy-over-dense" },
    { remaining: 0.02, value: 0, measure: "accuracy-over-dense" },
  ],
  resnet18: [
    { remaining: 0.417, value: 0.895, recipe: slow, measure: "accuracy-at-end" },
    { remaining: 0.219, value: 0.895, recipe: slow, measure: "accuracy-at-end" },
    { remaining: 0.271, value: 0.905, recipe: resnetWarmup, measure: "accuracy-at-end" },
    { remaining: 0.118, value: 0, recipe: resnetWarmup, measure: "accuracy-over-dense-at-end" },
  ],
  vgg19: [
    { remaining: 0.035, value: -0.01, recipe: slow, measure: "accuracy-over-dense-at-end" },
    { remaining: 0.015, value: 0, recipe: vggWarmup, measure: "accuracy-over-dense-at-end" },
    { remaining: 0.069, value: 0, recipe: { ...vggWarmup, scope: "layer" }, measure: "accuracy-over-dense-at-end" },
  ],
};

/**
 * The paper's values beside ours, where it states one near a level of ours; nothing for what the paper did not train: another
 * width or data set, a network of one's own, rewinding, or dropout, whose gains it states over runs without.
 */
export function besidePaper(summary: Summary): PaperComparison[] {
  const figures = figuresOf(summary);
  const dense = figures.find(({ level }) => level === 0)?.ticket;
  if (!dense) return [];
  return statedFor(summary.config).flatMap(({ remaining, value, measure, against }) => {
    const nearest = nearestLevel(figures, remaining);
    if (!nearest) return [];
    const { quantity, inWords } = measureNamed(measure);
    const own = measureMeans(measure, nearest, dense, against);
    if (own === undefined) return [];
    return [{
      paperRemaining: remaining,
      remaining: nearest.remaining,
      quantity: quantity("ticket", against),
      paper: inWords(value),
      ours: inWords(own),
    }];
  });
}

/** The values of {@linkcode besidePaper} that have a place in a figure, as points; those beside a re-initialised network have none. */
export function paperMarks(summary: Summary): PaperMark[] {
  const figures = figuresOf(summary);
  const dense = figures.find(({ level }) => level === 0)?.ticket;
  return statedFor(summary.config).flatMap(({ remaining, value, measure }) => {
    const { figure, place } = measureNamed(measure);
    if (!place || figure === "trainAccuracyAtEnd" || !nearestLevel(figures, remaining)) return [];
    const own = dense?.[figure]?.mean;
    if (own === undefined) return [];
    return [{ remaining, figure, value: place(value, own) }];
  });
}

/** A quantity of the tickets, by the means over replicates. */
function measureMeans(
  name: MeasureName,
  { ticket, controls }: LevelFigures,
  dense: ArmFigures,
  against: ArmName | undefined,
): number | undefined {
  const { figure, against: kind, compare } = measureNamed(name);
  if (figure === "trainAccuracyAtEnd") return undefined;
  const own = ticket[figure]?.mean;
  const reference = kind === "nothing"
    ? own
    : (kind === "dense" ? dense : controls.find(({ arm }) => arm === against))?.[figure]?.mean;
  return own === undefined || reference === undefined ? undefined : compare(own, reference) ?? undefined;
}

/** What the paper states for such a run. */
function statedFor(config: LotteryConfig): readonly PaperValue[] {
  const { network } = config;
  if (typeof network !== "string" || config.dataset !== (network === "lenet" ? "mnist" : "cifar10")) return [];
  if (config.width !== 1 || config.rewind !== 0 || config.dropout !== 0) return [];
  return paperValues[network].filter(({ recipe = {} }) => {
    const { lr, warmup, scope } = { ...config, ...recipe };
    return lr === config.lr && warmup === config.warmup && scope === config.scope;
  });
}

function armFigures(arm: ArmName, level: LevelSummary, iterations: number): ArmFigures {
  const sound = level.replicates.filter(({ status }) => status === "ok");
  return {
    arm,
    earlyStop: spread(sound.map((one) => one.earlyStopIteration)),
    validationLoss: spread(sound.map((one) => one.validationLossAtEarlyStop)),
    accuracyAtEarlyStop: spread(sound.map((one) => one.testAccuracyAtEarlyStop)),
    accuracyAtEnd: spread(sound.map((one) => one.testAccuracyAtEnd)),
    censored: sound.filter((one) => isCensored(one.earlyStopIteration, iterations)).length,
    diverged: level.replicates.length - sound.length,
    stepMs: level.stepMs,
  };
}

function againstDense(dense: ArmFigures, { remaining, ticket }: LevelFigures): string[] {
  const better = gap(ticket.accuracyAtEarlyStop, dense.accuracyAtEarlyStop);
  const earlier = gap(dense.earlyStop, ticket.earlyStop);
  if (better === undefined || earlier === undefined) {
    return ["The dense network diverged, so pruning has nothing to be compared with: lower --lr."];
  }
  const verdict = better >= 0 && earlier >= 0
    ? better > 0 || earlier > 0 ? "Pruning helped" : "Pruning neither helped nor harmed"
    : better >= 0
    ? "Pruning helped accuracy, not speed"
    : earlier > 0
    ? "Pruning helped speed, not accuracy"
    : "Pruning did not help";
  const share = quotient(Math.abs(earlier), dense.earlyStop?.mean) ?? 0;
  const when = earlier === 0 ? "no earlier" : `${percent(share, 0)} ${earlier > 0 ? "earlier" : "later"}`;
  return [
    `${verdict}: with ${
      percent(remaining)
    } of the weights, the best ticket by validation loss, early stop came at iteration ` +
    `${round(ticket.earlyStop)} (dense ${round(dense.earlyStop)}), ${when}, with ${
      accuracy(ticket.accuracyAtEarlyStop)
    } ` +
    `test accuracy there (dense ${accuracy(dense.accuracyAtEarlyStop)}), ${points(better)}.`,
  ];
}

/** Up to so many controls are compared at length. Of more, all but re-initialisation share a sentence: the table has their figures. */
export const fewControls = 2;

function againstControls({ remaining, ticket, controls }: LevelFigures): string[] {
  if (controls.length === 0) {
    return [
      "No control was trained at that level, so nothing says whether the initial values matter or the mask alone: " +
      "add one with --controls reinit --resume.",
    ];
  }
  const isFew = controls.length <= fewControls;
  const others: string[] = [];
  const sentences = controls.flatMap((control) => {
    const better = gap(ticket.accuracyAtEarlyStop, control.accuracyAtEarlyStop);
    const ratio = quotient(control.earlyStop?.mean, ticket.earlyStop?.mean);
    if (better === undefined || ratio === undefined) return [];
    const speed = ratio === 1
      ? "no later"
      : ratio > 1
      ? `${ratio.toFixed(2)}× later`
      : `${(1 / ratio).toFixed(2)}× earlier`;
    // What it means that the ticket does better is known of the control that shares everything with it but the values.
    const meaning = control.arm !== "reinit"
      ? ""
      : better > 0 && ratio >= 1 || better === 0 && ratio > 1
      ? ": the initial values matter, not the mask alone"
      : better <= 0 && ratio <= 1
      ? ": the mask alone explains what the ticket does, or the difference is too small to see here"
      : ": the two figures point in different directions";
    const what = `${control.arm} (${known[control.arm].title})`;
    if (!isFew && control.arm !== "reinit") {
      others.push(`${what} ${speed}, ${points(better)}`);
      return [];
    }
    return [
      `Against ${what} at ${percent(remaining)}: its early stop came ${speed}, at ` +
      `${round(control.earlyStop)}, with ${accuracy(control.accuracyAtEarlyStop)}; the ticket's accuracy is ${
        points(better)
      } beside it${meaning}.`,
    ];
  });
  if (others.length === 0) return sentences;
  return [
    ...sentences,
    `Against the ${sentences.length === 0 ? "" : "other "}controls at ${
      percent(remaining)
    }, their early stop and the ticket's accuracy beside theirs: ${others.join("; ")}.`,
  ];
}

function smallestAsAccurate(dense: ArmFigures, figures: readonly LevelFigures[]): string[] {
  const smallest = figures.findLast(({ level, ticket }) =>
    level > 0 && (gap(ticket.accuracyAtEarlyStop, dense.accuracyAtEarlyStop) ?? -1) >= -toleratedLoss
  );
  return smallest
    ? [
      `The smallest ticket no more than ${(toleratedLoss * 100).toFixed(1)} pp below the dense accuracy has ${
        percent(smallest.remaining)
      } of the weights.`,
    ]
    : [`No ticket came within ${(toleratedLoss * 100).toFixed(1)} pp of the dense accuracy.`];
}

function caveats({ config }: Summary, figures: readonly LevelFigures[]): string[] {
  const arms = figures.flatMap(({ ticket, controls }) => [ticket, ...controls]);
  const censored = arms.reduce((sum, arm) => sum + arm.censored, 0);
  const diverged = arms.reduce((sum, arm) => sum + arm.diverged, 0);
  return [
    ...(censored > 0
      ? [
        `${censored} early ${
          censored === 1 ? "stop" : "stops"
        } fell on the last evaluation (censored, marked >): the true minimum is there or later, and comparing them ` +
        "says little. Train longer with --iterations.",
      ]
      : []),
    ...(diverged > 0
      ? [
        `${diverged} ${
          diverged === 1 ? "network diverged and counts" : "networks diverged and count"
        } in no mean: lower --lr.`,
      ]
      : []),
    ...(config.replicates === 1
      ? ["One replicate: a few tenths of a percentage point can be chance. --replicates 5 --resume adds four more."]
      : []),
  ];
}

function gap(a: Spread | null | undefined, b: Spread | null | undefined): number | undefined {
  return a && b ? a.mean - b.mean : undefined;
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || !b ? undefined : a / b;
}

function round(value: Spread | null): string {
  return value ? Math.round(value.mean).toLocaleString("en") : "none";
}

function accuracy(value: Spread | null): string {
  return value ? percent(value.mean, 2) : "none";
}
