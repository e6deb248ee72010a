/**
 * Where commands look for a data set's files.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { cifar10Folder } from "../data/cifar10.ts";
import type { Dataset, DatasetName } from "../data/dataset.ts";
import type { LoadOptions } from "../data/load.ts";
import { readFolder } from "../data/read_folder.ts";
import { UsageError, userPath } from "./arguments.ts";
import type { TrainingTools } from "./training.ts";

/** Where CIFAR-10 is kept: below the folder that the user is in. */
export function cifar10Path(): string {
  return userPath(cifar10Folder);
}

/**
 * How to load a data set: from the folder that the user gave (`--data-dir`), or from where it usually is.
 *
 * @param folder as given, relative to the folder that the user is in
 */
export function datasetOptions(name: DatasetName, folder: string | undefined): LoadOptions {
  const chosen = folder === undefined ? name === "cifar10" ? cifar10Path() : undefined : userPath(folder);
  return chosen === undefined ? {} : { read: readFolder(pathToFileURL(chosen)) };
}

/**
 * The data sets of some runs, each loaded once.
 *
 * @param folder as given by `--data-dir`
 * @throws {UsageError} when a folder is given and more than one of them is wanted
 */
export async function loadDatasets(
  names: readonly DatasetName[],
  folder: string | undefined,
  { loadDataset }: Pick<TrainingTools, "loadDataset">,
): Promise<ReadonlyMap<DatasetName, Dataset>> {
  const wanted = [...new Set(names)];
  if (folder !== undefined && wanted.length > 1) {
    throw new UsageError(
      `Cannot take --data-dir for ${
        wanted.join(" and ")
      } at once: it is one data set's folder. Train the runs of one of them with --only.`,
    );
  }
  const loaded = new Map<DatasetName, Dataset>();
  for (const name of wanted) loaded.set(name, await loadDataset(name, datasetOptions(name, folder)));
  return loaded;
}
