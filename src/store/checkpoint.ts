/**
 * Checkpoints: a snapshot as safetensors, with a checksum inside, and the one before it beside it.
 *
 * A checkpoint stays after its run is finished, because levels, replicates and controls can be added to a run: what is wanted
 * and not in the checkpoint is what `lottery()` then trains.
 *
 * @module
 */
import { join } from "node:path";
import {
  float32,
  formatSafetensors,
  parseSafetensors,
  type StoredTensor,
  storeTensor,
  uint32,
} from "../data/safetensors.ts";
import { sha256 } from "../data/sha256.ts";
import type { LayerCount, LevelRecord, LevelTiming, RewindPoint, Snapshot, TicketMask } from "../lottery/types.ts";
import { explain, readOptional, writeWhole } from "./files.ts";

const format = "winnow-checkpoint";
const version = "1";

/**
 * A snapshot as a file: masks as U32 tensors, what tickets are rewound to as F32 ones, everything else as JSON in the metadata.
 *
 * @param run the run's id
 */
export async function formatCheckpoint(snapshot: Snapshot, run: string): Promise<Uint8Array<ArrayBuffer>> {
  const tensors: Record<string, StoredTensor> = {};
  for (const mask of snapshot.masks) tensors[nameOf(mask)] = storeTensor([mask.words.length], mask.words);
  for (const { replicate, values } of snapshot.rewinds) {
    tensors[`rewind.replicate-${replicate}`] = storeTensor([values.length], values);
  }
  const state = JSON.stringify({ records: snapshot.records, timings: snapshot.timings });
  const checksum = await checksumOf(run, state, tensors);
  return formatSafetensors(tensors, { format, version, run, state, sha256: checksum });
}

/**
 * Reads a checkpoint.
 *
 * @param run the id of the run that it should belong to
 * @throws {SyntaxError} when it is damaged, of another run, or of another format
 */
export async function parseCheckpoint(bytes: Uint8Array<ArrayBuffer>, run: string, name: string): Promise<Snapshot> {
  const { metadata, tensors } = parseSafetensors(bytes, name);
  const refuse = (why: string): SyntaxError => new SyntaxError(`Cannot read ${name}: ${why}.`);
  if (metadata["format"] !== format || metadata["version"] !== version) {
    throw refuse(`it is ${metadata["format"]} ${metadata["version"]} where ${format} ${version} is wanted`);
  }
  if (metadata["run"] !== run) throw refuse("it belongs to another run");
  const { state = "", sha256: checksum } = metadata;
  if (await checksumOf(run, state, Object.fromEntries(tensors)) !== checksum) throw refuse("its checksum does not fit");
  const parsed: unknown = JSON.parse(state);
  if (!isState(parsed)) throw refuse("its records are not of the form that this version writes");
  const masks: TicketMask[] = [];
  const rewinds: RewindPoint[] = [];
  for (const [tensor, stored] of tensors) {
    const [, level, own] = /^mask\.level-(\d+)\.replicate-(\d+)$/.exec(tensor) ?? [];
    const [, rewound] = /^rewind\.replicate-(\d+)$/.exec(tensor) ?? [];
    if (level !== undefined && own !== undefined) {
      masks.push({ level: Number(level), replicate: Number(own), words: uint32(stored).slice() });
    } else if (rewound !== undefined) {
      rewinds.push({ replicate: Number(rewound), values: float32(stored).slice() });
    } else {
      throw refuse(`${tensor} is neither a mask nor values to rewind to`);
    }
  }
  masks.sort((a, b) => a.level - b.level || a.replicate - b.replicate);
  rewinds.sort((a, b) => a.replicate - b.replicate);
  return { records: parsed.records, timings: parsed.timings, masks, rewinds };
}

/** The checkpoints of a run's folder. */
export class CheckpointStore {
  readonly #folder: string;
  readonly #run: string;
  #currentIsWhole = true;

  /**
   * @param folder the run's
   * @param run the run's id
   */
  constructor(folder: string, run: string) {
    this.#folder = folder;
    this.#run = run;
  }

  /**
   * The newest whole checkpoint; undefined when there is none.
   *
   * @param warn told when a damaged one was passed over
   */
  async load(warn: (message: string) => void): Promise<Snapshot | undefined> {
    for (const path of [this.#current, this.#previous]) {
      const bytes = await readOptional(path);
      if (!bytes) continue;
      try {
        return await parseCheckpoint(bytes, this.#run, path);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        if (path === this.#current) this.#currentIsWhole = false;
        warn(
          `${error.message} ${
            path === this.#current
              ? "Going back to the one before it."
              : "What it held is trained again, and must come out as recorded."
          }`,
        );
      }
    }
    return undefined;
  }

  /** Writes a checkpoint. The one before it is kept, unless it was damaged. */
  async save(snapshot: Snapshot): Promise<void> {
    const fresh = join(this.#folder, "checkpoint.new.safetensors");
    await writeWhole(fresh, await formatCheckpoint(snapshot, this.#run));
    try {
      if (this.#currentIsWhole) await renameOptional(this.#current, this.#previous);
      await Deno.rename(fresh, this.#current);
    } catch (cause) {
      throw explain(cause, "write", this.#current);
    }
    this.#currentIsWhole = true;
  }

  get #current(): string {
    return join(this.#folder, "checkpoint.safetensors");
  }

  get #previous(): string {
    return join(this.#folder, "checkpoint.previous.safetensors");
  }
}

async function renameOptional(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function nameOf({ level, replicate }: Pick<TicketMask, "level" | "replicate">): string {
  return `mask.level-${String(level).padStart(2, "0")}.replicate-${replicate}`;
}

async function checksumOf(
  run: string,
  state: string,
  tensors: Readonly<Record<string, StoredTensor>>,
): Promise<string> {
  const digests: [string, string][] = [];
  for (const name of Object.keys(tensors).sort()) {
    const tensor = tensors[name];
    if (tensor) digests.push([name, await sha256(tensor.data)]);
  }
  return await sha256(new TextEncoder().encode(JSON.stringify([format, version, run, state, digests])));
}

function isState(
  value: unknown,
): value is { readonly records: readonly LevelRecord[]; readonly timings: readonly LevelTiming[] } {
  return isObject(value) && Array.isArray(value["records"]) && value["records"].every(isRecord) &&
    Array.isArray(value["timings"]) && value["timings"].every(isTiming);
}

function isRecord(value: unknown): value is LevelRecord {
  if (!isObject(value)) return false;
  const numbers = ["level", "replicate", "draw", "seed", "remaining"];
  const orNull = [
    "divergedAt",
    "earlyStopIteration",
    "validationLossAtEarlyStop",
    "testAccuracyAtEarlyStop",
    "trainAccuracyAtEarlyStop",
    "testAccuracyAtEnd",
    "trainAccuracyAtEnd",
  ];
  return (value["arm"] === "ticket" || value["arm"] === "reinit") &&
    (value["status"] === "ok" || value["status"] === "diverged") &&
    numbers.every((key) => typeof value[key] === "number") &&
    orNull.every((key) => value[key] === null || typeof value[key] === "number") &&
    Array.isArray(value["layers"]) && value["layers"].every(isLayerCount);
}

function isLayerCount(value: unknown): value is LayerCount {
  return isObject(value) && typeof value["name"] === "string" && typeof value["size"] === "number" &&
    typeof value["kept"] === "number";
}

function isTiming(value: unknown): value is LevelTiming {
  return isObject(value) && ["level", "seconds", "stepMs"].every((key) => typeof value[key] === "number") &&
    isObject(value["plan"]) && Object.values(value["plan"]).every((kernels) => typeof kernels === "string");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
