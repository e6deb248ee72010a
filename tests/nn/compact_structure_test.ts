import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import {
  type CompactIndices,
  compactSources,
  compactStructure,
  convolutionStructure,
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

interface Taps {
  readonly channels: number;
  readonly outputs: number;
  readonly size: number;
  readonly stride: number;
  /** One per replicate, `[C][ky][kx][K]`. */
  readonly masks: readonly Uint8Array[];
}

const anyTaps: fc.Arbitrary<Taps> = fc.record({
  channels: fc.integer({ min: 1, max: 6 }),
  outputs: fc.integer({ min: 1, max: 9 }),
  size: fc.constantFrom(1, 3),
  stride: fc.constantFrom(1, 2),
  densities: fc.array(fc.constantFrom(0, 0.05, 0.3, 1), { minLength: 1, maxLength: 3 }),
  seed: fc.nat(),
}).map(({ densities, seed, ...shape }) => ({
  ...shape,
  masks: densities.map((density, replicate) =>
    bits(seed + replicate, shape.channels * shape.size ** 2 * shape.outputs, density)
  ),
}));

Deno.test("convolutionStructure() says of every value which tap it is, and lists a channel's taps by output and parity", async () => {
  await holds(fc.property(anyTaps, ({ channels, outputs, size, stride, masks }) => {
    const inputs = channels * size ** 2;
    const structure = compactStructure(masks, inputs, outputs);
    const own = convolutionStructure(structure, inputs, outputs, { size, stride });
    assert.deepEqual([own.rows, own.rowOf, own.quads], [structure.rows, structure.rowOf, structure.quads]);
    const tapOf = (input: number): number =>
      Math.floor(input / size ** 2) * 16 + Math.floor(input % size ** 2 / size) * 4 + input % size;
    assert.deepEqual([...own.positions], [...structure.positions].map(tapOf));
    const lists = channels * stride ** 2;
    const used = masks.map((mask, replicate) => {
      const sources = compactSources(structure, inputs, outputs)[replicate] ?? assert.fail();
      const columns = part(own.columns, masks.length, replicate);
      const entries = part(own.entries, masks.length, replicate);
      assert.equal(columns.length, lists + 1);
      let quad = 0;
      for (let list = 0; list < lists; list++) {
        assert.equal(columns[list], quad);
        const [c, rowParity, columnParity] = [
          Math.floor(list / stride ** 2),
          Math.floor(list / stride) % stride,
          list % stride,
        ];
        // By its definition: outputs ascending, then rows and columns of the kernel.
        const wanted = indices(outputs).flatMap((k) =>
          indices(size ** 2).filter((tap) =>
            Math.floor(tap / size) % stride === rowParity && tap % size % stride === columnParity
          ).map((tap) => ({ k, tap, source: (c * size ** 2 + tap) * outputs + k })).filter(({ source }) =>
            mask[source] === 1
          )
        );
        for (let at = 0; at < Math.ceil(wanted.length / 4) * 4; at++, quad += Number(at % 4 === 0)) {
          const [value = NaN, place] = [entries[quad * 8 + at % 4], entries[quad * 8 + 4 + at % 4]];
          const entry = wanted[at];
          assert.equal(place, entry ? entry.k * 16 + tapOf(entry.tap) : 15);
          if (entry) assert.equal(sources[value], entry.source);
        }
      }
      assert.equal(columns[lists], quad);
      return quad;
    });
    assert.equal(own.entryCount, Math.max(...used) * 4);
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
