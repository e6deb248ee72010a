/**
 * The shrunk arena: what training works on when dead units are left out. Masks do not change within a level, so it is made once
 * per level, on the CPU; what is read back is put where the dense arena has it, beside what was left out and stays as the level
 * found it.
 *
 * @module
 */
import { noSource } from "./compact_structure.ts";
import { shrunkLayout, unitsOf } from "./dead_structure.ts";
import { bitOf, countKept } from "./mask.ts";
import type { NetworkLayout } from "./network.ts";

/** An arena without dead units. */
export class ShrunkArena {
  /** The network with its kept units alone. */
  readonly layout: NetworkLayout;
  /** Per network and layer: weights that survive and are left out. */
  readonly dropped: readonly (readonly number[])[];
  /** Per network: which pixels stay; undefined when all do. */
  readonly pixels: readonly Uint32Array<ArrayBuffer>[] | undefined;
  readonly #dense: NetworkLayout;
  readonly #masks: readonly Uint32Array[];
  /** Per network: where in the dense arena each value belongs. */
  readonly #sources: readonly Uint32Array<ArrayBuffer>[];

  /**
   * @param dense the network in its dense arena
   * @param masks per network, a bit per value of that arena
   * @param kept what `keptUnits` says of them
   */
  constructor(
    dense: NetworkLayout,
    masks: readonly Uint32Array[],
    kept: readonly (readonly Uint32Array<ArrayBuffer>[])[],
  ) {
    this.#dense = dense;
    this.#masks = masks;
    this.layout = shrunkLayout(dense, kept);
    this.pixels = kept[0]?.[0]?.length === unitsOf(dense, 0) ? undefined : kept[0];
    this.#sources = masks.map((_, network) => sourcesOf(dense, this.layout, kept.map((lists) => lists[network])));
    this.dropped = masks.map((mask, network) => {
      const left = countKept(this.layout, this.packMask(mask, network));
      return countKept(dense, mask).map((count, layer) => count - (left[layer] ?? 0));
    });
  }

  /** A network's dense arena, as this arena has it. */
  pack(values: Float32Array, network: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(of(this.#sources, network), (source) => source === noSource ? 0 : values[source] ?? 0);
  }

  /**
   * The inverse of {@linkcode pack}.
   *
   * @param rest an arena with the values of what was left out; zeros when left out
   */
  unpack(values: Float32Array, network: number, rest?: Float32Array): Float32Array<ArrayBuffer> {
    const dense = rest ? Float32Array.from(rest) : new Float32Array(this.#dense.arena);
    of(this.#sources, network).forEach((source, at) => {
      if (source !== noSource) dense[source] = values[at] ?? 0;
    });
    return dense;
  }

  /**
   * A network's mask, as this arena has it.
   *
   * @throws {RangeError} when it is not the mask that this arena was made for
   */
  packMask(words: Uint32Array, network: number): Uint32Array<ArrayBuffer> {
    if (of(this.#masks, network).some((word, at) => word !== words[at])) {
      throw new RangeError(`Network ${network + 1} has another mask than the one that its arena was made for.`);
    }
    const packed = new Uint32Array(this.layout.arena / 32);
    of(this.#sources, network).forEach((source, at) => {
      if (source !== noSource && bitOf(words, source)) packed[at >>> 5] = (packed[at >>> 5] ?? 0) | (1 << (at & 31));
    });
    return packed;
  }

  /** The inverse of {@linkcode packMask}, with what was left out. */
  unpackMask(words: Uint32Array, network: number): Uint32Array<ArrayBuffer> {
    const dense = Uint32Array.from(of(this.#masks, network));
    of(this.#sources, network).forEach((source, at) => {
      if (source === noSource || bitOf(words, at) === bitOf(dense, source)) return;
      dense[source >>> 5] = (dense[source >>> 5] ?? 0) ^ (1 << (source & 31));
    });
    return dense;
  }
}

/** Where in the dense arena each value of one network's shrunk arena belongs. */
function sourcesOf(
  dense: NetworkLayout,
  shrunk: NetworkLayout,
  kept: readonly (Uint32Array | undefined)[],
): Uint32Array<ArrayBuffer> {
  const sources = new Uint32Array(shrunk.arena).fill(noSource);
  for (const operation of dense.operations) {
    if (operation.type !== "dense" && operation.type !== "conv") continue;
    const from = dense.layers[operation.layer];
    const to = shrunk.layers[operation.layer];
    const units = kept[operation.input];
    const outputs = kept[operation.output];
    if (!from || !to || !units || !outputs) throw new Error("unreachable: each layer has its tensors");
    // Rows of weights that read one unit of the input.
    const rows = from.inputs / unitsOf(dense, operation.input);
    units.forEach((unit, at) => {
      for (let row = 0; row < rows; row++) {
        const source = from.weight + (unit * rows + row) * from.outputQuads * 4;
        const target = to.weight + (at * rows + row) * to.outputQuads * 4;
        outputs.forEach((output, o) => sources[target + o] = source + output);
      }
    });
    outputs.forEach((output, o) => sources[to.bias + o] = from.bias + output);
  }
  return sources;
}

function of<T>(list: readonly T[], network: number): T {
  const own = list[network];
  if (!own) throw new RangeError(`There is no network ${network + 1}: the arena holds ${list.length}.`);
  return own;
}
