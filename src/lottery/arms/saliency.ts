/**
 * Pruning at initialisation by a score, and the controls of "Pruning Neural Networks at Initialization: Why Are We Missing the
 * Mark?" (Frankle, Dziugaite, Roy & Carbin 2020, arXiv 2009.08576) that tell whether the score chose weights, or densities of layers.
 *
 * Weights are ranked over all layers that are pruned, whatever groups the tickets are ranked in, and exactly the ticket's total over
 * these layers survives. Scores are those of θ0, and networks start from what the ticket's starts from.
 *
 * @module
 */
import type { Arm, MaskInput } from "./arm.ts";
import type { ArmName } from "./names.ts";
import { freshValues } from "./reinit.ts";
import { pooledShare } from "./select.ts";
import { shuffledWithinLayers } from "./shuffle.ts";
import { armStream } from "./stream.ts";

/** Which weights survive: those that the method would keep, or, as the control, those that it would prune first. */
export type Kept = "best" | "worst";

/** A method that prunes at initialisation. */
export interface Saliency {
  /** The method's own arm. */
  readonly name: Extract<ArmName, "snip" | "grasp" | "synflow">;
  /** What the literature calls it. */
  readonly method: string;
  /** How it scores, with its source: a sentence. */
  readonly about: string;
  /** Its mask. Asked for once for each number of survivors, not for each arm. */
  readonly mask: (input: MaskInput, kept: Kept) => Uint32Array<ArrayBuffer> | Promise<Uint32Array<ArrayBuffer>>;
}

/** A method's arm and its controls. */
export interface SaliencyArms {
  /** The method. */
  readonly plain: Arm;
  /** Its mask shuffled within each layer. */
  readonly shuffle: Arm;
  /** Its scores inverted. */
  readonly invert: Arm;
  /** Its mask over fresh weights. */
  readonly reinit: Arm;
}

/**
 * A function of θ0 and the first batch, computed once for each θ0: what no level changes. Arrays of initial values are told apart
 * by identity.
 */
export function onceForInitial<T>(make: (input: MaskInput) => Promise<T>): (input: MaskInput) => Promise<T> {
  const known = new WeakMap<MaskInput["initial"], T>();
  return async (input) => {
    const made = known.get(input.initial) ?? await make(input);
    known.set(input.initial, made);
    return made;
  };
}

/** Scores with their signs changed, so that the highest become the lowest. */
export function negated(scores: readonly Float64Array<ArrayBuffer>[]): Float64Array<ArrayBuffer>[] {
  return scores.map((own) => own.map((score) => -score));
}

/** The arms of a method. */
export function saliencyArms({ name, method, about, mask }: Saliency): SaliencyArms {
  const best = lastMask((input) => mask(input, "best"));
  const worst = lastMask((input) => mask(input, "worst"));
  const source = "(Frankle et al. 2020, arXiv 2009.08576).";
  return {
    plain: { title: method, about, masks: best, start: ({ rewound }) => rewound },
    shuffle: {
      title: `${method}, shuffled`,
      about: `${method}'s number of weights in every layer, at random places ${source}`,
      masks: async (input) =>
        shuffledWithinLayers(input.layout, await best(input), armStream(input, "mask", `${name}-shuffle`)),
      start: ({ rewound }) => rewound,
    },
    invert: {
      title: `${method}, inverted`,
      about: `The weights that ${method} would prune first, as many as it keeps ${source}`,
      masks: worst,
      start: ({ rewound }) => rewound,
    },
    reinit: {
      title: `${method}, re-initialised`,
      about:
        `${method}'s mask over a fresh draw of initial values, the same as that of the re-initialised ticket of its level ` +
        `and draw ${source}`,
      masks: best,
      start: freshValues,
    },
  };
}

/** Keeps the last mask of each θ0: several arms and draws of a level ask for the same. */
function lastMask(
  make: (input: MaskInput) => Uint32Array<ArrayBuffer> | Promise<Uint32Array<ArrayBuffer>>,
): (input: MaskInput) => Promise<Uint32Array<ArrayBuffer>> {
  const masks = new WeakMap<MaskInput["initial"], { readonly of: string; readonly mask: Uint32Array<ArrayBuffer> }>();
  return async (input) => {
    const { layers, keep } = pooledShare(input);
    const of = `${keep} of ${layers.join(" ")}`;
    const last = masks.get(input.initial);
    if (last?.of === of) return last.mask;
    const mask = await make(input);
    masks.set(input.initial, { of, mask });
    return mask;
  };
}
