/**
 * Tickets and trained networks for property tests, and what must hold for all of them.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import type { Ticket } from "../../src/lottery/ticket.ts";
import type { Model } from "../../src/nn/inference.ts";
import { type LayerValues, layOut, type NetworkSpec, type NormValues } from "../../src/nn/network.ts";
import { network } from "./networks.ts";
import { awkwardText } from "./support.ts";

/** Numbers that depend on their place and a seed; any bits, but no NaN, whose bits need not survive being a number. */
function values(length: number, seed: number): Float32Array<ArrayBuffer> {
  const words = Uint32Array.from({ length }, (_, at) => Math.imul(at + 1, 0x9e3779b1) ^ seed);
  return new Float32Array(words.buffer).map((value) => Number.isNaN(value) ? 0 : value);
}

function layersOf(spec: NetworkSpec, seed: number): LayerValues[] {
  return layOut(spec).layers.map(({ inputs, outputs, hasBias }, index) => ({
    weight: values(inputs * outputs, seed + index),
    bias: hasBias ? values(outputs, seed - index) : new Float32Array(outputs),
  }));
}

function normsOf(spec: NetworkSpec, seed: number): NormValues[] {
  return layOut(spec).norms.map(({ extent: { channels } }, index) => ({
    scale: values(channels, seed + 4 * index),
    shift: values(channels, seed + 4 * index + 1),
    mean: values(channels, seed + 4 * index + 2),
    variance: values(channels, seed + 4 * index + 3),
  }));
}

const texts = fc.array(fc.tuple(awkwardText, awkwardText), { maxLength: 3 })
  .map((entries): Record<string, string> => Object.fromEntries(entries));

/** Any ticket of a small network, rewound or not. */
export const ticket: fc.Arbitrary<Ticket> = fc.record({
  network,
  seed: fc.integer(),
  every: fc.integer({ min: 1, max: 9 }),
  firstIteration: fc.nat(3),
  metadata: texts,
}).map(({ network, seed, every, firstIteration, metadata }) => ({
  network,
  masks: layOut(network).layers.map(({ inputs, outputs }) =>
    Uint8Array.from({ length: inputs * outputs }, (_, at) => (at + seed) % every === 0 ? 1 : 0)
  ),
  initial: layersOf(network, seed),
  metadata,
  ...firstIteration > 0
    ? { firstIteration, rewind: { layers: layersOf(network, seed + 99), norms: normsOf(network, seed) } }
    : {},
}));

/** Any trained small network. */
export const model: fc.Arbitrary<Model> = fc.record({ network, seed: fc.integer(), normalized: fc.boolean() }).map(
  ({ network, seed, normalized }) => {
    const norms = normsOf(network, seed);
    return {
      network,
      layers: layersOf(network, seed),
      ...norms.length > 0 ? { norms } : {},
      ...normalized ? { normalization: values(2 * network.input.channels, seed) } : {},
    };
  },
);

/** What is promised of values: those of survivors, bit for bit, and biases. */
export function surviving(layers: readonly LayerValues[], masks: readonly Uint8Array[]): unknown {
  return layers.map(({ weight, bias }, index) => [[...weight.filter((_, at) => masks[index]?.[at] === 1)], [...bias]]);
}

/** The values are as many as the network has. */
export function assertFits(spec: NetworkSpec, layers: readonly LayerValues[], norms: readonly NormValues[] = []): void {
  const layout = layOut(spec);
  assert.deepEqual(
    layers.map(({ weight, bias }) => [weight.length, bias.length]),
    layout.layers.map(({ inputs, outputs }) => [inputs * outputs, outputs]),
  );
  for (const [index, norm] of norms.entries()) {
    for (const own of Object.values(norm)) assert.equal(own.length, layout.norms[index]?.extent.channels);
  }
}
