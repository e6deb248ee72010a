/**
 * Networks for property tests: small ones whose layers fit on one another, and others that need not.
 *
 * @module
 */
import fc from "npm:fast-check@4.10.2";
import { isPrintable } from "../../src/data/quoted.ts";
import { type BatchNormSpec, type ConvSpec, type LayerSpec, layOut, type NetworkSpec } from "../../src/nn/network.ts";

const activation = fc.constantFrom("relu" as const, "none" as const);
const units = fc.integer({ min: 1, max: 5 });
const sometimes = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

/** As JSON brings it: keys that are undefined left out, and objects with the usual prototype. */
function said<Value>(value: { readonly [Key in keyof Value]: Value[Key] | undefined }): Value {
  return JSON.parse(JSON.stringify(value));
}

const conv: fc.Arbitrary<ConvSpec> = fc.record({
  type: fc.constant("conv" as const),
  channels: units,
  size: sometimes(fc.constantFrom(1 as const, 3 as const)),
  stride: sometimes(fc.constantFrom(1 as const, 2 as const)),
  bias: sometimes(fc.boolean()),
  activation,
  prunable: sometimes(fc.boolean()),
}).map((layer) => said<ConvSpec>(layer));

const batchNorm: fc.Arbitrary<BatchNormSpec> = fc.record({ type: fc.constant("batch-norm" as const), activation });

/** A branch that begins with a convolution of so many channels and ends without an activation. */
const branch = (channels: number): fc.Arbitrary<readonly (ConvSpec | BatchNormSpec)[]> =>
  fc.tuple(fc.boolean(), activation, fc.boolean()).map(([bias, activation, isLong]) => [
    { type: "conv", channels, bias, activation: isLong ? activation : "none" },
    ...isLong ? [{ type: "batch-norm" as const, activation: "none" as const }] : [],
  ]);

const residual: fc.Arbitrary<LayerSpec> = units.chain((channels) =>
  fc.record({
    type: fc.constant("residual" as const),
    branch: branch(channels),
    shortcut: fc.oneof(branch(channels), fc.constant([])),
  })
);

const layer: fc.Arbitrary<LayerSpec> = fc.oneof(
  fc.record({
    type: fc.constant("dense" as const),
    units,
    activation,
    prunable: sometimes(fc.boolean()),
  }).map((own) => said<LayerSpec>(own)),
  conv,
  batchNorm,
  residual,
  fc.record({ type: fc.constantFrom("max-pool" as const, "global-average-pool" as const) }),
  fc.record({ type: fc.constant("dropout" as const), rate: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
);

/** Any list of layers. */
export const layers: fc.Arbitrary<readonly LayerSpec[]> = fc.array(layer, { maxLength: 5 }).map((own) =>
  own.map((layer) => said<LayerSpec>(layer))
);

/** A network that can be laid out. */
export const network: fc.Arbitrary<NetworkSpec> = fc.record({
  name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 10 }).filter(isPrintable),
  input: fc.record({ channels: units, height: units, width: units }),
  layers: fc.tuple(layers, units).map(([own, outputs]): readonly LayerSpec[] => [
    ...own,
    { type: "dense", units: outputs, activation: "none" },
  ]),
}).map((spec) => said<NetworkSpec>(spec)).filter((spec) => {
  try {
    layOut(spec);
    return true;
  } catch {
    return false;
  }
});
