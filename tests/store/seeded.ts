/**
 * Random moments and places that can be had again.
 *
 * @module
 */
import { RandomStream } from "../../src/data/random.ts";

/** Numbers in [0, 1) by a seed, which is printed; a random one when left out. */
export function seeded(seed: number = Math.floor(Math.random() * 2 ** 32)): () => number {
  console.log(`  seed ${seed}`);
  const random = new RandomStream(seed, "synthetic");
  return () => random.uniform();
}
