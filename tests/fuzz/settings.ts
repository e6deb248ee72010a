/**
 * Settings of runs for property tests.
 *
 * @module
 */
import fc from "npm:fast-check@4.10.2";
import type { LotteryConfig } from "../../src/lottery/config.ts";

const below = fc.double({ min: 0, max: 0.99, noNaN: true });
const iterations = fc.integer({ min: 1, max: 100 });

/** Changes each within its own range; together they may contradict each other. */
export const likelyChanges: fc.Arbitrary<Partial<Omit<LotteryConfig, "preset" | "network">>> = fc.record({
  dataset: fc.constantFrom("mnist" as const, "fashion-mnist" as const, "cifar10" as const, "synthetic" as const),
  width: fc.double({ min: 0.01, max: 16, noNaN: true }),
  dropout: below,
  augment: fc.boolean(),
  trainSize: fc.integer({ min: 50, max: 2000 }),
  validationSize: fc.integer({ min: 1, max: 500 }),
  levels: fc.nat(60),
  iterations: fc.integer({ min: 100, max: 1_000_000 }),
  batchSize: fc.integer({ min: 1, max: 60 }),
  optimizer: fc.constantFrom("adam" as const, "sgd" as const),
  lr: fc.double({ min: 1e-9, max: 100, noNaN: true }),
  warmup: fc.nat(100),
  lrDrops: fc.uniqueArray(iterations, { maxLength: 3 }).map((drops) => drops.toSorted((a, b) => a - b)),
  lrDropFactor: fc.double({ min: 1e-9, max: 1, noNaN: true }),
  momentum: fc.oneof(fc.constant(0), below),
  weightDecay: fc.double({ min: 0, max: 1, noNaN: true }),
  pruneConv: below,
  pruneDense: below,
  pruneOutput: below,
  scope: fc.constantFrom("layer" as const, "global" as const),
  rewind: fc.nat(99),
  // Lists of networks are long in the product: up to 60 × 1000 × 100, which only takes time here.
  replicates: fc.oneof({ weight: 50, arbitrary: fc.integer({ min: 1, max: 9 }) }, {
    weight: 1,
    arbitrary: fc.constant(1000),
  }),
  controls: fc.constantFrom<LotteryConfig["controls"]>([], ["reinit"]),
  reinitDraws: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(2 ** 31),
  evalEvery: fc.integer({ min: 1, max: 120 }),
  saveFinals: fc.constantFrom("none" as const, "last" as const, "all" as const),
}, { requiredKeys: [], noNullPrototype: true });
