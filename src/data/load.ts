/**
 * Data sets by name.
 *
 * @module
 */
import { loadCifar10 } from "./cifar10.ts";
import type { Dataset, DatasetName, ReadFile } from "./dataset.ts";
import { loadFashionMnist } from "./fashion_mnist.ts";
import { loadMnist } from "./mnist.ts";
import { syntheticDataset } from "./synthetic.ts";

/** The data sets that {@linkcode loadDataset} knows. */
export const datasetNames: readonly DatasetName[] = ["mnist", "fashion-mnist", "cifar10", "synthetic"];

/** Where a data set comes from, when not from where it usually does. */
export interface LoadOptions {
  /** Reads the data set's files from a folder of the caller's (`readFolder()`). */
  readonly read?: ReadFile;
  /** Seed of the synthetic data set, 1 by default. */
  readonly seed?: number;
}

/**
 * Loads a data set.
 *
 * @throws {RangeError} when there is no data set of that name
 * @throws {Error} when a file cannot be read
 * @throws {SyntaxError} when a file is malformed, naming file and offset
 * @example
 * ```ts
 * import { loadDataset } from "./load.ts";
 *
 * const dataset = await loadDataset("synthetic");
 * console.assert(dataset.train.count === 2000);
 * ```
 */
export function loadDataset(name: DatasetName, options: LoadOptions = {}): Promise<Dataset> {
  switch (name) {
    case "mnist":
      return loadMnist(options.read);
    case "fashion-mnist":
      return loadFashionMnist(options.read);
    case "cifar10":
      return loadCifar10(options.read);
    case "synthetic":
      return syntheticDataset(options.seed === undefined ? {} : { seed: options.seed });
    default:
      return Promise.reject(
        new RangeError(`Cannot load the data set "${String(name)}": choose one of ${datasetNames.join(", ")}`),
      );
  }
}
