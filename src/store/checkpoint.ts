/**
 * Checkpoints: a snapshot as safetensors, with a checksum inside, and the one before it beside it.
 *
 * A checkpoint stays after its run is finished, because levels, replicates and controls can be added to a run: what is wanted
 * and not in the checkpoint is what `lottery()` then trains.
 *
 * @module
 */
import { join } from "node:path";
import { legible } from "../data/quoted.ts";
import {
  float32,
  formatSafetensors,
  parseSafetensors,
  parseSafetensorsMetadata,
  safetensorsHeaderEnd,
  safetensorsLengthBytes,
  type StoredTensor,
  storeTensor,
  uint32,
} from "../data/safetensors.ts";
import { sha256 } from "../data/sha256.ts";
import { armNames, isArmName } from "../lottery/arms/names.ts";
import type {
  Evaluation,
  LayerCount,
  LevelRecord,
  LevelTiming,
  NetworkKey,
  PartialNetwork,
  RewindPoint,
  Snapshot,
  TicketMask,
  TrainedValues,
} from "../lottery/types.ts";
import { explain, readingAnew, readOptional, readUpTo, syncFolder, writeWhole } from "./files.ts";

const format = "winnow-checkpoint";

/**
 * Version 2 added the networks within their level, version 3 masks of other arms than the tickets and trained values; without
 * any, it says what version 1 does.
 */
const version = "3";
const readable: readonly string[] = ["1", "2", version];

/** What of a network within its level stands in the metadata; the rest is tensors. */
type PartialEntry =
  & NetworkKey
  & Pick<PartialNetwork, "iteration" | "seconds" | "stepMs" | "evaluations">
  & { readonly moments: number; readonly hasRewind: boolean };

/** What stands in the metadata as JSON. */
interface State {
  readonly records: readonly LevelRecord[];
  readonly timings: readonly LevelTiming[];
  readonly partial?: readonly PartialEntry[];
}

/**
 * A snapshot as a file: masks as U32 tensors, what tickets are rewound to and what arms go on from as F32 ones, likewise the parameters, best parameters,
 * moments and state of networks within their level; everything else as JSON in the metadata.
 *
 * @param run the run's id
 */
export async function formatCheckpoint(snapshot: Snapshot, run: string): Promise<Uint8Array<ArrayBuffer>> {
  const tensors: Record<string, StoredTensor> = {};
  for (const mask of snapshot.masks) tensors[nameOf(mask)] = storeTensor([mask.words.length], mask.words);
  for (const { replicate, values } of snapshot.rewinds) {
    tensors[`rewind.replicate-${replicate}`] = storeTensor([values.length], values);
  }
  for (const { arm, level, replicate, values } of snapshot.trained ?? []) {
    tensors[`trained.${arm}.${positionOf({ level, replicate })}`] = storeTensor([values.length], values);
  }
  const partial = (snapshot.partial ?? []).map((network): PartialEntry => {
    const { arm, level, replicate, draw, iteration, seconds, stepMs, evaluations, moments, rewind } = network;
    for (const [name, values] of partialTensors(network)) tensors[name] = storeTensor([values.length], values);
    const shape = { moments: moments.length, hasRewind: rewind !== undefined };
    return { arm, level, replicate, draw, iteration, seconds, stepMs, evaluations, ...shape };
  });
  const state = JSON.stringify({ records: snapshot.records, timings: snapshot.timings, partial });
  const checksum = await checksumOf(version, run, state, tensors);
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
  const parsed = stateOf(metadata, run, name);
  const { version: written = "", state = "", sha256: checksum } = metadata;
  const refuse = (why: string): SyntaxError => new SyntaxError(`Cannot read ${name}: ${why}.`);
  if (await checksumOf(written, run, state, Object.fromEntries(tensors)) !== checksum) {
    throw refuse("its checksum does not fit");
  }
  const take = (tensor: string): StoredTensor => {
    const stored = tensors.get(tensor);
    if (!stored) throw refuse(`${tensor} is missing`);
    return stored;
  };
  const partial = (parsed.partial ?? []).map(({ moments, hasRewind, ...entry }): PartialNetwork => {
    const name = partialName(entry);
    const floats = (what: string): Float32Array<ArrayBuffer> => float32(take(`${name}.${what}`)).slice();
    return {
      ...entry,
      parameters: floats("parameters"),
      best: floats("best"),
      moments: Array.from({ length: moments }, (_, index) => floats(`moment-${index + 1}`)),
      state: uint32(take(`${name}.state`)).slice(),
      ...(hasRewind ? { rewind: floats("rewind") } : {}),
    };
  });
  const ofPartial = new Set(partial.flatMap((network) => partialTensors(network).map(([tensor]) => tensor)));
  const masks: TicketMask[] = [];
  const rewinds: RewindPoint[] = [];
  const trained: TrainedValues[] = [];
  for (const [tensor, stored] of tensors) {
    if (ofPartial.has(tensor)) continue;
    const [, kind, arm = "ticket", level, own] =
      /^(mask|trained)(?:\.([a-z0-9.-]+))?\.level-(\d+)\.replicate-(\d+)$/.exec(tensor) ?? [];
    const [, rewound] = /^rewind\.replicate-(\d+)$/.exec(tensor) ?? [];
    const key = { level: Number(level), replicate: Number(own) };
    if (kind === "mask" && isArmName(arm)) masks.push({ arm, ...key, words: uint32(stored).slice() });
    else if (kind === "trained" && isArmName(arm)) trained.push({ arm, ...key, values: float32(stored).slice() });
    else if (rewound !== undefined) {
      rewinds.push({ replicate: Number(rewound), values: float32(stored).slice() });
    } else {
      throw refuse(`${legible(tensor)} is neither a mask, nor values to go on from, nor of a network in training`);
    }
  }
  for (const list of [masks, trained]) {
    list.sort((a, b) =>
      armNames.indexOf(a.arm) - armNames.indexOf(b.arm) || a.level - b.level || a.replicate - b.replicate
    );
  }
  rewinds.sort((a, b) => a.replicate - b.replicate);
  return {
    records: parsed.records,
    timings: parsed.timings,
    masks,
    rewinds,
    ...(trained.length > 0 ? { trained } : {}),
    ...(partial.length > 0 ? { partial } : {}),
  };
}

/** What a checkpoint's metadata hold, when it is one of that run. */
function stateOf(metadata: Readonly<Record<string, string>>, run: string, name: string): State {
  const refuse = (why: string): SyntaxError => new SyntaxError(`Cannot read ${name}: ${why}.`);
  const { version: written = "", state = "" } = metadata;
  if (metadata["format"] !== format || !readable.includes(written)) {
    throw refuse(
      `it is ${legible(metadata["format"] ?? "")} ${legible(written)} where ${format} ${
        readable.join(" or ")
      } is wanted`,
    );
  }
  if (metadata["run"] !== run) throw refuse("it belongs to another run");
  let parsed: unknown;
  try {
    parsed = JSON.parse(state);
  } catch {
    throw refuse("its records are no JSON");
  }
  if (!isState(parsed)) throw refuse("its records are not of the form that this version writes");
  return parsed;
}

/** What of a checkpoint stands in its metadata: everything but tensors. */
export interface CheckpointState extends Pick<Snapshot, "records" | "timings"> {
  /** Networks within their level, without their arenas. */
  readonly partial: readonly (NetworkKey & Pick<PartialNetwork, "iteration" | "seconds" | "stepMs" | "evaluations">)[];
}

/**
 * What a checkpoint's metadata say, without reading its tensors, which are most of it: its checksum, which is over them too, is
 * not verified. Undefined when there is no such file.
 *
 * @param run the id of the run that it should belong to
 * @throws {SyntaxError} when the header is damaged, of another run, or of another format
 * @throws {StorageError} when it cannot be read
 */
export async function readCheckpointState(path: string, run: string): Promise<CheckpointState | undefined> {
  const header = await readHeader(path);
  if (!header) return undefined;
  const { records, timings, partial = [] } = stateOf(parseSafetensorsMetadata(header, path), run, path);
  return { records, timings, partial };
}

/** The bytes of a safetensors file up to the end of its header, or of the file. */
async function readHeader(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readingAnew(async () => {
      using file = await Deno.open(path, { read: true });
      const length = await readUpTo(file, safetensorsLengthBytes);
      const end = Math.min(safetensorsHeaderEnd(length, path), (await file.stat()).size);
      const rest = await readUpTo(file, end - length.length);
      const bytes = new Uint8Array(length.length + rest.length);
      bytes.set(length);
      bytes.set(rest, length.length);
      return bytes;
    });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause instanceof SyntaxError ? cause : explain(cause, "read", path);
  }
}

/** The checkpoints of a run's folder. */
export class CheckpointStore {
  readonly #folder: string;
  readonly #run: string;
  #currentIsWhole = true;
  #previousIsPartial = false;
  #currentIsPartial = false;

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
        const snapshot = await parseCheckpoint(bytes, this.#run, path);
        if (path === this.#current) this.#currentIsPartial = snapshot.partial !== undefined;
        return snapshot;
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
    const bytes = await formatCheckpoint(snapshot, this.#run);
    let isMoved = false;
    try {
      await writeWhole(fresh, bytes);
      if (this.#currentIsWhole) {
        await renameOptional(this.#current, this.#previous);
        isMoved = true;
        this.#previousIsPartial = this.#currentIsPartial;
      }
      await Deno.rename(fresh, this.#current);
      isMoved = false;
      await syncFolder(this.#folder);
    } catch (cause) {
      // A finished run writes no other in its place: what is there is to stand where it is looked for.
      await Deno.remove(fresh).catch(() => {});
      if (isMoved) await renameOptional(this.#previous, this.#current).catch(() => {});
      throw explain(cause, "write", this.#current);
    }
    this.#currentIsWhole = true;
    this.#currentIsPartial = snapshot.partial !== undefined;
  }

  /**
   * Writes the last checkpoint of a run. Where the one before it stands within a level, it is replaced too: arenas of networks
   * in training are most of a checkpoint's size, and nothing of a finished run's.
   */
  async finish(snapshot: Snapshot): Promise<void> {
    if (this.#previousIsPartial && !this.#currentIsPartial) await this.save(snapshot);
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

function nameOf({ arm, ...at }: Pick<TicketMask, "arm" | "level" | "replicate">): string {
  return `mask.${arm === "ticket" ? "" : `${arm}.`}${positionOf(at)}`;
}

function positionOf({ level, replicate }: Pick<TicketMask, "level" | "replicate">): string {
  return `level-${String(level).padStart(2, "0")}.replicate-${replicate}`;
}

/** What of a network within its level is stored as tensors, by name. */
function partialTensors(
  network: PartialNetwork,
): [name: string, values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>][] {
  const name = partialName(network);
  const { parameters, best, moments, state, rewind } = network;
  return [
    [`${name}.parameters`, parameters],
    [`${name}.best`, best],
    ...moments.map((values, index): [string, Float32Array<ArrayBuffer>] => [`${name}.moment-${index + 1}`, values]),
    [`${name}.state`, state],
    ...(rewind ? [[`${name}.rewind`, rewind] satisfies [string, Float32Array<ArrayBuffer>]] : []),
  ];
}

function partialName({ arm, level, replicate, draw }: NetworkKey): string {
  return `partial.${arm}.${positionOf({ level, replicate })}.draw-${draw}`;
}

async function checksumOf(
  version: string,
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

function isState(value: unknown): value is State {
  return isObject(value) && Array.isArray(value["records"]) && value["records"].every(isLevelRecord) &&
    Array.isArray(value["timings"]) && value["timings"].every(isLevelTiming) &&
    (value["partial"] === undefined || Array.isArray(value["partial"]) && value["partial"].every(isPartial));
}

function isPartial(value: unknown): value is PartialEntry {
  return isObject(value) && isArmName(value["arm"]) &&
    ["level", "replicate", "draw", "iteration", "moments"].every((key) => Number.isSafeInteger(value[key])) &&
    ["seconds", "stepMs"].every((key) => typeof value[key] === "number") && typeof value["hasRewind"] === "boolean" &&
    Array.isArray(value["evaluations"]) && value["evaluations"].every(isEvaluation);
}

function isEvaluation(value: unknown): value is Evaluation {
  return isObject(value) && isArmName(value["arm"]) &&
    ["level", "replicate", "draw", "iteration", "validationAccuracy", "testAccuracy"]
      .every((key) => typeof value[key] === "number") &&
    ["trainLoss", "validationLoss", "testLoss"]
      .every((key) => value[key] === null || typeof value[key] === "number");
}

/** Whether a value is a record of a trained network; what `JSON.parse` gives is not trusted. */
export function isLevelRecord(value: unknown): value is LevelRecord {
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
  return isArmName(value["arm"]) &&
    (value["status"] === "ok" || value["status"] === "diverged") &&
    numbers.every((key) => typeof value[key] === "number") &&
    orNull.every((key) => value[key] === null || typeof value[key] === "number") &&
    Array.isArray(value["layers"]) && value["layers"].every(isLayerCount);
}

function isLayerCount(value: unknown): value is LayerCount {
  return isObject(value) && typeof value["name"] === "string" && typeof value["size"] === "number" &&
    typeof value["kept"] === "number";
}

/** Whether a value says how a level ran. */
export function isLevelTiming(value: unknown): value is LevelTiming {
  return isObject(value) && ["level", "seconds", "stepMs"].every((key) => typeof value[key] === "number") &&
    isObject(value["plan"]) && Object.values(value["plan"]).every((kernels) => typeof kernels === "string");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
