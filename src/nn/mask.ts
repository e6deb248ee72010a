/**
 * Masks: one bit per parameter of the arena, 1 where it is trained. Biases and batch norms
 * are never pruned; padding never is trained.
 *
 * @module
 */
import { forEachWeight, type LayerLayout, type NetworkLayout } from "./network.ts";

/** The mask of the dense network. */
export function denseMask(layout: NetworkLayout): Uint32Array<ArrayBuffer> {
  return packMask(layout, layout.layers.map(({ inputs, outputs }) => new Uint8Array(inputs * outputs).fill(1)));
}

/**
 * Packs masks of layers into the arena's words.
 *
 * @param masks per layer `[inputs][outputs]`, 1 = survives
 */
export function packMask(layout: NetworkLayout, masks: readonly Uint8Array[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(layout.arena / 32);
  const keep = (at: number): void => {
    words[at >>> 5] = (words[at >>> 5] ?? 0) | (1 << (at & 31));
  };
  layout.layers.forEach((layer, index) => {
    const mask = masks[index];
    if (mask?.length !== layer.inputs * layer.outputs) {
      throw new RangeError(
        `Cannot pack the mask of ${layer.name}: it has ${
          mask?.length ?? 0
        } entries, and ${layer.inputs} × ${layer.outputs} are wanted.`,
      );
    }
    forEachWeight(layer, (at, own) => {
      if (mask[own]) keep(at);
    });
    for (let o = 0; o < layer.outputs && layer.hasBias; o++) keep(layer.bias + o);
  });
  for (const { extent, scale, shift, mean, variance } of layout.norms) {
    for (const first of [scale, shift, mean, variance]) {
      for (let channel = 0; channel < extent.channels; channel++) keep(first + channel);
    }
  }
  return words;
}

/** The masks of the layers, `[inputs][outputs]` each, 1 = survives. */
export function unpackMask(layout: NetworkLayout, words: Uint32Array): Uint8Array<ArrayBuffer>[] {
  return layout.layers.map((layer) => {
    const mask = new Uint8Array(layer.inputs * layer.outputs);
    forEachWeight(layer, (at, own) => {
      mask[own] = ((words[at >>> 5] ?? 0) >>> (at & 31)) & 1;
    });
    return mask;
  });
}

/** How many weights of each layer survive. */
export function countKept(layout: NetworkLayout, words: Uint32Array): number[] {
  return layout.layers.map((layer) => {
    const { first, count } = maskWords(layer);
    let kept = 0;
    for (let word = first; word < first + count; word++) kept += popCount(words[word] ?? 0);
    return kept;
  });
}

/** Which words of the arena's mask hold a layer's weights. */
export function maskWords(layer: LayerLayout): { first: number; count: number } {
  return { first: layer.weight / 32, count: Math.ceil((layer.stored ?? layer.inputs * layer.outputQuads * 4) / 32) };
}

/** Whether the bit of a value of the arena is set. */
export function bitOf(words: Uint32Array, at: number): boolean {
  return (((words[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 1;
}

/** `values` with zeros where the mask is 0: a new arena. */
export function applyMask(values: Float32Array, words: Uint32Array): Float32Array<ArrayBuffer> {
  const masked = new Float32Array(values.length);
  for (let at = 0; at < values.length; at++) {
    if (((words[at >>> 5] ?? 0) >>> (at & 31)) & 1) masked[at] = values[at] ?? 0;
  }
  return masked;
}

function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
