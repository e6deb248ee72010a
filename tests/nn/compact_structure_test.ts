import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import {
  type CompactIndices,
  compactSources,
  compactStructure,
  noSource,
  packCompact,
  unpackCompact,
} from "../../src/nn/compact_structure.ts";
import { holds } from "../fuzz/support.ts";
import { bits } from "../reference/tensors.ts";

interface Masks {
  readonly inputs: number;
  readonly outputs: number;
  /** One per replicate, `[inputs][outputs]`. */
  readonly masks: readonly Uint8Array[];
}

/** Any density, also none and all, with some inputs and outputs that are dead. */
const anyMasks: fc.Arbitrary<Masks> = fc.record({
  inputs: fc.integer({ min: 1, max: 20 }),
  outputs: fc.integer({ min: 1, max: 20 }),
  replicates: fc.integer({ min: 1, max: 3 }),
}).chain(({ inputs, outputs, replicates }) =>
  fc.array(
    fc.record({
      density: fc.constantFrom(0, 0.05, 0.3, 0.9, 1),
      seed: fc.nat(),
      deadInput: fc.nat(inputs),
      deadOutput: fc.nat(outputs),
    }),
    { minLength: replicates, maxLength: replicates },
  ).map((kinds) => ({
    inputs,
    outputs,
    masks: kinds.map(({ density, seed, deadInput, deadOutput }) =>
      bits(seed, inputs * outputs, density).map((bit, at) =>
        Math.floor(at / outputs) === deadInput || at % outputs === deadOutput ? 0 : bit
      )
    ),
  }))
);

/** One replicate's part. */
function part(list: Uint32Array, replicates: number, replicate: number): number[] {
  const size = list.length / replicates;
  return [...list.subarray(replicate * size, (replicate + 1) * size)];
}

function indices(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** The structure of one replicate by its definition: output by output, then input by input. */
function byDefinition(mask: Uint8Array, { inputs, outputs }: Masks, { quads, entryCount }: CompactIndices): {
  readonly rows: number[];
  readonly positions: number[];
  readonly rowOf: number[];
  readonly columns: number[];
  readonly entries: number[];
  readonly sources: number[];
} {
  const kept = (input: number, output: number): boolean => mask[input * outputs + output] === 1;
  const values: { readonly input: number; readonly output: number; readonly padding: boolean }[] = [];
  const rows = [0];
  for (let output = 0; output < outputs; output++) {
    for (const input of indices(inputs).filter((input) => kept(input, output))) {
      values.push({ input, output, padding: false });
    }
    while (values.length % 4 !== 0) values.push({ input: 0, output, padding: true });
    rows.push(values.length / 4);
  }
  const columns = [0];
  const entries: number[] = [];
  for (let input = 0; input < inputs; input++) {
    for (const output of indices(outputs).filter((output) => kept(input, output))) {
      entries.push(
        values.findIndex((value) => !value.padding && value.input === input && value.output === output),
        output,
      );
    }
    columns.push(entries.length / 2);
  }
  const filled = <T>(list: readonly T[], length: number, rest: T): T[] => [
    ...list,
    ...Array.from({ length: length - list.length }, () => rest),
  ];
  return {
    rows,
    positions: filled(values.map(({ input }) => input), quads * 4, 0),
    rowOf: filled(values.filter((_, at) => at % 4 === 0).map(({ output }) => output), quads, 0),
    columns,
    entries: filled(entries, entryCount * 2, 0),
    sources: filled(
      values.map(({ input, output, padding }) => padding ? noSource : input * outputs + output),
      quads * 4,
      noSource,
    ),
  };
}

Deno.test("compactStructure() lists the survivors of any masks as its definition says, replicate by replicate", async () => {
  await holds(fc.property(anyMasks, (given) => {
    const { inputs, outputs, masks } = given;
    const structure = compactStructure(masks, inputs, outputs);
    const sources = compactSources(structure, inputs, outputs);
    assert.equal(sources.length, masks.length);
    const used = masks.map((mask, replicate) => {
      const wanted = byDefinition(mask, given, structure);
      for (const name of ["rows", "positions", "rowOf", "columns", "entries"] as const) {
        assert.deepEqual(part(structure[name], masks.length, replicate), wanted[name], name);
      }
      assert.deepEqual([...sources[replicate] ?? []], wanted.sources);
      return wanted.rows.at(-1) ?? NaN;
    });
    assert.equal(structure.quads, Math.ceil(Math.max(...used) / 16) * 16);
    assert.equal(structure.entryCount, Math.max(...masks.map((mask) => mask.filter((bit) => bit === 1).length)));
  }));
});

Deno.test("packCompact() and unpackCompact() carry any masked weights to their compact values and back", async () => {
  await holds(fc.property(anyMasks, ({ inputs, outputs, masks }) => {
    const sources = compactSources(compactStructure(masks, inputs, outputs), inputs, outputs);
    masks.forEach((mask, replicate) => {
      const own = sources[replicate] ?? new Uint32Array(0);
      const weights = Float32Array.from(mask, (bit, at) => bit * (at + 1));
      const values = packCompact(own, weights);
      assert.equal(values.length, own.length);
      own.forEach((source, value) => assert.equal(values[value], source === noSource ? 0 : source + 1));
      assert.deepEqual(unpackCompact(own, values, weights.length), weights);
      // What stands in the padding is not carried anywhere.
      own.forEach((source, value) => {
        if (source === noSource) values[value] = NaN;
      });
      assert.deepEqual(unpackCompact(own, values, weights.length), weights);
    });
  }));
});

Deno.test("compactStructure() refuses masks of another size, and none", () => {
  assert.throws(
    () => compactStructure([new Uint8Array(6), new Uint8Array(5)], 3, 2),
    new RangeError(
      "Cannot compact a layer: the mask of replicate 2 has 5 entries, and 3 × 2 are wanted.",
    ),
  );
  assert.throws(() => compactStructure([], 3, 2), RangeError);
});
