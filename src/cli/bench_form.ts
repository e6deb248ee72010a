/**
 * What the forms of `bench` have in common: what each says about itself, and its flags as values.
 *
 * @module
 */
import { quoted } from "../data/quoted.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { type LotteryConfig, presets } from "../lottery/config.ts";
import { type ArchitectureName, architectureNames } from "../nn/architectures.ts";
import { type Flag, suggestion, UsageError } from "./arguments.ts";

/** What was measured. */
export interface Measured {
  /** All of it, for `--json`. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Medians in milliseconds by what they are of: what `--compare` compares. */
  readonly medians: Readonly<Record<string, number>>;
  /** All of it as lines of text. */
  readonly lines: readonly string[];
  /** It as a picture, where it has one. */
  readonly svg?: string;
  /** What its file has, where it is kept in one. */
  readonly text?: string;
}

/** A measurement that was asked for. */
export interface Measurement {
  /** What two measurements must have in common to be compared. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** The file that it is kept in, where it is. */
  readonly file?: string;
  /** Measures. @param tell told what is measured next, where it takes long */
  readonly measure: (gpu: Gpu, signal: AbortSignal, tell: (what: string) => void) => Promise<Measured>;
}

/** A form of the command. */
export interface BenchForm {
  /** What follows `bench`; nothing for the first form. */
  readonly name: "step" | "crossover" | "levels" | "ensemble" | "roofline" | "calibrate";
  /** What it does, in a line. */
  readonly description: string;
  /** What it does and how to read it. */
  readonly what: readonly string[];
  /** Its own flags. */
  readonly flags: readonly Flag[];
  /** Examples, each without `deno task`. */
  readonly examples: readonly string[];
  /**
   * Takes the flags.
   *
   * @throws {UsageError} for wrong values
   */
  readonly prepare: (values: ReadonlyMap<string, string>) => Measurement;
}

/** Flags that several forms have. */
export const sharedFlags = {
  network: { flag: "--network", value: "NAME", description: `which of ${architectureNames.join(", ")} (lenet)` },
  width: { flag: "--width", value: "X", description: "scales its channels and hidden units (1)" },
  batchSize: { flag: "--batch-size", value: "N", description: "images of one step (the preset's: 60, 64 or 128)" },
} as const satisfies Readonly<Record<string, Flag>>;

/** How often each of several is measured, in turn. */
export function runsFlag(usual: number): Flag {
  return { flag: "--runs", value: "N", description: `measurements of each, in turn, whose median counts (${usual})` };
}

/** `--network`, with the paper's settings for it. */
export function networkOf(
  values: ReadonlyMap<string, string>,
): { readonly network: ArchitectureName; readonly config: LotteryConfig } {
  const name = values.get("--network") ?? "lenet";
  const network = architectureNames.find((candidate) => candidate === name);
  if (network) return { network, config: presets[network].config };
  throw new UsageError(
    `--network is ${quoted(name)}.${suggestion(name, architectureNames)} Choose one of ${
      architectureNames.join(", ")
    }.`,
  );
}

/** `--width`. */
export function widthOf(values: ReadonlyMap<string, string>): number {
  const text = values.get("--width") ?? "1";
  const width = Number(text);
  if (width > 0 && width <= 16) return width;
  throw new UsageError(`--width is ${quoted(text)}, and it must be a number above 0 and at most 16.`);
}

/** A whole number. */
export function wholeNumber(
  flag: string,
  text: string,
  { least = 1, most }: { readonly least?: number; readonly most: number },
): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`${flag} is ${quoted(text)}, and it must be a whole number from ${least} to ${most}.`);
}

/** Whole numbers with commas between, no two of them equal. */
export function wholeNumbers(
  flag: string,
  text: string,
  range: { readonly least?: number; readonly most: number },
): number[] {
  const numbers = text.split(",").map((part) => wholeNumber(flag, part, range));
  const twice = numbers.find((number, index) => numbers.indexOf(number) < index);
  if (twice === undefined) return numbers;
  throw new UsageError(`${flag} has ${twice} twice: leave one out.`);
}

/** Medians by name. What has the name of one before gets a number, so that none is lost. */
export function mediansOf(entries: readonly (readonly [name: string, ms: number])[]): Record<string, number> {
  const medians: Record<string, number> = {};
  for (const [name, ms] of entries) {
    let own = name;
    for (let number = 2; Object.hasOwn(medians, own); number++) own = `${name} (${number})`;
    medians[own] = ms;
  }
  return medians;
}

/** A fraction of a network's weights, in percent. */
export function weightsLabel(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
