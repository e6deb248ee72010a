/**
 * One level in words: its tickets against the dense network and against its controls.
 *
 * @module
 */
import { type ArmFigures, fewControls, type LevelFigures, percent, points } from "../analysis/outcome.ts";
import type { Spread } from "../analysis/statistics.ts";
import { arms } from "../lottery/arms/registry.ts";
import { count } from "./words.ts";

/** What a level came to, in sentences; the first says what its tickets are. */
export function describeLevel(figures: readonly LevelFigures[], level: number): string[] {
  const own = figures.find((candidate) => candidate.level === level);
  const dense = figures.find((candidate) => candidate.level === 0)?.ticket;
  if (!own) return [];
  const { ticket, controls } = own;
  if (level === 0) {
    return [`The dense network: ${stops(ticket)}, ${accuracies(ticket)}.`, ...trouble([ticket])];
  }
  return [
    `With ${percent(own.remaining)} of the weights: ${stops(ticket, dense)}, ${accuracies(ticket, dense)}.`,
    ...(controls.length > fewControls
      ? [inBrief(controls, ticket)]
      : controls.map((control) =>
        `${capital(control.arm)} (${arms[control.arm].title}): ${stops(control, ticket, "the tickets'")}, ${
          accuracies(control, ticket, "the tickets'")
        }.`
      )),
    ...(controls.length === 0 ? ["No control was trained at this level."] : []),
    ...trouble([ticket, ...controls]),
  ];
}

function stops({ earlyStop }: ArmFigures, other?: ArmFigures, whose = "dense"): string {
  if (!earlyStop) return "no early stop";
  const at = `early stop at iteration ${whole(earlyStop)}`;
  const reference = other?.earlyStop;
  if (!reference) return at;
  const beside = `${whose} ${whole(reference)}`;
  if (reference.mean === 0 || reference.mean === earlyStop.mean) return `${at} (${beside})`;
  return `${at} (${beside}: ${apart(earlyStop, reference)})`;
}

/** Controls beside the tickets, in a sentence. */
function inBrief(controls: readonly ArmFigures[], ticket: ArmFigures): string {
  const each = controls.map(({ arm, earlyStop, accuracyAtEarlyStop: there }) => {
    const words = earlyStop && ticket.earlyStop && there && ticket.accuracyAtEarlyStop
      ? `${apart(earlyStop, ticket.earlyStop)}, ${points(there.mean - ticket.accuracyAtEarlyStop.mean)}`
      : "unknown";
    return `${arm} (${arms[arm].title}) ${words}`;
  });
  return `The controls' early stop and their test accuracy there, beside the tickets': ${each.join("; ")}.`;
}

function apart(earlyStop: Spread, reference: Spread): string {
  if (earlyStop.mean === reference.mean) return "no later";
  if (reference.mean === 0) return `at iteration ${whole(earlyStop)}`;
  const share = Math.abs(1 - earlyStop.mean / reference.mean);
  return `${percent(share, 0)} ${earlyStop.mean < reference.mean ? "earlier" : "later"}`;
}

function accuracies(arm: ArmFigures, other?: ArmFigures, whose = "dense"): string {
  return `test accuracy ${beside(arm.accuracyAtEarlyStop, other?.accuracyAtEarlyStop, whose)} there and ${
    beside(arm.accuracyAtEnd, other?.accuracyAtEnd, whose)
  } at the end`;
}

function beside(value: Spread | null, other: Spread | null | undefined, whose: string): string {
  if (!value) return "unknown";
  const own = percent(value.mean, 2);
  return other ? `${own} (${whose} ${percent(other.mean, 2)}: ${points(value.mean - other.mean)})` : own;
}

function trouble(arms: readonly ArmFigures[]): string[] {
  const censored = arms.reduce((sum, arm) => sum + arm.censored, 0);
  const diverged = arms.reduce((sum, arm) => sum + arm.diverged, 0);
  return [
    ...(censored > 0
      ? [`${count(censored, "early stop")} fell on the last evaluation: the true one is there or later.`]
      : []),
    ...(diverged > 0
      ? [`${count(diverged, "network")} diverged and ${diverged === 1 ? "counts" : "count"} in no mean.`]
      : []),
  ];
}

function whole({ mean }: Spread): string {
  return Math.round(mean).toLocaleString("en");
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
