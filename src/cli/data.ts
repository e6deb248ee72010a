/**
 * `data`: fetches and checks a data set, and says what is in it.
 *
 * @module
 */
import { type Archive, cifar10Archive, cifar10FileBytes } from "../data/cifar10.ts";
import type { Dataset, DatasetName, Examples } from "../data/dataset.ts";
import { datasetNames, loadDataset, type LoadOptions } from "../data/load.ts";
import { fetchArchive } from "../store/archive_folder.ts";
import { describeFlags, type Flag, parseArguments, suggestion, UsageError } from "./arguments.ts";
import { type Console, styled } from "./console.ts";
import { cifar10Path, datasetOptions } from "./dataset_folder.ts";
import { bar, LiveLine } from "./live_line.ts";
import { group } from "./progress.ts";
import { formatTable } from "./table.ts";

/** What the command works with; tests put their own here. */
export interface DataTools {
  /** Where to write. */
  readonly console: Console;
  /** Loads a data set; the real one when left out. */
  readonly loadDataset?: (name: DatasetName, options: LoadOptions) => Promise<Dataset>;
  /** Stops a download. */
  readonly signal?: AbortSignal;
  /** Where CIFAR-10 is downloaded from; its authors' server when left out. */
  readonly archive?: Archive;
  /** The folder it is kept in; below the one the user is in when left out. */
  readonly folder?: string;
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
        "CIFAR-10 is downloaded from its authors (170 MB) into data/cifar-10-batches-bin below the folder you are in, unless it is",
        "there already or --data-dir says where it is.",
        "",
        "Example  deno task data cifar10",
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
  if (chosen === "cifar10" && folder === undefined) await fetchCifar10(tools);
  const dataset = await (tools.loadDataset ?? loadDataset)(chosen, datasetOptions(chosen, folder ?? tools.folder));
  console.out(values.has("--json") ? JSON.stringify(describe(dataset), null, 2) : format(dataset, console));
  return 0;
}

/** How much of a download passes between two plain lines. */
const plainShare = 0.25;

async function fetchCifar10(
  { console, signal, archive = cifar10Archive, folder = cifar10Path() }: DataTools,
): Promise<void> {
  using line = new LiveLine(console);
  const startedAt = performance.now();
  let plainAt = 0;
  const isNew = await fetchArchive(archive, folder, {
    signal,
    onProgress: (stage, bytes, total) => {
      if (stage === "unpack") {
        line.clear();
        console.err(`Unpacking into ${folder}: the archive's SHA-256 is the published one`);
        return;
      }
      const share = bytes / total;
      const seconds = (performance.now() - startedAt) / 1000;
      const figures = `${megabytes(bytes)} of ${megabytes(total)} MB, ${megabytes(bytes / seconds)} MB/s`;
      line.draw(() => `${bar(share, 20)} ${`${Math.floor(100 * share)} %`.padStart(5)}  ${figures}`);
      if (share < plainAt) return;
      if (plainAt === 0) console.err(`Downloading ${archive.url}, ${megabytes(total)} MB`);
      else if (!console.isTerminal) console.err(`  ${figures}`);
      plainAt = (Math.floor(share / plainShare) + 1) * plainShare;
    },
  });
  line.clear();
  if (!isNew) console.err(`Nothing to download: ${folder} is there`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
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
  const values = name === "cifar10"
    ? files.map(() => cifar10FileBytes)
    : [train.images, train.labels, test.images, test.labels].map(({ length }) => length);
  const fileTable = formatTable(
    [{ title: "file", align: "left" }, { title: "values", align: "right" }, { title: "SHA-256", align: "left" }],
    files.map((file, index) => [file.name, group(values[index] ?? 0), file.sha256]),
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
