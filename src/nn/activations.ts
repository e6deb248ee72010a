/**
 * Where activations and their gradients stand in memory: what is dead gives its place to what comes later.
 *
 * @module
 */

/** A tensor, and the launches between which its contents matter. */
export interface Lifetime {
  /** What it is, such as `activation 3`. */
  readonly name: string;
  /** Its size in 32-bit words. */
  readonly words: number;
  /** The first launch that writes it. */
  readonly first: number;
  /** The last launch that reads or writes it. */
  readonly last: number;
  /** Whether it must have its place alone: for tensors whose padding rows have to stay zero. */
  readonly isAlone?: boolean;
}

/** Tensors in their places. */
export interface Placement {
  /** Size of each place in 32-bit words. */
  readonly places: readonly number[];
  /** Which place each tensor has, by name. */
  readonly placeOf: ReadonlyMap<string, number>;
}

/**
 * Finds a place for every tensor such that no two that live at the same time share one: largest first, each into the first
 * place that is free all its life (greedy by size; Pisarchyk & Lee, arXiv 2001.03288, found it within a few percent of the
 * optimum for such networks).
 *
 * @param isShared false gives every tensor a place of its own, so that all of them can be looked at afterwards
 */
export function place(lifetimes: readonly Lifetime[], isShared = true): Placement {
  const places: { readonly words: number; readonly tenants: Lifetime[] }[] = [];
  const placeOf = new Map<string, number>();
  // Equal sizes in the order of their lives, so that the plan does not depend on how a sort breaks ties.
  const ordered = lifetimes.toSorted((a, b) => b.words - a.words || a.first - b.first || (a.name < b.name ? -1 : 1));
  for (const lifetime of ordered) {
    const found = !isShared || lifetime.isAlone
      ? -1
      : places.findIndex(({ tenants }) =>
        tenants.every((other) => !other.isAlone && (other.last < lifetime.first || lifetime.last < other.first))
      );
    if (found >= 0) places[found]?.tenants.push(lifetime);
    else places.push({ words: lifetime.words, tenants: [lifetime] });
    placeOf.set(lifetime.name, found >= 0 ? found : places.length - 1);
  }
  return { places: places.map(({ words }) => words), placeOf };
}
