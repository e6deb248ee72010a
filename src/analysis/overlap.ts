/**
 * How much two tickets have in common: which surviving weights they share, beside what chance would give.
 *
 * Chance is two masks of the same counts per layer drawn independently and uniformly. The number of weights that they share is
 * then hypergeometric: of n weights with kA and kB survivors its mean is kA·kB/n and its variance
 * (kA·kB/n)·((n − kA)/n)·((n − kB)/(n − 1)).
 *
 * In densities dA = kA/n and dB = kB/n chance gives a Jaccard index of dA·dB/(dA + dB − dA·dB) and a Hamming distance of
 * dA + dB − 2·dA·dB: with equal densities d/(2 − d) and 2d(1 − d).
 *
 * @module
 */
import { percent } from "./words.ts";

/** A layer's mask, a bit per weight, and the signs of what its survivors start from. */
export interface PackedLayer {
  /** `conv1`, …, `dense1`, … */
  readonly name: string;
  /** Its weights. */
  readonly size: number;
  /** Those that survive. */
  readonly kept: number;
  /** A bit per weight, lowest first: whether it survives. */
  readonly bits: Uint32Array<ArrayBuffer>;
  /** The same for values above zero; absent when no values were given. */
  readonly positive?: Uint32Array<ArrayBuffer>;
}

/** What two masks of a layer, or of a whole network, have in common. */
export interface Overlap {
  /** Its weights. */
  readonly size: number;
  /** Survivors of the first. */
  readonly keptA: number;
  /** Survivors of the second. */
  readonly keptB: number;
  /** Survivors of both. */
  readonly shared: number;
  /** How many would be shared by chance. */
  readonly expected: number;
  /** Standard deviation of that. */
  readonly deviation: number;
  /** Shared survivors that start on the same side of zero; null when a value was not given. */
  readonly sameSign: number | null;
}

/** The overlap of a layer. */
export interface LayerOverlap extends Overlap {
  /** The layer. */
  readonly name: string;
}

/** The overlap of two tickets. */
export interface TicketOverlap {
  /** Per layer, in order. */
  readonly layers: readonly LayerOverlap[];
  /** In all: sums over layers; expected and deviation are of masks with these counts in each layer. */
  readonly all: Overlap;
}

/**
 * Packs a layer's mask.
 *
 * @param mask 1 where a weight survives
 * @param values what the weights start from, for their signs
 */
export function packLayer(name: string, mask: Uint8Array, values?: Float32Array): PackedLayer {
  const words = Math.ceil(mask.length / 32);
  const bits = new Uint32Array(words);
  const positive = values && new Uint32Array(words);
  let kept = 0;
  for (let index = 0; index < mask.length; index++) {
    if (mask[index] !== 1) continue;
    const word = index >>> 5;
    const bit = 1 << (index & 31);
    kept++;
    bits[word] = (bits[word] ?? 0) | bit;
    if (positive && (values[index] ?? 0) > 0) positive[word] = (positive[word] ?? 0) | bit;
  }
  return { name, size: mask.length, kept, bits, ...(positive ? { positive } : {}) };
}

/**
 * The overlap of two tickets of one network.
 *
 * @throws {RangeError} when they are of different networks
 * @example
 * ```ts
 * import { overlapOf, packLayer } from "./overlap.ts";
 *
 * const a = [packLayer("dense1", Uint8Array.of(1, 1, 0, 0))];
 * const b = [packLayer("dense1", Uint8Array.of(0, 1, 1, 0))];
 * console.assert(overlapOf(a, b).all.shared === 1 && overlapOf(a, b).all.expected === 1);
 * ```
 */
export function overlapOf(a: readonly PackedLayer[], b: readonly PackedLayer[]): TicketOverlap {
  if (!isSameNetwork(a, b)) {
    throw new RangeError(
      `Cannot compare a ticket of ${shapeOf(a)} with one of ${shapeOf(b)}: give two tickets of the same network.`,
    );
  }
  const layers = a.flatMap((own, index) => {
    const other = b[index];
    return other ? [{ name: own.name, ...layerOverlap(own, other) }] : [];
  });
  const sum = (of: (layer: Overlap) => number): number => layers.reduce((total, layer) => total + of(layer), 0);
  return {
    layers,
    all: {
      size: sum(({ size }) => size),
      keptA: sum(({ keptA }) => keptA),
      keptB: sum(({ keptB }) => keptB),
      shared: sum(({ shared }) => shared),
      expected: sum(({ expected }) => expected),
      deviation: Math.sqrt(sum(({ deviation }) => deviation ** 2)),
      sameSign: layers.some(({ sameSign }) => sameSign === null) ? null : sum(({ sameSign }) => sameSign ?? 0),
    },
  };
}

/** Whether two tickets have the same layers, so that they can be compared. */
export function isSameNetwork(a: readonly PackedLayer[], b: readonly PackedLayer[]): boolean {
  return a.length === b.length &&
    a.every(({ name, size }, index) => b[index]?.name === name && b[index].size === size);
}

/** Of the first ticket's survivors the share that the second has as well; null when it has none. */
export function shareOf({ keptA, shared }: Overlap): number | null {
  return keptA === 0 ? null : shared / keptA;
}

/** The same by chance. */
export function chanceOf({ keptA, expected }: Overlap): number | null {
  return keptA === 0 ? null : expected / keptA;
}

/** Shared survivors of those that either has (Jaccard 1912); null when neither has any. */
export function jaccardOf({ keptA, keptB, shared }: Overlap): number | null {
  const either = keptA + keptB - shared;
  return either === 0 ? null : shared / either;
}

/**
 * {@linkcode jaccardOf} by chance: e / (kA + kB − e) with e shared survivors expected, which in one layer is
 * dA·dB/(dA + dB − dA·dB). The mean of the index over all masks is higher than this index of the mean, by a part that falls as
 * layers grow: some 1 / n. Null when neither has any survivors.
 */
export function chanceJaccardOf(overlap: Overlap): number | null {
  return jaccardOf({ ...overlap, shared: overlap.expected });
}

/** Of all weights those that survive in one and not in the other (Hamming 1950, as a fraction); null when there are none. */
export function hammingOf({ size, keptA, keptB, shared }: Overlap): number | null {
  return size === 0 ? null : (keptA + keptB - 2 * shared) / size;
}

/**
 * {@linkcode hammingOf} by chance: (kA + kB − 2e) / n with e shared survivors expected, which in one layer is dA + dB − 2·dA·dB:
 * the mean over all masks. Null when there are no weights.
 */
export function chanceHammingOf(overlap: Overlap): number | null {
  return hammingOf({ ...overlap, shared: overlap.expected });
}

/** How alike two masks are by two measures, each beside what chance gives; null where there is nothing to measure. */
export interface OverlapMeasures {
  /** {@linkcode jaccardOf} */
  readonly jaccard: number | null;
  /** {@linkcode chanceJaccardOf} */
  readonly chanceJaccard: number | null;
  /** {@linkcode hammingOf} */
  readonly hamming: number | null;
  /** {@linkcode chanceHammingOf} */
  readonly chanceHamming: number | null;
}

/** Both measures of two masks. */
export function measuresOf(overlap: Overlap): OverlapMeasures {
  return {
    jaccard: jaccardOf(overlap),
    chanceJaccard: chanceJaccardOf(overlap),
    hamming: hammingOf(overlap),
    chanceHamming: chanceHammingOf(overlap),
  };
}

/** Standard deviations between what is shared and what chance would give; null where chance leaves nothing open. */
export function deviationsOf({ shared, expected, deviation }: Overlap): number | null {
  return deviation === 0 ? null : (shared - expected) / deviation;
}

/** So many standard deviations are taken for more than chance. */
const beyondChance = 3;

/** What two tickets have in common, in sentences. `a` and `b` are what they are called. */
export function describeOverlap({ all, layers }: TicketOverlap, a: string, b: string): string[] {
  const share = shareOf(all);
  const chance = chanceOf(all);
  if (share === null || chance === null) return [`No weight of ${a} survives, so there is nothing to share.`];
  if (all.keptA === all.size && all.keptB === all.size) {
    return ["Both networks are dense: they share all of their weights, and could not do otherwise."];
  }
  const away = deviationsOf(all);
  const verdict = all.shared === all.keptA && all.keptA <= all.keptB
    ? all.keptA === all.keptB ? "they keep the very same weights" : `every survivor of ${a} survives in ${b} too`
    : all.shared === all.keptB
    ? `every survivor of ${b} survives in ${a} too`
    : away === null
    ? "these counts leave nothing to chance"
    : Math.abs(away) < beyondChance
    ? "no more than chance"
    : away > 0
    ? `more than chance, by ${standardDeviations(away)}`
    : `less than chance, by ${standardDeviations(-away)}`;
  // Where one layer's masks are given by the other's, or nothing is pruned, there is nothing to rank.
  const telling = away === null || away < beyondChance
    ? []
    : layers.filter((layer) => (deviationsOf(layer) ?? 0) !== 0);
  const ranked = telling.toSorted((x, y) => (aboveChance(y) ?? -1) - (aboveChance(x) ?? -1));
  const [most] = ranked;
  const least = ranked.at(-1);
  return [
    `${a} and ${b} share ${percent(share)} of the surviving weights of the first; chance alone would give ${
      percent(chance)
    }: ${verdict}.`,
    ...(most && least && most !== least
      ? [
        `Of its layers ${most.name} is furthest above chance, with ${inWords(most)}, and ${least.name} least, with ${
          inWords(least)
        }.`,
      ]
      : []),
  ];
}

/** How far a layer's share is above chance, of what there is above it. */
function aboveChance(layer: Overlap): number | null {
  const share = shareOf(layer);
  const chance = chanceOf(layer);
  return share === null || chance === null || chance === 1 ? null : (share - chance) / (1 - chance);
}

function inWords(layer: Overlap): string {
  const share = shareOf(layer);
  const chance = chanceOf(layer);
  return share === null || chance === null ? "no survivors" : `${percent(share)} (chance ${percent(chance)})`;
}

function standardDeviations(count: number): string {
  return `${Math.round(count).toLocaleString("en")} standard deviations`;
}

function layerOverlap(a: PackedLayer, b: PackedLayer): Overlap {
  const { size, kept: keptA } = a;
  const { kept: keptB } = b;
  let shared = 0;
  let sameSign = 0;
  for (let word = 0; word < a.bits.length; word++) {
    const both = (a.bits[word] ?? 0) & (b.bits[word] ?? 0);
    shared += ones(both);
    if (a.positive && b.positive) sameSign += ones(both & ~((a.positive[word] ?? 0) ^ (b.positive[word] ?? 0)));
  }
  const expected = size === 0 ? 0 : keptA * keptB / size;
  const variance = size < 2 ? 0 : expected * ((size - keptA) / size) * ((size - keptB) / (size - 1));
  return {
    size,
    keptA,
    keptB,
    shared,
    expected,
    deviation: Math.sqrt(variance),
    sameSign: a.positive && b.positive ? sameSign : null,
  };
}

/** Bits of a 32-bit word that are 1 (Warren, Hacker's Delight, section 5-1). */
function ones(word: number): number {
  let sum = word - ((word >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function shapeOf(layers: readonly PackedLayer[]): string {
  return layers.map(({ name, size }) => `${name} (${size.toLocaleString("en")})`).join(", ") || "no layers";
}
