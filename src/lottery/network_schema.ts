/**
 * Networks that come from outside, in a configuration or in a file: what they may look like.
 *
 * @module
 */
import * as z from "npm:zod@4.6.7";
import { isPrintable, legible } from "../data/quoted.ts";
import { type LayerSpec, layOut, type NetworkSpec } from "../nn/network.ts";

/** A network of the user's own: its layers, the output layer included. What goes in comes from the data set. */
export interface CustomNetwork {
  /** What to call it. */
  readonly name: string;
  /** The layers, in order; the last is dense, with one unit per class and no activation. */
  readonly layers: readonly LayerSpec[];
}

const count = z.int().min(1).max(1_000_000);
const activation = z.enum(["relu", "none"]);
const flag = z.boolean().exactOptional();

const conv = z.strictObject({
  type: z.literal("conv"),
  channels: count,
  size: z.literal([1, 3]).exactOptional(),
  stride: z.literal([1, 2]).exactOptional(),
  bias: flag,
  activation,
  prunable: flag,
});
const batchNorm = z.strictObject({ type: z.literal("batch-norm"), activation });
const inBlock = z.discriminatedUnion("type", [conv, batchNorm]);

const layer = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("dense"), units: count, activation, prunable: flag }),
  conv,
  z.strictObject({ type: z.literal("max-pool") }),
  z.strictObject({ type: z.literal("global-average-pool") }),
  batchNorm,
  z.strictObject({ type: z.literal("dropout"), rate: z.number().min(0).lt(1) }),
  z.strictObject({ type: z.literal("residual"), branch: z.array(inBlock), shortcut: z.array(inBlock) }),
]) satisfies z.ZodType<LayerSpec>;

// It is printed: what moves a terminal's cursor is no part of a name.
const name = z.string().min(1).max(100).refine(isPrintable, "there are characters in it that cannot be printed");

/** The schema of {@linkcode CustomNetwork}. Whether the layers fit on one another is left to `layOut()`. */
export const customNetworkSchema = z.strictObject({
  name,
  layers: z.array(layer).min(1).max(1000),
}) satisfies z.ZodType<CustomNetwork>;

const networkSchema = z.strictObject({
  name,
  input: z.strictObject({ channels: count, height: count, width: count }),
  layers: z.array(layer).min(1).max(1000),
}) satisfies z.ZodType<NetworkSpec>;

/**
 * Checks a network that was read from a file, down to whether its layers fit on one another.
 *
 * @throws {RangeError} naming the first thing that is wrong
 */
export function parseNetwork(value: unknown): NetworkSpec {
  const parsed = networkSchema.safeParse(value);
  if (!parsed.success) throw new RangeError(explainNetwork(parsed.error.issues[0]));
  layOut(parsed.data);
  return parsed.data;
}

/** What is wrong with a network, and where: "layers.2.channels: …". */
export function explainNetwork(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return "it is not a network";
  const where = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  return legible(where + issue.message.replace(/^./, (letter) => letter.toLowerCase()), 300);
}
