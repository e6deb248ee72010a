/**
 * Experiments on disk: which runs an experiment has, beside the runs in `experiments/`, and what its figures need read from them.
 *
 * ```
 * <runs>/experiments/fig4-scale-0.1.json           name, options, the runs' ids
 *                    fig4-scale-0.1.svg, .md       what the command drew and said, with its numbers in fig4-scale-0.1-numbers.json
 * ```
 *
 * @module
 */
import { join } from "node:path";
import { summarize, type Summary } from "../analysis/summary.ts";
import type { Experiment } from "../experiments/experiment.ts";
import {
  type LoadedRun,
  type LoadedTicket,
  type MeasuredLine,
  type Needs,
  needsOf,
} from "../experiments/loaded_run.ts";
import { keyOf, scaledConfig, type ScaleOptions } from "../experiments/scale.ts";
import { workOf } from "../analysis/progress.ts";
import { datasetNames } from "../data/load.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import { loadModel, loadTicket } from "../lottery/ticket.ts";
import type { Evaluation } from "../lottery/types.ts";
import { isWanted, wantedNetworks } from "../lottery/wanted.ts";
import { layOut } from "../nn/network.ts";
import { explain, makeFolder, readOptional, writeJson } from "./files.ts";
import { glanceAtRun } from "./glance.ts";
import { readLines } from "./lines.ts";
import { armFolders, networkFile, readJson, readMetricsInParts } from "./run_files.ts";

/** The folder of experiments beside the runs. It has not the form of a run's id, so nothing takes it for one. */
export const experimentsFolder = "experiments";

/** An experiment as `experiments/<key>.json` holds it. */
export interface ExperimentRecord {
  /** Version of this object. */
  readonly schema: 1;
  /** The experiment: `fig4`. */
  readonly name: string;
  /** Name and options: what its files are called. */
  readonly key: string;
  /** What is other than in the paper. */
  readonly options: ScaleOptions;
  /** Its runs with their ids; null where it is not known yet, because the run was left out. */
  readonly runs: readonly { readonly name: string; readonly id: string | null }[];
  /** When it was last written, in UTC. */
  readonly updated: string;
}

/** Writes down which runs an experiment has. */
export async function writeExperiment(
  runs: string,
  record: Omit<ExperimentRecord, "schema" | "updated">,
): Promise<void> {
  const folder = join(runs, experimentsFolder);
  await makeFolder(folder);
  const whole: ExperimentRecord = { schema: 1, ...record, updated: new Date().toISOString() };
  await writeJson(join(folder, `${record.key}.json`), whole);
}

/**
 * An experiment's record.
 *
 * @returns undefined when there is none, or none that can be read
 */
export async function readExperiment(runs: string, key: string): Promise<ExperimentRecord | undefined> {
  if (!keyPattern.test(key)) return undefined;
  const value = await readJson(join(runs, experimentsFolder, `${key}.json`)).catch(() => undefined);
  return isRecord(value) && value.key === key ? value : undefined;
}

/** All experiments of a folder of runs, by key. Files that are no records are passed over. */
export async function listExperiments(runs: string): Promise<ExperimentRecord[]> {
  const keys: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(join(runs, experimentsFolder))) {
      if (isFile && name.endsWith(".json") && !name.startsWith(".")) keys.push(name.slice(0, -".json".length));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const records = await Promise.all(keys.sort().map((key) => readExperiment(runs, key)));
  return records.flatMap((record) => record ?? []);
}

/**
 * Reads the runs of an experiment: what is wanted of each, and of its files what the panels show.
 *
 * @param ids by the runs' names; runs without one count as absent
 * @throws {CorruptRunError} when a log is damaged
 * @throws {SyntaxError} when a ticket or a trained network is
 */
export async function loadRuns(
  runs: string,
  experiment: Experiment,
  options: ScaleOptions,
  ids: ReadonlyMap<string, string | null>,
): Promise<LoadedRun[]> {
  return await Promise.all(experiment.runs.map(async (run) => {
    const config = scaledConfig(run, options);
    return await loadRun(runs, experiment, { name: run.name, id: ids.get(run.name) ?? null, config });
  }));
}

async function loadRun(
  runs: string,
  experiment: Experiment,
  { name, id, config }: Pick<LoadedRun, "name" | "id" | "config">,
): Promise<LoadedRun> {
  const nothing: LoadedRun = {
    name,
    id,
    config,
    state: "absent",
    done: 0,
    wanted: wantedNetworks(config).length,
    summary: undefined,
    evaluations: [],
    tickets: [],
    lines: [],
    hasLineEnds: true,
  };
  const glance = id === null ? undefined : await glanceAtRun(runs, id);
  if (id === null || !glance?.config || !glance.manifest) return nothing;
  const records = glance.records.filter((record) => isWanted(config, record));
  const { done, wanted } = workOf(config, records);
  const summary = summarize({ id, config, adapter: glance.manifest.adapter }, { records, timings: glance.timings });
  const needs = needsOf(experiment, name, summary);
  const folder = join(runs, id);
  const lines = needs.lines.length > 0 ? await readLines(folder, config) : [];
  return {
    ...nothing,
    state: done === wanted ? "finished" : "unfinished",
    done,
    wanted,
    summary: records.length > 0 ? summary : undefined,
    evaluations: await evaluationsOf(folder, config, needs),
    tickets: await ticketsOf(folder, summary, needs),
    lines,
    hasLineEnds: await hasLineEnds(folder, config, needs, lines),
  };
}

async function hasLineEnds(
  folder: string,
  config: LotteryConfig,
  needs: Needs,
  measured: readonly MeasuredLine[],
): Promise<boolean> {
  const arms = (await armFolders(folder, config)).filter(({ name }) => name === "ticket" || name === "twin");
  for (const level of needs.lines) {
    for (let replicate = 1; replicate <= config.replicates; replicate++) {
      if (measured.some((line) => line.level === level && line.replicate === replicate)) continue;
      for (const arm of arms) {
        if (!await isThere(networkFile(arm, "finals", { level, replicate, draw: 1 }))) return false;
      }
    }
  }
  return true;
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw explain(cause, "read", path);
  }
}

async function evaluationsOf(folder: string, config: LotteryConfig, needs: Needs): Promise<Evaluation[]> {
  const all: Evaluation[] = [];
  for (const arm of await armFolders(folder, config)) {
    if (!needs.arms.includes(arm.name)) continue;
    for await (const part of readMetricsInParts(arm)) {
      all.push(...part.filter((own) => isWanted(config, own) && needs.evaluation(own)));
    }
  }
  return all;
}

async function ticketsOf(folder: string, { arms, config }: Summary, needs: Needs): Promise<LoadedTicket[]> {
  const arm = { name: "ticket", folder } as const;
  const tickets: LoadedTicket[] = [];
  for (const { level, remaining, replicates } of arms.find(({ name }) => name === "ticket")?.levels ?? []) {
    if (!needs.tickets.includes(level)) continue;
    for (const { replicate, draw } of replicates) {
      const read = async (kind: "tickets" | "finals"): Promise<Uint8Array<ArrayBuffer> | undefined> =>
        await readOptional(networkFile(arm, kind, { level, replicate, draw }));
      const bytes = await read("tickets");
      if (!bytes) continue;
      const ticket = loadTicket(bytes, `the ticket of level ${level}`);
      const trained = needs.finals && level === 0 ? await read("finals") : undefined;
      const model = trained && loadModel(trained, `the trained network of level ${level}`);
      const layers = layOut(ticket.network).layers.flatMap(({ name, inputs, outputs, size }, index) => {
        const [mask, initial] = [ticket.masks[index], ticket.initial[index]?.weight];
        const final = model?.layers[index]?.weight;
        return mask && initial ? [{ name, inputs, outputs, size, mask, initial, ...(final ? { final } : {}) }] : [];
      });
      tickets.push({ level, remaining, replicate, layers });
    }
  }
  return tickets.filter(({ replicate }) => replicate <= config.replicates);
}

/** What a key looks like: it names files. */
export const keyPattern = /^[a-z0-9][a-z0-9.-]{0,199}$/;

function isRecord(value: unknown): value is ExperimentRecord {
  return isObject(value) && value["schema"] === 1 && typeof value["name"] === "string" &&
    typeof value["key"] === "string" && typeof value["updated"] === "string" && isOptions(value["options"]) &&
    keyOf(value["name"], value["options"]) === value["key"] &&
    Array.isArray(value["runs"]) &&
    value["runs"].every((run: unknown) =>
      isObject(run) && typeof run["name"] === "string" && (run["id"] === null || typeof run["id"] === "string")
    );
}

/** Whether a value, as JSON has it, is options of an experiment. */
export function isOptions(value: unknown): value is ScaleOptions {
  return isObject(value) &&
    Object.entries(value).every(([key, own]) =>
      key === "dataset"
        ? datasetNames.some((name) => name === own)
        : ["scale", "levels", "replicates", "reinitDraws", "width", "seed"].includes(key) && typeof own === "number"
    );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
