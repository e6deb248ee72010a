/**
 * `bench`: times what training does. Each of its forms is a file of its own; here one is chosen, measured and compared with an
 * earlier measurement.
 *
 * @module
 */
import { quoted } from "../data/quoted.ts";
import { Gpu } from "../gpu/gpu.ts";
import { assertWritable, writeWhole } from "../store/files.ts";
import { describeFlags, type Flag, parseArguments, suggestion, UsageError, userPath } from "./arguments.ts";
import { assertComparable, changes, formatChanges, readRecorded } from "./bench_compare.ts";
import { calibrateForm } from "./bench_calibrate.ts";
import { crossoverForm } from "./bench_crossover.ts";
import { ensembleForm } from "./bench_ensemble.ts";
import type { BenchForm } from "./bench_form.ts";
import { levelsForm } from "./bench_levels.ts";
import { rooflineForm } from "./bench_roofline.ts";
import { stepForm } from "./bench_step.ts";
import type { Console } from "./console.ts";

/** What the command works with. */
export interface BenchTools {
  /** Where to write. */
  readonly console: Console;
  /** Ends it when it is aborted. */
  readonly signal: AbortSignal;
}

const named: readonly BenchForm[] = [crossoverForm, levelsForm, ensembleForm, rooflineForm, calibrateForm];

const commonFlags: readonly Flag[] = [
  {
    flag: "--compare",
    value: "FILE",
    description: "sets what was found beside what --json printed earlier, of the same adapter and settings",
  },
  { flag: "--json", description: "print JSON" },
  { flag: "--help", description: "print this" },
];

/**
 * Runs the command.
 *
 * @returns the exit code
 * @throws {UsageError} for wrong arguments, and for a file to compare with that is of something else
 */
export async function benchCommand(args: readonly string[], { console, signal }: BenchTools): Promise<number> {
  const [first, ...rest] = args;
  const form = first === undefined || first.startsWith("-") ? stepForm : formOf(first);
  const { values } = parseArguments(form === stepForm ? args : rest, [...form.flags, ...commonFlags], 0);
  if (values.has("--help")) {
    console.out(help(form, console));
    return 0;
  }
  const { settings, measure, file } = form.prepare(values);
  const compared = values.get("--compare");
  const path = compared === undefined ? undefined : userPath(compared);
  const old = path === undefined ? undefined : { path, recorded: await readRecorded(path) };
  const picture = values.has("--svg") ? userPath(values.get("--svg") ?? "") : undefined;
  // What can be refused before anything is measured is.
  for (const written of [file, picture]) if (written !== undefined) await assertWritable(written);
  if (old) assertComparable(old.path, old.recorded, { form: form.name, settings });
  await using gpu = await Gpu.open();
  const { name: adapter } = gpu.adapter;
  if (old) assertComparable(old.path, old.recorded, { form: form.name, settings, adapter });
  const { details, medians, lines, svg, text } = await measure(gpu, signal, (what) => console.err(what));
  if (file !== undefined && text !== undefined) await writeWhole(file, text);
  if (picture !== undefined && svg !== undefined) {
    await writeWhole(picture, svg);
    console.err(picture);
  }
  const found = old ? changes(old.recorded.medians, medians) : undefined;
  if (values.has("--json")) {
    const report = { form: form.name, adapter, settings, ...details, medians, ...(found ? { changes: found } : {}) };
    console.out(JSON.stringify(report, null, 2));
  } else {
    const comparison = found && old ? ["", `Beside ${old.path}`, ...formatChanges(found)] : [];
    console.out([`Adapter             ${adapter}`, ...lines, ...comparison].join("\n"));
  }
  return 0;
}

function formOf(name: string): BenchForm {
  const form = named.find((candidate) => candidate.name === name);
  if (form) return form;
  const known = named.map(({ name }) => name);
  throw new UsageError(
    `There is no command ${quoted(`bench ${name}`)}.${suggestion(name, known)} Choose one of ${
      known.join(", ")
    }, or leave it out.`,
  );
}

function help(form: BenchForm, console: Console): string {
  const command = form === stepForm ? "bench" : `bench ${form.name}`;
  const others = form === stepForm
    ? [
      "Other forms, each with --help:",
      ...named.map(({ name, description }) => `  bench ${name.padEnd(12)}${description}`),
      "",
    ]
    : [];
  return [
    ...form.what,
    "",
    `Usage  deno task ${command} [flags]`,
    "",
    describeFlags([...form.flags, ...commonFlags], Math.min(console.columns(), 110), (text) => text),
    "",
    ...others,
    ...form.examples.map((example, index) => `${index === 0 ? "Example" : "       "}  deno task ${example}`),
  ].join("\n");
}
