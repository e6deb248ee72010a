/**
 * Where commands look for a data set's files.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { cifar10Folder } from "../data/cifar10.ts";
import type { DatasetName } from "../data/dataset.ts";
import type { LoadOptions } from "../data/load.ts";
import { readFolder } from "../data/read_folder.ts";
import { userPath } from "./arguments.ts";

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
