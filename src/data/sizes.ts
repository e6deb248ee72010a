/**
 * How large the data sets are, for who plans a run before anything of them is read.
 *
 * @module
 */
import { cifar10Size } from "./cifar10.ts";
import type { Dataset, DatasetName, Examples } from "./dataset.ts";
import { syntheticSize } from "./synthetic.ts";

/** How large a data set is. A loaded {@linkcode Dataset} is one. */
export interface DatasetSize extends Pick<Dataset, "name" | "channels" | "height" | "width" | "classes"> {
  /** Examples to train on and to hold out from. */
  readonly train: Pick<Examples, "count">;
  /** Examples to test on. */
  readonly test: Pick<Examples, "count">;
}

/** MNIST's form, which Fashion-MNIST has too. */
const mnistSize: Omit<DatasetSize, "name"> = {
  channels: 1,
  height: 28,
  width: 28,
  classes: 10,
  train: { count: 60_000 },
  test: { count: 10_000 },
};

/** As they were published. A folder of other files in the same form may have more or fewer images. */
export const publishedSizes: Readonly<Record<DatasetName, DatasetSize>> = {
  "mnist": { name: "mnist", ...mnistSize },
  "fashion-mnist": { name: "fashion-mnist", ...mnistSize },
  "cifar10": { name: "cifar10", ...cifar10Size },
  "synthetic": { name: "synthetic", ...syntheticSize },
};
