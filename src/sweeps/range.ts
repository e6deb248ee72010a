/**
 * Ranges of numbers, both ends included, as a sweep's file gives them. What is computed is what one would write by hand: from 0.1 to
 * 0.5 by 0.1 there is 0.3, and not 0.30000000000000004.
 *
 * @module
 */
import * as z from "npm:zod@4.6.7";
import { quoted } from "../data/quoted.ts";

/** Numbers of a range, before they are made. */
export interface NumberRange {
  /** How many there are. */
  readonly count: number;
  /** The numbers, in order. */
  readonly values: () => number[];
}

const bound = z.number();
const schema = z.union([
  z.strictObject({ from: bound, to: bound, step: bound }),
  z.strictObject({
    from: bound,
    to: bound,
    count: z.int().min(2),
    spacing: z.enum(["linear", "log"]).exactOptional(),
  }),
]);

/** What a range looks like, for errors. */
export const rangeForms =
  '{"from": 0.1, "to": 0.5, "step": 0.1} or {"from": 0.001, "to": 0.1, "count": 5, "spacing": "log"}';

/**
 * Reads a range.
 *
 * @param isWhole whether numbers between the ends of a range by `count` are rounded to whole ones
 * @throws {RangeError} when it is none, or its steps do not lead from one end to the other
 */
export function parseRange(value: unknown, isWhole: boolean): NumberRange {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RangeError(`is ${quoted(value)}, and a range is ${rangeForms}`);
  return "step" in parsed.data ? byStep(parsed.data) : byCount(parsed.data, isWhole);
}

function byStep(
  { from, to, step }: { readonly from: number; readonly to: number; readonly step: number },
): NumberRange {
  if (step === 0 || Math.sign(to - from) === -Math.sign(step)) {
    throw new RangeError(
      `goes from ${from} to ${to} by ${step}, which leads away from its end: give a step towards it`,
    );
  }
  // In whole numbers of the smallest decimal place that there is, so that nothing is rounded on the way.
  const places = Math.max(...[from, to, step].map(placesOf));
  const [first, last, each] = [scaled(from, places), scaled(to, places), scaled(step, places)];
  const steps = (last - first) / each;
  const valueAt = (index: bigint): number => Number(`${first + index * each}e-${places}`);
  if (first + steps * each !== last) {
    throw new RangeError(
      `goes from ${from} by ${step}, and never comes to ${to}: end at ${valueAt(steps)} or ${valueAt(steps + 1n)}`,
    );
  }
  return {
    count: Number(steps) + 1,
    values: () => Array.from({ length: Number(steps) + 1 }, (_, index) => valueAt(BigInt(index))),
  };
}

function byCount(
  { from, to, count, spacing = "linear" }: {
    readonly from: number;
    readonly to: number;
    readonly count: number;
    readonly spacing?: "linear" | "log";
  },
  isWhole: boolean,
): NumberRange {
  if (spacing === "log" && !(from > 0 && to > 0)) {
    throw new RangeError(
      `goes from ${from} to ${to} in equal ratios, and both must be above 0: give others, or "linear"`,
    );
  }
  const between = (share: number): number =>
    spacing === "log" ? Math.exp(Math.log(from) * (1 - share) + Math.log(to) * share) : from * (1 - share) + to * share;
  // Twelve digits are the same in every engine, and hide what binary fractions leave of 0.001.
  const rounded = (value: number): number =>
    Math.min(
      Math.max(isWhole ? Math.round(value) : Number(value.toPrecision(12)), Math.min(from, to)),
      Math.max(from, to),
    );
  // Of ends that hardly differ, rounding could lead back.
  const onward = (value: number, before: number): number =>
    to > from ? Math.max(value, before) : Math.min(value, before);
  return {
    count,
    values: () => {
      const numbers = [from];
      for (let index = 1; index < count - 1; index++) {
        numbers.push(onward(rounded(between(index / (count - 1))), numbers.at(-1) ?? from));
      }
      return [...numbers, to];
    },
  };
}

/** How many decimal places a number has as JavaScript writes it: 1e-7 has 7. */
function placesOf(value: number): number {
  const [digits = "", exponent = "0"] = String(value).split("e");
  return Math.max(0, (digits.split(".")[1]?.length ?? 0) - Number(exponent));
}

/** A number in units of 10^-places, exactly. */
function scaled(value: number, places: number): bigint {
  const [digits = "", exponent = "0"] = String(value).split("e");
  const [whole = "", decimals = ""] = digits.split(".");
  return BigInt(whole + decimals) * 10n ** BigInt(places + Number(exponent) - decimals.length);
}
