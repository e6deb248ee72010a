/**
 * What came out of a run: figures per level and arm, whether pruning helped in words, and the paper's values beside ours.
 *
 * @module
 */
import type { ArmName } from "../lottery/types.ts";
import { isCensored } from "./early_stop.ts";
import { type Spread, spread } from "./statistics.ts";
import type { LevelSummary, Summary } from "./summary.ts";

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
export function figuresOf(summary: Summary): LevelFigures[] {
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

/** Frankle & Carbin 2019, section 2 and Figure 4: LeNet-300-100 on MNIST, means of five replicates. */
const paperValues: readonly {
  readonly remaining: number;
  readonly quantity: string;
  readonly value: number;
  readonly measure: (level: LevelFigures, dense: ArmFigures) => number | undefined;
  readonly inWords: (value: number) => string;
}[] = [
  {
    remaining: 0.211,
    quantity: "early stop, against dense",
    value: 0.38,
    measure: ({ ticket }, dense) => quotient(gap(dense.earlyStop, ticket.earlyStop), dense.earlyStop?.mean),
    inWords: (value) => value < 0 ? `${percent(-value, 0)} later` : `${percent(value, 0)} earlier`,
  },
  {
    remaining: 0.211,
    quantity: "early stop, reinit over ticket",
    value: 2.51,
    measure: ({ ticket, controls }) => quotient(controls[0]?.earlyStop?.mean, ticket.earlyStop?.mean),
    inWords: (value) => `${value.toFixed(2)}×`,
  },
  {
    remaining: 0.211,
    quantity: "test accuracy at early stop, ticket over reinit",
    value: 0.005,
    measure: ({ ticket, controls }) => gap(ticket.accuracyAtEarlyStop, controls[0]?.accuracyAtEarlyStop),
    inWords: points,
  },
  {
    remaining: 0.135,
    quantity: "test accuracy at early stop, against dense",
    value: 0.003,
    measure: ({ ticket }, dense) => gap(ticket.accuracyAtEarlyStop, dense.accuracyAtEarlyStop),
    inWords: points,
  },
  {
    remaining: 0.135,
    quantity: "test accuracy at the end, against dense",
    value: 0.0035,
    measure: ({ ticket }, dense) => gap(ticket.accuracyAtEnd, dense.accuracyAtEnd),
    inWords: points,
  },
  {
    remaining: 0.036,
    quantity: "test accuracy at early stop, against dense",
    value: 0,
    measure: ({ ticket }, dense) => gap(ticket.accuracyAtEarlyStop, dense.accuracyAtEarlyStop),
    inWords: points,
  },
];

/** How far our remaining fraction may be from the paper's to stand beside it, as a factor. */
const nearEnough = 1.15;

/** The paper's values beside ours, where it states one near a level of ours; nothing for what the paper did not train. */
export function besidePaper(summary: Summary): PaperComparison[] {
  if (summary.config.dataset !== "mnist" || summary.config.width !== 1) return [];
  const figures = figuresOf(summary);
  const dense = figures.find(({ level }) => level === 0)?.ticket;
  if (!dense) return [];
  const distance = (level: LevelFigures, remaining: number): number => Math.abs(Math.log(level.remaining / remaining));
  return paperValues.flatMap(({ remaining, quantity, value, measure, inWords }) => {
    const [nearest] = [...figures].sort((a, b) => distance(a, remaining) - distance(b, remaining));
    if (!nearest || distance(nearest, remaining) > Math.log(nearEnough)) return [];
    const own = measure(nearest, dense);
    if (own === undefined) return [];
    return [{
      paperRemaining: remaining,
      remaining: nearest.remaining,
      quantity,
      paper: inWords(value),
      ours: inWords(own),
    }];
  });
}

/** A fraction in percent: 0.21149 → "21.1 %". */
export function percent(fraction: number, digits = 1): string {
  return `${(fraction * 100).toFixed(digits)} %`;
}

/** A difference of fractions in percentage points, with its sign: 0.003 → "+0.30 pp". */
export function points(difference: number): string {
  const text = (difference * 100).toFixed(2);
  return `${Number(text) > 0 ? "+" : Number(text) === 0 ? "±" : "−"}${text.replace("-", "")} pp`;
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

function againstControls({ remaining, ticket, controls }: LevelFigures): string[] {
  if (controls.length === 0) {
    return [
      "No control was trained at that level, so nothing says whether the initial values matter or the mask alone: " +
      "add one with --controls reinit --resume.",
    ];
  }
  return controls.flatMap((control) => {
    const better = gap(ticket.accuracyAtEarlyStop, control.accuracyAtEarlyStop);
    const ratio = quotient(control.earlyStop?.mean, ticket.earlyStop?.mean);
    if (better === undefined || ratio === undefined) return [];
    const speed = ratio === 1
      ? "no later"
      : ratio > 1
      ? `${ratio.toFixed(2)}× later`
      : `${(1 / ratio).toFixed(2)}× earlier`;
    const meaning = better > 0 && ratio >= 1 || better === 0 && ratio > 1
      ? "the initial values matter, not the mask alone"
      : better <= 0 && ratio <= 1
      ? "the mask alone explains what the ticket does, or the difference is too small to see here"
      : "the two figures point in different directions";
    return [
      `Against ${control.arm} (the same mask, fresh weights) at ${
        percent(remaining)
      }: its early stop came ${speed}, at ` +
      `${round(control.earlyStop)}, with ${accuracy(control.accuracyAtEarlyStop)}; the ticket's accuracy is ${
        points(better)
      } ` + `beside it: ${meaning}.`,
    ];
  });
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
      ? [`${diverged} ${diverged === 1 ? "network" : "networks"} diverged and count in no mean: lower --lr.`]
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
