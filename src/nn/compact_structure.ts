/**
 * Where the survivors of a compact layer stand: by output for the forward pass and the weight gradient, by input for the
 * input gradient. A layer keeps only its survivors' values, output rows one after the other, inputs ascending within a row,
 * each row padded with zeros to whole vec4 ("quads"). The inputs of a convolution are its taps, (channel, ky, kx).
 *
 * @module
 */
import { roundUp } from "./network.ts";

/** The structure of all replicates, one after the other; what a compact layer's kernels read beside its values. */
export interface CompactIndices {
  /** Quads of the replicate that has most, rounded up to a multiple of 16; the others' end in unused ones. */
  readonly quads: number;
  /** Survivors of the replicate that has most. */
  readonly entryCount: number;
  /** `[R][O + 1]`: the first quad of each output row; the last entry is the number of quads in use. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** `[R][quads][4]`: the input of each value; 0 for padding. */
  readonly positions: Uint32Array<ArrayBuffer>;
  /** `[R][quads]`: the output row of each quad; 0 for unused ones. */
  readonly rowOf: Uint32Array<ArrayBuffer>;
  /** `[R][I + 1]`: the first entry of each input. */
  readonly columns: Uint32Array<ArrayBuffer>;
  /** `[R][entryCount][2]`: (index of the value, output row), outputs ascending within an input. */
  readonly entries: Uint32Array<ArrayBuffer>;
}

/** Stands in {@linkcode compactSources} where a compact value is padding. */
export const noSource = 0xffff_ffff;

/**
 * Finds the survivors of a layer's masks.
 *
 * @param masks one per replicate, `[inputs][outputs]`, 1 = survives
 * @throws {RangeError} when there is none, or one does not have inputs × outputs entries
 * @example
 * ```ts
 * import { compactStructure } from "./compact_structure.ts";
 * // Two inputs, two outputs; the second input reaches both, the first one only the first output.
 * const { rows, positions, entries } = compactStructure([Uint8Array.of(1, 0, 1, 1)], 2, 2);
 * console.log(rows.join(" ")); // 0 1 2
 * console.log(positions.subarray(0, 8).join(" ")); // 0 1 0 0 1 0 0 0
 * console.log(entries.join(" ")); // 0 0 1 0 4 1
 * ```
 */
export function compactStructure(masks: readonly Uint8Array[], inputs: number, outputs: number): CompactIndices {
  if (masks.length === 0) throw new RangeError("Cannot compact a layer: there is no mask. Give one per replicate.");
  masks.forEach((mask, replicate) => {
    if (mask.length !== inputs * outputs) {
      throw new RangeError(
        `Cannot compact a layer: the mask of replicate ${replicate + 1} has ${mask.length} entries, and ` +
          `${inputs} × ${outputs} are wanted.`,
      );
    }
  });
  const counts = masks.map((mask) => survivorsOfOutputs(mask, outputs));
  const used = counts.map((perOutput) => perOutput.reduce((sum, count) => sum + Math.ceil(count / 4), 0));
  const quads = roundUp(Math.max(...used), 16);
  const entryCount = Math.max(...counts.map((perOutput) => perOutput.reduce((sum, count) => sum + count, 0)));
  const rows = new Uint32Array(masks.length * (outputs + 1));
  const positions = new Uint32Array(masks.length * quads * 4);
  const rowOf = new Uint32Array(masks.length * quads);
  const columns = new Uint32Array(masks.length * (inputs + 1));
  const entries = new Uint32Array(masks.length * entryCount * 2);
  masks.forEach((mask, replicate) => {
    const perOutput = counts[replicate] ?? new Uint32Array(outputs);
    const ownRows = rows.subarray(replicate * (outputs + 1), (replicate + 1) * (outputs + 1));
    const ownRowOf = rowOf.subarray(replicate * quads, (replicate + 1) * quads);
    let quad = 0;
    for (let output = 0; output < outputs; output++) {
      ownRows[output] = quad;
      const end = quad + Math.ceil((perOutput[output] ?? 0) / 4);
      ownRowOf.fill(output, quad, end);
      quad = end;
    }
    ownRows[outputs] = quad;
    const ownPositions = positions.subarray(replicate * quads * 4, (replicate + 1) * quads * 4);
    const ownColumns = columns.subarray(replicate * (inputs + 1), (replicate + 1) * (inputs + 1));
    const ownEntries = entries.subarray(replicate * entryCount * 2, (replicate + 1) * entryCount * 2);
    // The value that each output's next survivor becomes.
    const next = ownRows.slice(0, outputs).map((first) => first * 4);
    let entry = 0;
    for (let input = 0; input < inputs; input++) {
      ownColumns[input] = entry;
      const row = input * outputs;
      for (let output = 0; output < outputs; output++) {
        if (mask[row + output] === 0) continue;
        const value = next[output] ?? 0;
        next[output] = value + 1;
        ownPositions[value] = input;
        ownEntries[entry * 2] = value;
        ownEntries[entry * 2 + 1] = output;
        entry++;
      }
    }
    ownColumns[inputs] = entry;
  });
  return { quads, entryCount, rows, positions, rowOf, columns, entries };
}

/** What a convolution's taps are. */
export interface TapShape {
  /** Rows and columns of the kernel, 1 or 3. */
  readonly size: number;
  /** Step from output to output, 1 or 2. */
  readonly stride: number;
}

/** Stands in the taps of a convolution's `entries` where one is padding: no kernel has a fourth row or column. */
const noTap = 15;

/**
 * The structure of a convolution as its kernels read it. `positions` are taps, channel · 16 + ky · 4 + kx. `columns` are
 * `[R][C · stride² + 1]`: the first entry quad of each channel's taps by the parities of ky and kx with stride 2, (c, ky % 2, kx % 2),
 * since a pixel meets those of one parity alone. `entries` are quads, four indices of values and then four taps, output · 16 +
 * ky · 4 + kx, ascending; 0 and {@linkcode noTap} for padding.
 *
 * @param structure what {@linkcode compactStructure} gives for `[channels · size²][outputs]`
 */
export function convolutionStructure(
  structure: CompactIndices,
  inputs: number,
  outputs: number,
  { size, stride }: TapShape,
): CompactIndices {
  const { quads, rows, positions } = structure;
  const replicates = rows.length / (outputs + 1);
  const lists = inputs / size ** 2 * stride ** 2;
  const taps = Uint32Array.from({ length: inputs }, (_, input) => {
    const tap = input % size ** 2;
    return Math.floor(input / size ** 2) * 16 + Math.floor(tap / size) * 4 + tap % size;
  });
  const listOf = taps.map((tap) => ((tap >> 4) * stride + (tap >> 2 & 3) % stride) * stride + (tap & 3) % stride);
  const columns = new Uint32Array(replicates * (lists + 1));
  const perReplicate = Array.from({ length: replicates }, (_, replicate) => {
    const survivors: { readonly value: number; readonly output: number; readonly input: number }[] = [];
    const ownRows = rows.subarray(replicate * (outputs + 1), (replicate + 1) * (outputs + 1));
    const ownPositions = positions.subarray(replicate * quads * 4, (replicate + 1) * quads * 4);
    const counts = new Uint32Array(lists);
    for (let output = 0; output < outputs; output++) {
      const first = (ownRows[output] ?? 0) * 4;
      for (let value = first; value < (ownRows[output + 1] ?? 0) * 4; value++) {
        const input = ownPositions[value] ?? 0;
        // Inputs ascend, so that of 0 is a survivor in the first place alone, and padding behind it.
        if (input === 0 && value > first) continue;
        survivors.push({ value, output, input });
        const list = listOf[input] ?? 0;
        counts[list] = (counts[list] ?? 0) + 1;
      }
    }
    const ownColumns = columns.subarray(replicate * (lists + 1), (replicate + 1) * (lists + 1));
    counts.forEach((count, list) => ownColumns[list + 1] = (ownColumns[list] ?? 0) + Math.ceil(count / 4));
    return { survivors, ownColumns };
  });
  const entryCount = 4 * Math.max(...perReplicate.map(({ ownColumns }) => ownColumns[lists] ?? 0));
  const entries = new Uint32Array(replicates * entryCount * 2);
  perReplicate.forEach(({ survivors, ownColumns }, replicate) => {
    const own = entries.subarray(replicate * entryCount * 2, (replicate + 1) * entryCount * 2);
    for (let entry = 0; entry < entryCount; entry++) own[at(entry) + 4] = noTap;
    const next = ownColumns.map((quad) => quad * 4);
    for (const { value, output, input } of survivors) {
      const list = listOf[input] ?? 0;
      const entry = next[list] ?? 0;
      next[list] = entry + 1;
      own[at(entry)] = value;
      own[at(entry) + 4] = output * 16 + (taps[input] ?? 0) % 16;
    }
  });
  return {
    ...structure,
    entryCount,
    positions: positions.map((input) => taps[input] ?? 0),
    columns,
    entries,
  };
}

/** Where an entry of a convolution has the index of its value; its tap stands four words behind. */
function at(entry: number): number {
  return Math.floor(entry / 4) * 8 + entry % 4;
}

/**
 * Where each compact value stands in the dense weights `[inputs][outputs]`, one list per replicate of `quads` × 4 indices;
 * {@linkcode noSource} for padding.
 */
export function compactSources(
  { quads, entryCount, columns, entries }: CompactIndices,
  inputs: number,
  outputs: number,
): Uint32Array<ArrayBuffer>[] {
  return Array.from({ length: columns.length / (inputs + 1) }, (_, replicate) => {
    const sources = new Uint32Array(quads * 4).fill(noSource);
    const ownColumns = columns.subarray(replicate * (inputs + 1), (replicate + 1) * (inputs + 1));
    const ownEntries = entries.subarray(replicate * entryCount * 2, (replicate + 1) * entryCount * 2);
    for (let input = 0; input < inputs; input++) {
      const end = ownColumns[input + 1] ?? 0;
      for (let entry = ownColumns[input] ?? 0; entry < end; entry++) {
        sources[ownEntries[entry * 2] ?? 0] = input * outputs + (ownEntries[entry * 2 + 1] ?? 0);
      }
    }
    return sources;
  });
}

/**
 * The compact values of one replicate: its dense weights, moments or gradients at the survivors, zeros for padding.
 *
 * @param sources one entry of {@linkcode compactSources}
 * @param dense `[inputs][outputs]`
 * @returns as many values as there are sources
 */
export function packCompact(sources: Uint32Array, dense: ArrayLike<number>): Float32Array<ArrayBuffer> {
  return Float32Array.from(sources, (source) => source === noSource ? 0 : dense[source] ?? NaN);
}

/**
 * Dense weights out of compact values: zeros where pruned.
 *
 * @param sources one entry of {@linkcode compactSources}
 * @param values compact values
 * @param count inputs × outputs
 */
export function unpackCompact(
  sources: Uint32Array,
  values: ArrayLike<number>,
  count: number,
): Float32Array<ArrayBuffer> {
  const dense = new Float32Array(count);
  for (let value = 0; value < sources.length; value++) {
    const source = sources[value] ?? noSource;
    if (source !== noSource) dense[source] = values[value] ?? NaN;
  }
  return dense;
}

function survivorsOfOutputs(mask: Uint8Array, outputs: number): Uint32Array {
  const counts = new Uint32Array(outputs);
  for (let at = 0; at < mask.length;) {
    for (let output = 0; output < outputs; output++, at++) {
      if (mask[at] !== 0) counts[output] = (counts[output] ?? 0) + 1;
    }
  }
  return counts;
}
