/**
 * Where commands look for a data set's files.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { cifar10Folder } from "../data/cifar10.ts";
import type { Dataset, DatasetName } from "../data/dataset.ts";
import { datasetNames, type LoadOptions } from "../data/load.ts";
import { quoted } from "../data/quoted.ts";
import { readFolder } from "../data/read_folder.ts";
import { type Flag, UsageError, userPath } from "./arguments.ts";
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

/** The flag of commands that may train on several data sets. */
export const dataDirFlag: Flag = {
  flag: "--data-dir",
  value: "DIR",
  description: "the data set's files, instead of where it usually comes from; of several sets " +
    "mnist=DIR,cifar10=DIR",
};

/**
 * Where the files of some data sets are, as absolute folders by the sets' names: what `--data-dir` says, one folder for the only data set or
 * `mnist=DIR,cifar10=DIR`, and CIFAR-10's usual folder. The others come from where they always do.
 *
 * @throws {UsageError} when one folder is given for more than one of them, or a set is named twice
 */
export function dataFolders(
  names: readonly DatasetName[],
  text: string | undefined,
): Partial<Record<DatasetName, string>> {
  const wanted = [...new Set(names)];
  const folders: Partial<Record<DatasetName, string>> = wanted.includes("cifar10") ? { cifar10: cifar10Path() } : {};
  if (text === undefined) return folders;
  // A comma that no data set's name follows is one of a folder's own.
  const parts = text.split(new RegExp(`,(?=(?:${datasetNames.join("|")})=)`));
  const named = parts.map((part) => {
    const name = datasetNames.find((own) => part.startsWith(`${own}=`));
    return name && { name, folder: part.slice(name.length + 1) };
  });
  if (named[0] === undefined) {
    const [only] = wanted;
    if (only !== undefined && wanted.length === 1) return { [only]: userPath(text) };
    throw new UsageError(
      `Cannot take --data-dir ${quoted(text)} for ${
        wanted.join(" and ")
      } at once: it is one data set's folder. Say whose: ` +
        `--data-dir ${wanted.map((name) => `${name}=DIR`).join()}.`,
    );
  }
  const seen = new Set<DatasetName>();
  for (const { name, folder } of named.flatMap((own) => own ?? [])) {
    if (seen.has(name)) {
      throw new UsageError(`--data-dir is ${quoted(text)}, which names ${name} twice: leave one out.`);
    }
    seen.add(name);
    folders[name] = userPath(folder);
  }
  return folders;
}

/**
 * The data sets of some runs, each loaded once.
 *
 * @param text of `--data-dir`, as {@linkcode dataFolders} takes it
 * @throws {UsageError} when it is wrong
 */
export async function loadDatasets(
  names: readonly DatasetName[],
  text: string | undefined,
  { loadDataset }: Pick<TrainingTools, "loadDataset">,
): Promise<ReadonlyMap<DatasetName, Dataset>> {
  const folders = dataFolders(names, text);
  const loaded = new Map<DatasetName, Dataset>();
  for (const name of new Set(names)) loaded.set(name, await loadDataset(name, datasetOptions(name, folders[name])));
  return loaded;
}
