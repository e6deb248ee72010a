/**
 * `data`: fetches and checks a data set, and says what is in it.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import type { Dataset, DatasetName, Examples } from "../data/dataset.ts";
import { datasetNames, loadDataset, type LoadOptions } from "../data/load.ts";
import { readFolder } from "../data/read_folder.ts";
import { describeFlags, type Flag, parseArguments, suggestion, UsageError, userPath } from "./arguments.ts";
import { type Console, styled } from "./console.ts";
import { group } from "./progress.ts";
import { formatTable } from "./table.ts";

/** What the command works with; tests put their own here. */
export interface DataTools {
  /** Where to write. */
  readonly console: Console;
  /** Loads a data set; the real one when left out. */
  readonly loadDataset?: (name: DatasetName, options: LoadOptions) => Promise<Dataset>;
}

const flags: readonly Flag[] = [
  { flag: "--data-dir", value: "DIR", description: "the data set's files, instead of where it usually comes from" },
  { flag: "--json", description: "print JSON" },
  { flag: "--help", description: "print this" },
];

/**
 * Runs the command.
 *
 * @returns the exit code
 * @throws {UsageError} for wrong arguments
 */
export async function dataCommand(args: readonly string[], tools: DataTools): Promise<number> {
  const { console } = tools;
  const { positionals: [name], values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    console.out(
      [
        "Fetches and checks a data set, and prints its files, sizes, SHA-256 and classes.",
        "",
        `Usage  deno task data NAME [flags]     NAME is ${datasetNames.join(", ")}`,
        "",
        describeFlags(flags, console.columns(), (text) => text),
        "",
        "Example  deno task data mnist",
      ].join("\n"),
    );
    return 0;
  }
  const chosen = datasetNames.find((candidate) => candidate === name);
  if (chosen === undefined) {
    const near = name === undefined ? "" : suggestion(name, datasetNames);
    throw new UsageError(
      `${name === undefined ? "Name a data set" : `There is no data set "${name}"`}.${near} ` +
        `Choose one of ${datasetNames.join(", ")}.`,
    );
  }
  const folder = values.get("--data-dir");
  const options = folder === undefined ? {} : { read: readFolder(pathToFileURL(userPath(folder))) };
  const dataset = await (tools.loadDataset ?? loadDataset)(chosen, options);
  console.out(values.has("--json") ? JSON.stringify(describe(dataset), null, 2) : format(dataset, console));
  return 0;
}

function describe(dataset: Dataset): Record<string, unknown> {
  const { name, channels, height, width, classes, digest, original, files, train, test } = dataset;
  return {
    name,
    shape: [channels, height, width],
    classes,
    digest,
    original,
    files,
    train: { count: train.count, perClass: perClass(train, classes) },
    test: { count: test.count, perClass: perClass(test, classes) },
  };
}

function format(dataset: Dataset, console: Console): string {
  const { name, channels, height, width, classes, digest, original, files, train, test } = dataset;
  const bytes = [train.images, train.labels, test.images, test.labels].map((values) => values.length);
  const fileTable = formatTable(
    [{ title: "file", align: "left" }, { title: "values", align: "right" }, { title: "SHA-256", align: "left" }],
    files.map((file, index) => [file.name, group(bytes[index] ?? 0), file.sha256]),
  );
  const counts = [perClass(train, classes), perClass(test, classes)];
  const classTable = formatTable(
    [{ title: "class", align: "right" }, { title: "train", align: "right" }, { title: "test", align: "right" }],
    [
      ...Array.from(
        { length: classes },
        (_, label) => [String(label), ...counts.map((count) => group(count[label] ?? 0))],
      ),
      ["all", group(train.count), group(test.count)],
    ],
  );
  const [fileHeader = "", ...fileRows] = fileTable;
  const [classHeader = "", ...classRows] = classTable;
  const origin = name === "synthetic"
    ? "generated from its seed"
    : original
    ? "the published files, byte for byte"
    : "not the published files, but others of the same form";
  return [
    styled(console, "bold", `${name}: ${classes} classes, images of ${channels} × ${height} × ${width}, ${origin}`),
    "",
    styled(console, "bold", fileHeader),
    ...fileRows,
    "",
    styled(console, "bold", classHeader),
    ...classRows,
    "",
    `digest ${digest}`,
  ].join("\n");
}

function perClass({ labels }: Examples, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}
