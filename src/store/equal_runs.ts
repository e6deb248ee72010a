/**
 * Runs of equal settings, whichever plan table each of them goes by.
 *
 * @module
 */
import { join } from "node:path";
import { type IdentityContext, type LotteryConfig, runId } from "../lottery/config.ts";
import { isManifest, type Manifest } from "./manifest.ts";
import { readJson } from "./run_files.ts";

/** A run of some settings. */
export interface EqualRun {
  /** Its id. */
  readonly id: string;
  /** The id without the number that `--fresh` puts behind it. */
  readonly base: string;
  /** What it was made with. */
  readonly manifest: Manifest;
}

/** The runs of a folder, read once to be asked for many settings. */
export interface RunScan {
  /**
   * The runs that have these settings, in the order of the ids.
   *
   * @param dataDigest of the data set; runs on other data are left out then
   */
  readonly equalTo: (config: LotteryConfig, dataDigest?: string) => Promise<EqualRun[]>;
}

/** Files that are read at once; some systems let a process have 256 of them open. */
const atOnce = 64;

/**
 * Reads what runs were made with. Nothing is loaded for it: data and plan table are what the manifests say. Runs without a manifest
 * that can be read are passed over.
 */
export async function scanRuns(runs: string, ids: readonly string[]): Promise<RunScan> {
  // Runs of one data set and plan table: there are few such groups, and settings have one id in each.
  const groups = new Map<string, { readonly context: IdentityContext; readonly byBase: Map<string, Found[]> }>();
  for (let from = 0; from < ids.length; from += atOnce) {
    const part = ids.slice(from, from + atOnce);
    const read = part.map((id) => readJson(join(runs, id, "manifest.json")).catch(() => undefined));
    for (const [index, manifest] of (await Promise.all(read)).entries()) {
      const id = part[index];
      if (id === undefined || !isManifest(manifest)) continue;
      const context = { dataDigest: manifest.data.digest, planHash: manifest.planHash };
      const key = `${context.dataDigest} ${context.planHash}`;
      const group = groups.get(key) ?? { context, byBase: new Map<string, Found[]>() };
      groups.set(key, group);
      for (const base of new Set([id, withoutNumber(id)])) {
        group.byBase.set(base, [...group.byBase.get(base) ?? [], { place: from + index, id, manifest }]);
      }
    }
  }
  return {
    equalTo: async (config, dataDigest) => {
      const found: (Found & EqualRun)[] = [];
      for (const { context, byBase } of groups.values()) {
        if (dataDigest !== undefined && context.dataDigest !== dataDigest) continue;
        const base = await runId(config, context);
        for (const own of byBase.get(base) ?? []) found.push({ ...own, base });
      }
      return found.sort((a, b) => a.place - b.place).map(({ id, base, manifest }) => ({ id, base, manifest }));
    },
  };
}

interface Found {
  readonly place: number;
  readonly id: string;
  readonly manifest: Manifest;
}

/**
 * The runs that have these settings, in the order of the ids. Of many settings {@linkcode scanRuns} reads the runs once.
 *
 * @param dataDigest of the data set; runs on other data are left out then
 */
export async function equalRuns(
  runs: string,
  ids: readonly string[],
  config: LotteryConfig,
  dataDigest?: string,
): Promise<EqualRun[]> {
  const scan = await scanRuns(runs, ids.filter((id) => id.startsWith(`${config.preset}-`)));
  return await scan.equalTo(config, dataDigest);
}

/** Whether an id is another's with a number behind it, as `--fresh` makes them. */
export function isNumbered(id: string, base: string): boolean {
  return id !== base && withoutNumber(id) === base;
}

function withoutNumber(id: string): string {
  return id.replace(/-[1-9]\d*$/, "");
}
