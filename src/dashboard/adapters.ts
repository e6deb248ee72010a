/**
 * Who computed the runs, and who would compute now.
 *
 * @module
 */
import { join } from "node:path";
import { Gpu } from "../gpu/gpu.ts";
import { isManifest } from "../store/manifest.ts";
import { readJson } from "../store/run_files.ts";
import type { AdapterReport, RecordedAdapter } from "./types.ts";

/** Longest wait for an adapter to answer; lavapipe takes 0.2 seconds, a driver that compiles for the first time a few. */
const waitMs = 8_000;

/** What of a report depends on this machine. */
export type LiveAdapter = Pick<AdapterReport, "live" | "problem">;

/**
 * The adapter that answers now. A device is opened and closed again.
 *
 * @param entry the WebGPU entry point; `navigator.gpu` when left out
 */
export async function liveAdapter(entry?: Pick<GPU, "requestAdapter">, most = waitMs): Promise<LiveAdapter> {
  const { promise: late, resolve } = Promise.withResolvers<LiveAdapter>();
  const timer = setTimeout(() => {
    resolve({ live: undefined, problem: `The adapter did not answer within ${most / 1000} seconds.` });
  }, most);
  try {
    return await Promise.race([ask(entry), late]);
  } catch (error) {
    return { live: undefined, problem: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

async function ask(entry: Pick<GPU, "requestAdapter"> | undefined): Promise<LiveAdapter> {
  await using gpu = await Gpu.open(entry ? { entry } : {});
  return { live: { ...gpu.adapter, limits: gpu.limits }, problem: null };
}

/** The adapters that runs were made on, as their manifests say, those with most runs first. */
export async function recordedAdapters(runs: string, ids: readonly string[]): Promise<RecordedAdapter[]> {
  const byAdapter = new Map<string, RecordedAdapter & { readonly runs: string[] }>();
  const manifests = await Promise.all(
    ids.map((id) => readJson(join(runs, id, "manifest.json")).catch(() => undefined)),
  );
  for (const [index, manifest] of manifests.entries()) {
    const id = ids[index];
    if (id === undefined || !isManifest(manifest)) continue;
    const { name, driver, kind } = manifest.adapter;
    const key = JSON.stringify([name, driver, kind]);
    const known = byAdapter.get(key) ?? { name, driver, kind, runs: [] };
    byAdapter.set(key, known);
    known.runs.push(id);
  }
  return [...byAdapter.values()].sort((a, b) => b.runs.length - a.runs.length || (a.name < b.name ? -1 : 1));
}
