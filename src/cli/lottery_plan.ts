/**
 * Which plan table `lottery` goes by, and in which run: the one that it is told, or the one that the run began with.
 *
 * @module
 */
import { basename } from "node:path";
import { legible } from "../data/quoted.ts";
import { type LotteryConfig, parseConfig, runId } from "../lottery/config.ts";
import { parsePlanTable, planHashOf } from "../lottery/plan_table.ts";
import { type RunScan, scanRuns } from "../store/equal_runs.ts";
import { runIds } from "../store/index.ts";
import { type Manifest, planOfManifest, type RecordedPlan, shippedPlan } from "../store/manifest.ts";
import { readSettings } from "../store/run_files.ts";
import { UsageError } from "./arguments.ts";
import { findRun } from "./run_lookup.ts";

/** A plan table, with what a run's identity holds of it. */
export interface HashedPlan extends RecordedPlan {
  /** Its hash. */
  readonly hash: string;
}

/** A run that is gone on with by its id. */
export interface NamedRun {
  /** Its id. */
  readonly id: string;
  /** Its settings: the most that was ever asked of it. */
  readonly config: LotteryConfig;
  /** What it was made with. */
  readonly manifest: Manifest;
}

/**
 * The run that `--resume ID` names.
 *
 * @throws {UsageError} when there is none, or more than one begins like it
 * @throws {Error} when it cannot be read
 */
export async function namedRun(runs: string, name: string): Promise<NamedRun> {
  const id = findRun(runs, name, "show");
  const { config, manifest, problems } = await readSettings(`${runs}/${id}`, id);
  if (config && manifest) return { id, config, manifest };
  throw new Error(`Cannot go on with run ${id}: ${problems.join(" ")} \`runs verify ${id}\` says more.`);
}

/**
 * The table that a named run began with, whatever ships by now.
 *
 * @param given by `--plan`, which may say the same once more
 * @throws {UsageError} when another one is given
 */
export async function planOfNamed({ id, manifest }: NamedRun, given: HashedPlan | undefined): Promise<HashedPlan> {
  if (given && given.hash !== manifest.planHash) {
    throw new UsageError(
      `Cannot go on with run ${id} by --plan ${given.from}: its hash is ${given.hash}, and the run began with a table of hash ` +
        `${manifest.planHash}. Other kernels compute other numbers. Leave --plan out, or start another run.`,
    );
  }
  return { ...await planOfManifest(manifest), hash: manifest.planHash };
}

/**
 * The plan table for settings: the given one; without it the shipped one, but when going on, that of the run which is there. So a run
 * is found again after the shipped table has changed, and when `--plan` is left out.
 *
 * @throws {UsageError} when several runs could be meant
 */
export async function planForSettings(
  runs: string,
  config: LotteryConfig,
  { dataDigest, given, isResumed }: {
    readonly dataDigest: string;
    readonly given: HashedPlan | undefined;
    readonly isResumed: boolean;
  },
): Promise<HashedPlan> {
  if (!given && !isResumed) return await hashedShipped();
  return await (await planChooser(runs, given))(config, dataDigest);
}

/** Chooses the plan table of settings on a data set of a digest. */
export type PlanChooser = (config: LotteryConfig, dataDigest: string) => Promise<HashedPlan>;

/**
 * Chooses plan tables as {@linkcode planForSettings} does when going on, for many settings: each run that is there is read once at most.
 *
 * @returns a function that throws a UsageError when several runs could be meant
 */
export async function planChooser(runs: string, given: HashedPlan | undefined): Promise<PlanChooser> {
  if (given) return () => Promise.resolve(given);
  const shipped = await hashedShipped();
  const ids = new Set(runIds(runs));
  const scans = new Map<string, Promise<RunScan>>();
  return async (config, dataDigest) => {
    if (ids.has(await runId(config, { dataDigest, planHash: shipped.hash }))) return shipped;
    const scan = scans.get(config.preset) ??
      scanRuns(runs, [...ids].filter((id) => id.startsWith(`${config.preset}-`)));
    scans.set(config.preset, scan);
    const others = await (await scan).equalTo(config, dataDigest);
    const byHash = new Map(others.map((own) => [own.manifest.planHash, own]));
    if (byHash.size > 1) {
      throw new UsageError(
        `Cannot tell which run to go on with: ${
          [...byHash.values()].map(({ base }) => base).join(", ")
        } have these settings, each with a plan table of its own. Name one: --resume ID.`,
      );
    }
    const [other] = byHash.values();
    return other ? { ...await planOfManifest(other.manifest), hash: other.manifest.planHash } : shipped;
  };
}

async function hashedShipped(): Promise<HashedPlan> {
  return { ...shippedPlan, hash: await planHashOf(shippedPlan.table) };
}

/**
 * Refuses settings that would make another run of a named one.
 *
 * @throws {UsageError} when they do, or the data set has other files by now
 */
export async function refuseOtherRun(
  { id, config: before, manifest: { data, planHash } }: NamedRun,
  config: LotteryConfig,
  dataDigest: string,
): Promise<void> {
  const idOf = (own: LotteryConfig): Promise<string> => runId(own, { dataDigest: data.digest, planHash });
  if (await idOf(config) !== await idOf(before)) {
    throw new UsageError(
      `Cannot go on with run ${id} by other settings: they make another run. Of a run that is there, levels, replicates, draws, ` +
        "controls and what is saved may change; leave the other flags out, or start a run without naming this one.",
    );
  }
  if (dataDigest === data.digest) return;
  throw new UsageError(
    `Cannot go on with run ${id}: the files of ${data.name} are not those that it began on (digest ` +
      `${dataDigest.slice(0, 16)}, and it was ${data.digest.slice(0, 16)}). Give those with --data-dir.`,
  );
}

/**
 * Reads the file of `--plan`: a plan table, or a run's manifest.json, which has one.
 *
 * @throws {UsageError} when it cannot be read, or is none
 */
export async function readPlan(path: string): Promise<HashedPlan> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `Cannot read --plan ${path}: ${reason}. Give the file that \`deno task bench calibrate\` wrote.`,
      { cause },
    );
  }
  try {
    const value: unknown = JSON.parse(text);
    const table = parsePlanTable(tableIn(value));
    return { from: basename(path), table, hash: await planHashOf(table) };
  } catch (cause) {
    const reason = cause instanceof RangeError
      ? cause.message
      : `it is not JSON (${legible(cause instanceof Error ? cause.message : String(cause), 200)}).`;
    throw new UsageError(`Cannot use --plan ${path}: ${reason}`, { cause });
  }
}

/** A manifest's table; of anything else the thing itself. */
function tableIn(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("plan" in value)) return value;
  const { plan } = value;
  return typeof plan === "object" && plan !== null && "table" in plan ? plan.table : value;
}

/** A named run's settings with what is asked beside them. */
export function configOfNamed(
  { config }: NamedRun,
  changes: Readonly<Record<string, unknown>>,
): LotteryConfig {
  return parseConfig({ ...config, ...changes });
}
