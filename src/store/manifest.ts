/**
 * What a run was made with: versions, adapter, data, plan. With `config.json`, all that it takes to make it again.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };
import type { Dataset } from "../data/dataset.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import { parsePlanTable, planHashOf } from "../lottery/plan_table.ts";
import { type PlanTable, planTable } from "../nn/plan.ts";
import { CorruptRunError } from "./errors.ts";

/** One process that trained for a run. */
export interface Session {
  /** When it began, in UTC. */
  readonly started: string;
  /** Winnow's version. */
  readonly winnow: string;
  /** The commit of Winnow's source, where it lies in a git repository. */
  readonly gitRevision: string | null;
  /** Deno's version; it brings the shader compiler. */
  readonly deno: string;
  /** V8's version. */
  readonly v8: string;
  /** Operating system and architecture. */
  readonly platform: string;
}

/** The plan table that a run goes by, whatever ships by then. */
export interface RecordedPlan {
  /** `shipped` with the source, or the name of the file that `--plan` gave. */
  readonly from: string;
  /** The table. */
  readonly table: PlanTable;
}

/** `manifest.json`. */
export interface Manifest {
  /** Version of this format; 1 had no plan table, only its hash. */
  readonly schema: 1 | 2;
  /** The run's id. */
  readonly id: string;
  /** Who computed; a run stays with one adapter. */
  readonly adapter: AdapterInfo;
  /** The data set and its digests. */
  readonly data: Pick<Dataset, "name" | "digest" | "original" | "files">;
  /** Hash of what numbers depend on in the plan table. */
  readonly planHash: string;
  /** The plan table itself; left out in schema 1. */
  readonly plan?: RecordedPlan;
  /** Everything that trained for it, in order. */
  readonly sessions: readonly Session[];
}

/** This process. */
export async function thisSession(): Promise<Session> {
  return {
    started: new Date().toISOString(),
    winnow: project.version,
    gitRevision: await gitRevision(new URL("../../.git/", import.meta.url)),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
  };
}

/** What of a session's versions differs from another's, in words; empty when nothing does. */
export function versionChanges(before: Session, now: Session): string {
  return (["winnow", "deno"] as const)
    .filter((name) => before[name] !== now[name])
    .map((name) => `${name} ${before[name]} → ${now[name]}`)
    .join(", ");
}

/** Whether a value is a manifest; what `JSON.parse` gives is not trusted. */
export function isManifest(value: unknown): value is Manifest {
  return isObject(value) && (value["schema"] === 1 || value["schema"] === 2 && isRecordedPlan(value["plan"])) &&
    typeof value["id"] === "string" && isAdapter(value["adapter"]) &&
    isObject(value["data"]) && typeof value["data"]["digest"] === "string" && typeof value["planHash"] === "string" &&
    Array.isArray(value["sessions"]) && value["sessions"].every(isSession);
}

/**
 * The plan table that a run began with.
 *
 * @throws {CorruptRunError} when the table is not the one of its hash
 * @throws {RangeError} when the run was begun before tables were recorded, with one that does not ship any more
 */
export async function planOfManifest({ id, plan, planHash }: Manifest): Promise<RecordedPlan> {
  if (plan) {
    if (await planHashOf(plan.table) === planHash) return plan;
    throw new CorruptRunError(
      `Cannot go on with run ${id}: the plan table in its manifest.json is not the one that it began with, whose hash is ` +
        `${planHash}. Restore the file, or start again.`,
    );
  }
  if (await planHashOf(planTable) === planHash) return shippedPlan;
  throw new RangeError(
    `Cannot go on with run ${id}: it began with a plan table of hash ${planHash}, which it did not record and which does not ship ` +
      "any more. Go on with the version of Winnow that its manifest.json names, or start again.",
  );
}

/** Whether it takes `--plan` with the run's manifest.json to make a run again: it goes by another table than ships now, and has it. */
export async function hasOwnPlan(manifest: Pick<Manifest, "plan" | "planHash"> | undefined): Promise<boolean> {
  return manifest?.plan !== undefined && manifest.planHash !== await planHashOf(planTable);
}

/** The table that ships with the source. */
export const shippedPlan: RecordedPlan = { from: "shipped", table: planTable };

/** The commit that a repository's HEAD stands at, without running git; null when there is none to be read. */
export async function gitRevision(folder: URL): Promise<string | null> {
  try {
    const head = (await Deno.readTextFile(new URL("HEAD", folder))).trim();
    const reference = /^ref: (refs\/[\w./-]+)$/.exec(head)?.[1];
    const revision = reference === undefined ? head : await readReference(folder, reference);
    return /^[0-9a-f]{40,64}$/.test(revision) ? revision : null;
  } catch {
    return null;
  }
}

async function readReference(folder: URL, reference: string): Promise<string> {
  try {
    return (await Deno.readTextFile(new URL(reference, folder))).trim();
  } catch {
    const packed = await Deno.readTextFile(new URL("packed-refs", folder));
    return packed.split("\n").find((line) => line.endsWith(` ${reference}`))?.split(" ")[0] ?? "";
  }
}

function isAdapter(value: unknown): value is AdapterInfo {
  return isObject(value) && typeof value["name"] === "string" && typeof value["driver"] === "string" &&
    (value["kind"] === "software" || value["kind"] === "gpu");
}

function isSession(value: unknown): value is Session {
  return isObject(value) && ["started", "winnow", "deno", "v8"].every((key) => typeof value[key] === "string");
}

function isRecordedPlan(value: unknown): boolean {
  if (!isObject(value) || typeof value["from"] !== "string" || value["from"].length > 255) return false;
  try {
    parsePlanTable(value["table"]);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
