/**
 * `lottery`: finds winning tickets.
 *
 * @module
 */
import { loadDataset } from "../data/load.ts";
import { legible, quoted } from "../data/quoted.ts";
import {
  changed,
  type LotteryConfig,
  parseConfig,
  type PresetName,
  presetNames,
  presets,
  runId,
  type Setting,
  settings,
} from "../lottery/config.ts";
import { lottery } from "../lottery/lottery.ts";
import type { TraceSpan } from "../lottery/trace.ts";
import { runIds } from "../store/index.ts";
import { writeWhole } from "../store/files.ts";
import { RunStore } from "../store/run_store.ts";
import { describeFlags, type Flag, parseArguments, suggestion, UsageError, userPath } from "./arguments.ts";
import { type Console, quietOutput, styled, wrap } from "./console.ts";
import { describeControls } from "./controls.ts";
import { datasetOptions } from "./dataset_folder.ts";
import { checkpointSecondsOf, settingOf } from "./lottery_command_line.ts";
import {
  configOfNamed,
  type NamedRun,
  namedRun,
  planForSettings,
  planOfNamed,
  readPlan,
  refuseOtherRun,
} from "./lottery_plan.ts";
import { formatSummary } from "./report.ts";
import { formatTrace } from "./trace_file.ts";
import { asUsage, refuseUnfit, type TrainingTools, trainRun } from "./training.ts";

export type { TrainingTools as LotteryTools };

/** What the command works with outside of tests. */
export const lotteryTools: Pick<TrainingTools, "lottery" | "loadDataset"> = { lottery, loadDataset };

const otherFlags: readonly Flag[] = [
  {
    flag: "--config",
    value: "FILE",
    description: "settings as JSON, such as a run's config.json; flags override them",
  },
  { flag: "--data-dir", value: "DIR", description: "the data set's files, instead of where it usually comes from" },
  { flag: "--runs", value: "DIR", description: "where runs are kept (./runs)" },
  {
    flag: "--checkpoint-seconds",
    value: "X",
    description: "least time between checkpoints within a level (60); 0: as often as can be, whatever it costs",
  },
  {
    flag: "--plan",
    value: "FILE",
    description: "which kernels layers run: a table that `bench calibrate` measured on this adapter, or a run's " +
      "manifest.json (the table that ships). A run that is gone on with keeps the one that it began with",
  },
  {
    flag: "--resume",
    description:
      "go on with an unfinished run, or add levels, replicates or controls to a run: with the one that has the same " +
      "settings, or the one whose id stands in the preset's place",
  },
  {
    flag: "--fresh",
    description:
      "a new run beside those of the same settings, which stay; with --resume, go on with the newest of them",
  },
  {
    flag: "--trace",
    value: "FILE",
    description:
      "write a timeline for chrome://tracing or Perfetto: levels, evaluations, waits, and each kernel's time",
  },
  { flag: "--json", description: "print the run's summary as JSON and nothing else; progress goes to standard error" },
  { flag: "--verbose", description: "print the network's layers and what is allocated on the device" },
  { flag: "--help", description: "print this" },
];

const letters: Readonly<Record<Setting["kind"], string>> = {
  integer: "N",
  number: "X",
  boolean: "true|false",
  choice: "NAME",
  list: "LIST",
  integers: "LIST",
  numbers: "LIST",
};

const flags: readonly Flag[] = [
  ...settings.map(({ key, flag, description, kind }) => ({
    flag,
    value: letters[kind],
    description: `${description} (${defaults(key)})`,
  })),
  ...otherFlags,
];

/**
 * Runs the command.
 *
 * @returns the exit code: 0, or 130 when the signal ended it
 * @throws {UsageError} for wrong arguments
 */
export async function lotteryCommand(args: readonly string[], tools: TrainingTools): Promise<number> {
  const { console } = tools;
  const { positionals, values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    console.out(help(console));
    return 0;
  }
  const runs = userPath(values.get("--runs") ?? "runs");
  const isResumed = values.has("--resume");
  const named = isResumed ? await runNamed(runs, positionals[0], values) : undefined;
  const config = named
    ? asUsage(() => configOfNamed(named, settingsIn(values)))
    : await configOf(positionals[0], values);
  const planPath = values.get("--plan");
  const given = planPath === undefined ? undefined : await readPlan(userPath(planPath));
  if (named) await planOfNamed(named, given);
  const report = values.has("--json") ? quietOutput(console) : console;
  const dataset = await tools.loadDataset(config.dataset, datasetOptions(config.dataset, values.get("--data-dir")));
  refuseUnfit(config, dataset);
  const checkpointSeconds = checkpointSecondsOf(values.get("--checkpoint-seconds"));
  if (named) await refuseOtherRun(named, config, dataset.digest);
  const { hash: planHash, ...plan } = named
    ? await planOfNamed(named, given)
    : await planForSettings(runs, config, { dataDigest: dataset.digest, given, isResumed });
  const settingsId = await runId(config, { dataDigest: dataset.digest, planHash });
  const id = named?.id ?? (values.has("--fresh") ? freshId(runs, settingsId, isResumed) : settingsId);
  const warn = (message: string): void => console.err(`Warning: ${message}`);
  await using store = await RunStore.open(runs, { id, config, dataset, planHash, plan }, { warn });

  if (store.progress.state === "finished") {
    console.err(
      `Run ${id} is finished already (${store.folder}); this is what it came to. With --fresh it is made once more, beside it.`,
    );
    if (values.has("--trace")) console.err("Warning: nothing is trained, so --trace writes no file.");
    await store.completeSummary();
  } else {
    const isThere = store.progress.state === "unfinished";
    if (isThere && !isResumed) {
      throw new Error(
        `Run ${id} is there already, with ${store.progress.done} of ${store.progress.wanted} networks trained (${store.folder}). ` +
          "Add --resume to go on with it, --fresh for a new run beside it, or choose another folder with --runs.",
      );
    }
    console.err(isThere ? `Going on with run ${id} (${store.folder})` : `Run ${id} (${store.folder})`);
    const verbose = values.has("--verbose");
    const spans: TraceSpan[] = [];
    const tracePath = values.get("--trace");
    const trace = tracePath === undefined ? {} : { trace: (span: TraceSpan): void => void spans.push(span) };
    try {
      const goingOn = "the same command with --resume";
      const options = { dataset, plan: plan.table, ...checkpointSeconds, ...trace, verbose, goingOn };
      const code = await trainRun(store, config, options, tools);
      if (code !== 0) return code;
    } finally {
      // Also of a run that was stopped, or failed: what it did until then.
      if (tracePath !== undefined) await writeWhole(userPath(tracePath), formatTrace(`winnow ${id}`, spans));
    }
  }
  const summary = store.summary();
  if (!summary) throw new Error(`unreachable: a finished run has a summary`);
  if (values.has("--json")) console.out(JSON.stringify(summary, null, 2));
  report.out(`${store.progress.state === "finished" ? "" : "\n"}${formatSummary(summary, report)}`);
  return 0;
}

/** The run whose id stands in the preset's place; undefined where a preset does, or nothing. */
async function runNamed(
  runs: string,
  name: string | undefined,
  values: ReadonlyMap<string, string>,
): Promise<NamedRun | undefined> {
  if (name === undefined || presetNames.some((own) => own === name)) return undefined;
  // What neither looks like an id nor begins one is a misspelt preset.
  if (!/-[0-9a-f]{1,10}(?:-\d+)?$/.test(name) && !runIds(runs).some((id) => id.startsWith(name))) return undefined;
  for (const flag of ["--config", "--fresh"]) {
    if (!values.has(flag)) continue;
    throw new UsageError(
      `Cannot take ${flag} with --resume ${
        legible(name)
      }, which names a run: its settings are there already. Leave either out.`,
    );
  }
  return await namedRun(runs, name);
}

/** The id of a run beside those of the same settings: one that is free, or the newest that is there to go on with. */
function freshId(runs: string, id: string, isResumed: boolean): string {
  const numbers = runIds(runs).filter((own) => own === id || own.startsWith(`${id}-`))
    .map((own) => own === id ? 1 : Number(own.slice(id.length + 1)));
  const newest = Math.max(0, ...numbers);
  const number = isResumed ? Math.max(1, newest) : newest + 1;
  return number === 1 ? id : `${id}-${number}`;
}

async function configOf(name: string | undefined, values: ReadonlyMap<string, string>): Promise<LotteryConfig> {
  const file = values.get("--config");
  const fromFile = file === undefined ? {} : await readConfigFile(userPath(file));
  const named = name ?? fromFile["preset"] ?? presetNames[0];
  const chosen = presetNames.find((candidate) => candidate === named);
  const changes = settingsIn(values);
  if (chosen === undefined) {
    throw new UsageError(
      `There is no preset ${quoted(named)}.${typeof named === "string" ? suggestion(named, presetNames) : ""} ` +
        `Choose one of ${presetNames.join(", ")}.`,
    );
  }
  return asUsage(() => parseConfig(changed(chosen, { ...fromFile, ...changes })));
}

/** The settings that flags give. */
function settingsIn(values: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(settings.flatMap((setting) => {
    const text = values.get(setting.flag);
    return text === undefined ? [] : [[setting.key, settingOf(setting, text)]];
  }));
}

async function readConfigFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot read --config ${path}: ${reason}. Give a file of settings as JSON.`, { cause });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return Object.fromEntries(Object.entries(value));
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot use --config ${path}: it is not JSON (${legible(reason, 200)}).`, { cause });
  }
  throw new UsageError(`Cannot use --config ${path}: it is not an object of settings, such as {"levels": 3}.`);
}

/** A setting's value in each preset: the default one's, then the others' that differ, with the presets that share them. */
function defaults(key: Setting["key"]): string {
  const presetsByValue = new Map<string, PresetName[]>();
  for (const name of presetNames) {
    const value: unknown = presets[name].config[key];
    const shown = Array.isArray(value) ? value.join(",") || "none" : String(value);
    presetsByValue.set(shown, [...presetsByValue.get(shown) ?? [], name]);
  }
  return [...presetsByValue].map(([value, names]) =>
    names[0] === presetNames[0] ? value : `${names.join(", ")} ${value}`
  )
    .join("; ");
}

function help(console: Console): string {
  const columns = Math.min(console.columns(), 110);
  const title = (text: string): string => styled(console, "bold", text);
  return [
    wrap(
      "Finds winning lottery tickets: trains a network, prunes its smallest weights, resets the rest to their initial values and " +
        "trains again, level after level; beside every ticket its control.",
      columns,
    ),
    "",
    `${title("Usage")}  deno task lottery [PRESET] [flags]`,
    "",
    title("Presets"),
    ...presetNames.map((name) => `  ${name}\n${wrap(presets[name].description, columns, "    ")}`),
    "",
    title("Flags") + ", with their values in the presets",
    describeFlags(flags, columns, (text) => text),
    "",
    title("Controls") + ", for --controls: none, or names with commas between them",
    describeControls(columns),
    "",
    title("Examples"),
    "  deno task lottery",
    "  deno task lottery lenet --iterations 20000 --levels 12 --controls none --eval-every 200 --replicates 1",
    "  deno task lottery --replicates 5 --resume          four more replicates for the run that is there",
    "  deno task lottery --resume lenet-quick-02          goes on with that run, by its own plan table",
    "  deno task lottery lenet --plan plan.json           kernels by what `bench calibrate` measured",
    "  deno task lottery conv2 --width 0.25 --iterations 2000 --levels 3 --replicates 1 --controls none",
    "  deno task lottery resnet18 --rewind 500            survivors are reset to their values at iteration 500",
  ].join("\n");
}
