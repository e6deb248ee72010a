/**
 * The compact arena: what training works on when some layers keep only their survivors. Everything else stands as in the dense
 * arena, moved up to close the gaps. Masks do not change within a level, so it is made once per level, on the CPU, where masks
 * are anyway; what is read back is put where the dense arena has it, so that nobody else needs to know.
 *
 * @module
 */
import {
  type CompactIndices,
  compactSources,
  compactStructure,
  convolutionStructure,
  noSource,
} from "./compact_structure.ts";
import { bitOf, unpackMask } from "./mask.ts";
import { type LayerLayout, type NetworkLayout, roundUp } from "./network.ts";

/** An arena in which some layers are compact. */
export class CompactArena {
  /** The network with its places in this arena. */
  readonly layout: NetworkLayout;
  /** By the layer's index: where its survivors stand, of all networks, as its kernels read it. */
  readonly structures: ReadonlyMap<number, CompactIndices>;
  readonly #dense: NetworkLayout;
  /** Per network: where in the dense arena each value belongs. */
  readonly #sources: readonly Uint32Array<ArrayBuffer>[];

  /**
   * @param dense the network in its dense arena
   * @param masks per network, a bit per value of that arena
   * @param layers which layers keep only their survivors, by index
   */
  constructor(dense: NetworkLayout, masks: readonly Uint32Array[], layers: Iterable<number>) {
    const unpacked = masks.map((mask) => unpackMask(dense, mask));
    const structures = new Map<number, CompactIndices>();
    for (const index of layers) {
      const layer = dense.layers[index];
      if (!layer) throw new RangeError(`Layer ${index} cannot be compact: there are ${dense.layers.length} layers.`);
      const own = unpacked.map((all) => all[index] ?? new Uint8Array(0));
      structures.set(index, compactStructure(own, layer.inputs, layer.outputs));
    }
    this.#dense = dense;
    this.structures = new Map([...structures].map(([index, structure]) => {
      const layer = dense.layers[index];
      if (layer?.type !== "conv") return [index, structure];
      return [index, convolutionStructure(structure, layer.inputs, layer.outputs, layer)];
    }));
    this.layout = moved(dense, structures);
    const perLayer = new Map([...structures].map(([index, structure]) => {
      const { inputs = 0, outputs = 0 } = dense.layers[index] ?? {};
      return [index, compactSources(structure, inputs, outputs)];
    }));
    this.#sources = masks.map((_, replicate) => sourcesOf(dense, this.layout, perLayer, replicate));
  }

  /** A network's dense arena, as this arena has it. */
  pack(values: Float32Array, replicate: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#sourcesOf(replicate), (source) => source === noSource ? 0 : values[source] ?? 0);
  }

  /** The inverse of {@linkcode pack}: zero where nothing survives. */
  unpack(values: Float32Array, replicate: number): Float32Array<ArrayBuffer> {
    const dense = new Float32Array(this.#dense.arena);
    this.#sourcesOf(replicate).forEach((source, at) => {
      if (source !== noSource) dense[source] = values[at] ?? 0;
    });
    return dense;
  }

  /**
   * A network's mask, as this arena has it.
   *
   * @throws {RangeError} when it is not the mask that this arena was made for
   */
  packMask(words: Uint32Array, replicate: number): Uint32Array<ArrayBuffer> {
    const packed = new Uint32Array(this.layout.arena / 32);
    let bits = 0;
    this.#sourcesOf(replicate).forEach((source, at) => {
      if (source === noSource || !bitOf(words, source)) return;
      packed[at >>> 5] = (packed[at >>> 5] ?? 0) | (1 << (at & 31));
      bits++;
    });
    if (bits !== bitsOf(words)) {
      throw new RangeError(`Network ${replicate + 1} has another mask than the one that its arena was made for.`);
    }
    return packed;
  }

  /** The inverse of {@linkcode packMask}. */
  unpackMask(words: Uint32Array, replicate: number): Uint32Array<ArrayBuffer> {
    const dense = new Uint32Array(this.#dense.arena / 32);
    this.#sourcesOf(replicate).forEach((source, at) => {
      if (source !== noSource && bitOf(words, at)) {
        dense[source >>> 5] = (dense[source >>> 5] ?? 0) | (1 << (source & 31));
      }
    });
    return dense;
  }

  #sourcesOf(replicate: number): Uint32Array<ArrayBuffer> {
    const sources = this.#sources[replicate];
    if (!sources) {
      throw new RangeError(`There is no network ${replicate + 1}: the arena holds ${this.#sources.length}.`);
    }
    return sources;
  }
}

/** The network with every place moved up by what compact layers before it save. */
function moved(dense: NetworkLayout, structures: ReadonlyMap<number, CompactIndices>): NetworkLayout {
  const place = placesIn(dense, structures);
  return {
    ...dense,
    layers: dense.layers.map((layer, index) => {
      const structure = structures.get(index);
      const own = { ...layer, weight: place(layer.weight), bias: place(layer.bias) };
      return structure ? { ...own, stored: structure.quads * 4 } : own;
    }),
    norms: dense.norms.map((norm) => ({
      ...norm,
      scale: place(norm.scale),
      shift: place(norm.shift),
      mean: place(norm.mean),
      variance: place(norm.variance),
    })),
    arena: place(dense.arena),
    trained: place(dense.trained),
  };
}

/** Where a value of the dense arena stands that is no weight of a compact layer. */
function placesIn(
  dense: NetworkLayout,
  structures: ReadonlyMap<number, CompactIndices>,
): (at: number) => number {
  const savings = dense.layers.flatMap((layer, index) => {
    const structure = structures.get(index);
    return structure ? [{ after: layer.weight, values: blockOf(layer) - structure.quads * 4 }] : [];
  });
  return (at) => at - savings.reduce((sum, { after, values }) => after < at ? sum + values : sum, 0);
}

/** Values from a layer's first weight to what stands behind its weights. */
function blockOf({ inputs, outputQuads }: LayerLayout): number {
  return roundUp(inputs * outputQuads * 4, 64);
}

function sourcesOf(
  dense: NetworkLayout,
  layout: NetworkLayout,
  perLayer: ReadonlyMap<number, readonly Uint32Array[]>,
  replicate: number,
): Uint32Array<ArrayBuffer> {
  const sources = new Uint32Array(layout.arena);
  let from = 0;
  let to = 0;
  const copyUntil = (end: number): void => {
    while (from < end) sources[to++] = from++;
  };
  const inOrder = [...perLayer].toSorted(([a], [b]) => (dense.layers[a]?.weight ?? 0) - (dense.layers[b]?.weight ?? 0));
  for (const [index, own] of inOrder) {
    const layer = dense.layers[index];
    if (!layer) continue;
    copyUntil(layer.weight);
    const row = layer.outputQuads * 4;
    for (const source of own[replicate] ?? []) {
      const [i, o] = [Math.floor(source / layer.outputs), source % layer.outputs];
      sources[to++] = source === noSource ? noSource : layer.weight + i * row + o;
    }
    from += blockOf(layer);
  }
  copyUntil(dense.arena);
  return sources;
}

function bitsOf(words: Uint32Array): number {
  let bits = 0;
  for (let word of words) for (; word !== 0; word &= word - 1) bits++;
  return bits;
}
