/**
 * Runs of equal settings, whichever plan table each of them goes by.
 *
 * @module
 */
import { join } from "node:path";
import { type LotteryConfig, runId } from "../lottery/config.ts";
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

/**
 * The runs that have these settings, in the order of the ids. Nothing is loaded for it: data and plan table are what the manifests
 * say. Runs without a manifest that can be read are passed over.
 *
 * @param dataDigest of the data set; runs on other data are left out then
 */
export async function equalRuns(
  runs: string,
  ids: readonly string[],
  config: LotteryConfig,
  dataDigest?: string,
): Promise<EqualRun[]> {
  const found: EqualRun[] = [];
  const bases = new Map<string, string>();
  for (const id of ids) {
    if (!id.startsWith(`${config.preset}-`)) continue;
    const manifest = await readJson(join(runs, id, "manifest.json")).catch(() => undefined);
    if (!isManifest(manifest)) continue;
    const { data: { digest }, planHash } = manifest;
    if (dataDigest !== undefined && digest !== dataDigest) continue;
    const key = `${digest} ${planHash}`;
    const base = bases.get(key) ?? await runId(config, { dataDigest: digest, planHash });
    bases.set(key, base);
    if (id === base || isNumbered(id, base)) found.push({ id, base, manifest });
  }
  return found;
}

/** Whether an id is another's with a number behind it, as `--fresh` makes them. */
export function isNumbered(id: string, base: string): boolean {
  return id.startsWith(`${base}-`) && /^[1-9]\d*$/.test(id.slice(base.length + 1));
}
