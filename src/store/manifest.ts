/**
 * What a run was made with: versions, adapter, data, plan. With `config.json`, all that it takes to make it again.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };
import type { Dataset } from "../data/dataset.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";

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

/** `manifest.json`. */
export interface Manifest {
  /** Version of this format. */
  readonly schema: 1;
  /** The run's id. */
  readonly id: string;
  /** Who computed; a run stays with one adapter. */
  readonly adapter: AdapterInfo;
  /** The data set and its digests. */
  readonly data: Pick<Dataset, "name" | "digest" | "original" | "files">;
  /** Hash of the plan table. */
  readonly planHash: string;
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
  return isObject(value) && value["schema"] === 1 && typeof value["id"] === "string" && isAdapter(value["adapter"]) &&
    isObject(value["data"]) && typeof value["data"]["digest"] === "string" && typeof value["planHash"] === "string" &&
    Array.isArray(value["sessions"]) && value["sessions"].every(isSession);
}

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

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
