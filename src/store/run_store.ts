/**
 * A run's folder: what is in it, and the one writer that puts there what `lottery()` tells.
 *
 * ```
 * <id>/config.json               the full configuration; levels, replicates and controls grow when they are added to the run
 *      manifest.json             versions, adapter, data digests, plan table
 *      metrics.jsonl             one line per evaluation of a ticket. No times
 *      histograms.jsonl          per ticket and layer: weights before and after training
 *      timings.jsonl             one line per level that was trained
 *      checkpoint.safetensors, checkpoint.previous.safetensors   where to go on, between levels and within one
 *      stop                      made by somebody else: the run stops at its next step, and removes it
 *      tickets/ticket-level-07-replicate-1.safetensors   mask, initial values, and those it is rewound to where they differ
 *      finals/ticket-level-07-replicate-1.safetensors    trained values
 *      arms/reinit-<hash>/…      a control: its own config, metrics, histograms, tickets, finals
 *      summary.json              the run in one object, at the end
 *      lock                      who is writing, while somebody is
 * ```
 *
 * Nothing is written before training begins. What is recorded is never rewritten: a replay after a kill must bring the same
 * lines again.
 *
 * @module
 */
import { join } from "node:path";
import { summarize, type Summary } from "../analysis/summary.ts";
import type { Dataset } from "../data/dataset.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import { isArmName } from "../lottery/arms/names.ts";
import { controlId, type ControlName, type LotteryConfig, parseConfig } from "../lottery/config.ts";
import { formatModel, formatTicket, modelOf, ticketOf } from "../lottery/ticket.ts";
import type {
  ArmName,
  Evaluation,
  LotteryEvent,
  NetworkKey,
  PartialNetwork,
  Snapshot,
  TrainedNetwork,
} from "../lottery/types.ts";
import { firstIterationOf, wantedNetworks, withBoth } from "../lottery/wanted.ts";
import { CheckpointStore } from "./checkpoint.ts";
import { CorruptRunError, RunInUseError } from "./errors.ts";
import { explain, makeFolder, readOptional, removeTemporaries, writeJson, writeWhole } from "./files.ts";
import { histogramsOf } from "./histograms.ts";
import { LineLog } from "./line_log.ts";
import { RunLock } from "./lock.ts";
import { isManifest, type Manifest, type RecordedPlan, thisSession, versionChanges } from "./manifest.ts";

/** What a run is about. */
export interface RunDescription {
  /** The run's id, as `runId()` gives it: the name of its folder. */
  readonly id: string;
  /** What is wanted. */
  readonly config: LotteryConfig;
  /** The data set that it trains on. */
  readonly dataset: Pick<Dataset, "name" | "digest" | "original" | "files">;
  /** Hash of the plan table. */
  readonly planHash: string;
  /** The plan table, which is recorded; left out by who only reads. */
  readonly plan?: RecordedPlan;
}

/** How to open a run. */
export interface OpenRunOptions {
  /** Told what a user should know but need not act on. */
  readonly warn?: (message: string) => void;
  /** The scheduler's name of the task that this process carries out, such as `1234_7`: one that is started again goes on at once. */
  readonly job?: string | undefined;
}

/** How far a run has got. */
export interface RunProgress {
  /** `absent`: nothing recorded. `finished`: everything that is wanted. */
  readonly state: "absent" | "unfinished" | "finished";
  /** Networks that are wanted and trained. */
  readonly done: number;
  /** Networks that are wanted. */
  readonly wanted: number;
}

/** How often the folder is searched for a file `stop`, in milliseconds. */
const stopFileMs = 1000;

/** What only the lock's holder writes; tags and the like have other writers. */
const writtenHere = /^(?:(?:config|manifest|summary)\.json|timings\.jsonl|.+\.safetensors)$/;

/** The files of one arm. */
interface ArmFiles {
  readonly folder: string;
  readonly metrics: LineLog;
  readonly histograms: LineLog;
}

/** A run's folder, opened for reading and, once training starts, for writing. */
export class RunStore implements AsyncDisposable {
  /** The run's id. */
  readonly id: string;
  /** Its folder. */
  readonly folder: string;
  /** How far it had got when it was opened. */
  readonly progress: RunProgress;
  /** Where to go on from; undefined for a new run. */
  readonly snapshot: Snapshot | undefined;
  readonly #run: RunDescription;
  readonly #checkpoints: CheckpointStore;
  readonly #warn: (message: string) => void;
  readonly #job: string | undefined;
  readonly #arms = new Map<ArmName, ArmFiles>();
  readonly #owned = new AsyncDisposableStack();
  #config: LotteryConfig;
  #manifest: Manifest | undefined;
  #latest: Omit<Snapshot, "partial"> | undefined;
  #partial: Pick<PartialNetwork, "level" | "iteration"> | undefined;
  #stopSoughtAt = -Infinity;
  #timingsWritten = -1;
  #lock: RunLock | undefined;

  private constructor(
    run: RunDescription,
    folder: string,
    found: {
      readonly config: LotteryConfig | undefined;
      readonly manifest: Manifest | undefined;
      readonly snapshot: Snapshot | undefined;
      readonly checkpoints: CheckpointStore;
    },
    { warn = () => {}, job }: OpenRunOptions,
  ) {
    this.id = run.id;
    this.folder = folder;
    this.#run = run;
    this.#config = found.config ? withBoth(found.config, run.config) : run.config;
    this.#manifest = found.manifest;
    this.#checkpoints = found.checkpoints;
    this.#warn = warn;
    this.#job = job;
    this.snapshot = found.snapshot;
    this.#note(found.snapshot);
    const wanted = wantedNetworks(run.config);
    const records = new Set(found.snapshot?.records.map(nameOf));
    const done = wanted.filter((key) => records.has(nameOf(key))).length;
    const state = !found.config ? "absent" : done === wanted.length ? "finished" : "unfinished";
    this.progress = { state, done, wanted: wanted.length };
  }

  /**
   * Opens a run without changing anything: what is there is read, and nothing is created.
   *
   * @param runs the folder of all runs
   * @throws {CorruptRunError} when its files contradict each other
   * @throws {StorageError} when they cannot be read
   */
  static async open(runs: string, run: RunDescription, options: OpenRunOptions = {}): Promise<RunStore> {
    const { warn = () => {} } = options;
    const folder = join(runs, run.id);
    const config = await readChecked(join(folder, "config.json"), (value) => parseConfig(value));
    const manifest = await readChecked(join(folder, "manifest.json"), (value) => {
      if (!isManifest(value) || value.id !== run.id) throw new SyntaxError("it is not this run's manifest");
      return value;
    });
    const checkpoints = new CheckpointStore(folder, run.id);
    const snapshot = config ? await checkpoints.load(warn) : undefined;
    return new RunStore(run, folder, { config, manifest, snapshot, checkpoints }, options);
  }

  /** The run in one object, as far as it has got; undefined when nothing is recorded. */
  summary(): Summary | undefined {
    const adapter = this.#manifest?.adapter;
    return this.#latest && adapter
      ? summarize({ id: this.id, config: this.#config, adapter }, this.#latest)
      : undefined;
  }

  /** Where within a level the last checkpoint stands; undefined between levels. */
  get within(): { readonly level: number; readonly iteration: number } | undefined {
    return this.#partial;
  }

  /**
   * Whether somebody asks the run to stop by a file `stop` in its folder, which is removed then: for schedulers and for systems
   * without signals. Looks at most once a second.
   */
  async stopRequested(): Promise<boolean> {
    if (!this.#lock || performance.now() - this.#stopSoughtAt < stopFileMs) return false;
    this.#stopSoughtAt = performance.now();
    return await this.#removeStopFile();
  }

  /** Whether this process has begun to write. */
  get hasStarted(): boolean {
    return this.#lock !== undefined;
  }

  /**
   * Does what a finished run had yet to do when it was killed: writes its summary, and takes away the lock that it left behind. A
   * process that is just doing so is left alone.
   */
  async completeSummary(): Promise<void> {
    const path = join(this.folder, "summary.json");
    const lockPath = join(this.folder, "lock");
    const summary = this.summary();
    const isMissing = summary !== undefined && !await readOptional(path);
    if (!isMissing && !await readOptional(lockPath)) return;
    try {
      await using _ = await RunLock.acquire(lockPath, { job: this.#job });
      if (summary && !await readOptional(path)) await writeJson(path, summary);
    } catch (error) {
      if (!(error instanceof RunInUseError)) throw error;
    }
  }

  /**
   * Records what `lottery()` told.
   *
   * @throws {RunInUseError} when another process writes to the run, or took it over from this one: then nothing is written
   * @throws {CorruptRunError} when a replay differs from what is recorded
   * @throws {StorageError} when the disk does not take it; what was recorded before is whole
   */
  async record(event: LotteryEvent): Promise<void> {
    await this.#lock?.assertHeld();
    switch (event.type) {
      case "start":
        return await this.#start(event.adapter);
      case "evaluation":
        return await (await this.#arm(event.evaluation.arm)).metrics.append([metricLine(event.evaluation)]);
      case "level-end":
        for (const network of event.networks) await this.#keep(network);
        return;
      case "snapshot":
        return await this.#checkpoint(event.snapshot);
      case "end": {
        await this.#checkpoints.finish(event.snapshot);
        const summary = this.summary();
        if (summary) await writeJson(join(this.folder, "summary.json"), summary);
        return;
      }
    }
  }

  /** Closes the files and gives the lock back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  async #start(adapter: AdapterInfo): Promise<void> {
    const before = this.#manifest;
    if (before && !isSame(before.adapter, adapter)) {
      throw new RangeError(
        `Cannot go on with run ${this.id} on ${adapter.name}: it began on ${before.adapter.name} (${before.adapter.driver}), and ` +
          "another adapter computes other numbers. Go on there, or start one here with --runs.",
      );
    }
    if (before && before.planHash !== this.#run.planHash) {
      throw new RangeError(
        `Cannot go on with run ${this.id} by a plan table of hash ${this.#run.planHash}: it began with one of ${before.planHash}, and ` +
          "other kernels compute other numbers. Leave --plan out, or start another run.",
      );
    }
    await makeFolder(this.folder);
    const lock = this.#owned.use(await RunLock.acquire(join(this.folder, "lock"), { job: this.#job }));
    this.#lock = lock;
    if (lock.takenOverFrom) {
      this.#warn(`The lock of run ${this.id} was left behind by ${lock.takenOverFrom}, which is gone: taken over.`);
    }
    await this.#refuseChanged();
    await removeTemporaries(this.folder, (name) => writtenHere.test(name));
    if (await this.#removeStopFile()) {
      this.#warn(`A file "stop" was left in ${this.folder} from before this start: removed.`);
    }
    const session = await thisSession();
    const last = before?.sessions.at(-1);
    const changes = last ? versionChanges(last, session) : "";
    if (changes) {
      this.#warn(`Run ${this.id} goes on under other versions (${changes}), which may compute other numbers.`);
    }
    const { dataset: { name, digest, original, files }, planHash } = this.#run;
    const plan = before?.plan ?? this.#run.plan;
    this.#manifest = {
      schema: plan ? 2 : 1,
      id: this.id,
      adapter: { name: adapter.name, driver: adapter.driver, kind: adapter.kind },
      data: { name, digest, original, files },
      planHash,
      ...(plan ? { plan } : {}),
      sessions: [...before?.sessions ?? [], session],
    };
    await writeJson(join(this.folder, "manifest.json"), this.#manifest);
    await writeJson(join(this.folder, "config.json"), this.#config);
    await this.#arm("ticket");
    for (const control of this.#run.config.controls) await this.#arm(control);
    this.#refuseMissingLines();
  }

  /** Between opening and locking another process may have written. */
  async #refuseChanged(): Promise<void> {
    const now = await this.#checkpoints.load(() => {});
    if (positionOf(now) === positionOf(this.snapshot)) return;
    throw new RunInUseError(`Cannot go on with run ${this.id}: another process went on with it just now. Start again.`);
  }

  async #removeStopFile(): Promise<boolean> {
    try {
      await Deno.remove(join(this.folder, "stop"));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw explain(error, "write", join(this.folder, "stop"));
    }
  }

  #note(snapshot: Snapshot | undefined): void {
    if (!snapshot) return;
    // The arenas of networks in training are large, and nobody asks for them again.
    const { partial, ...latest } = snapshot;
    this.#latest = latest;
    this.#partial = partial?.[0];
  }

  /** Networks that are done, or within their level, must have all their lines. */
  #refuseMissingLines(): void {
    const { iterations, evalEvery } = this.#run.config;
    const middle = Math.floor((iterations - 1) / evalEvery) * evalEvery;
    for (const record of this.snapshot?.records ?? []) {
      const first = firstIterationOf(this.#run.config, record.level);
      this.#refuseMissing(record, [first, Math.max(first, middle), iterations], "as trained");
    }
    for (const network of this.snapshot?.partial ?? []) {
      this.#refuseMissing(network, network.evaluations.map(({ iteration }) => iteration), "as evaluated");
    }
  }

  #refuseMissing(network: NetworkKey, iterations: readonly number[], as: string): void {
    const arm = this.#arms.get(network.arm);
    const keys = iterations.map((iteration) => `${nameOf(network)} ${evaluationKey(iteration)}`);
    if (!arm || keys.every((key) => arm.metrics.has(key))) return;
    throw new CorruptRunError(
      `Cannot go on with run ${this.id}: ${join(arm.folder, "metrics.jsonl")} lacks lines of ${
        nameOf(network)
      }, which ` +
        `the checkpoint has ${as}. Restore the file, or remove the run's folder and start again.`,
    );
  }

  async #arm(name: ArmName): Promise<ArmFiles> {
    const known = this.#arms.get(name);
    if (known) return known;
    if (!this.#lock) {
      throw new Error(`Cannot record: run ${this.id} has not started. Record its start event first.`);
    }
    const folder = name === "ticket" ? this.folder : await this.#controlFolder(name);
    const networks = [join(folder, "tickets"), ...this.#config.saveFinals === "none" ? [] : [join(folder, "finals")]];
    for (const own of networks) {
      await makeFolder(own);
      await removeTemporaries(own, (name) => writtenHere.test(name));
    }
    const arm: ArmFiles = {
      folder,
      metrics: this.#owned.use(await LineLog.read(join(folder, "metrics.jsonl"), metricKey)),
      histograms: this.#owned.use(await LineLog.read(join(folder, "histograms.jsonl"), histogramKey)),
    };
    this.#arms.set(name, arm);
    return arm;
  }

  async #controlFolder(control: ControlName): Promise<string> {
    const folder = join(this.folder, "arms", await controlId(control));
    await makeFolder(folder);
    await removeTemporaries(folder, (name) => writtenHere.test(name));
    await writeJson(join(folder, "config.json"), {
      schema: 1,
      arm: control,
      run: this.id,
      draws: this.#config.reinitDraws,
    });
    return folder;
  }

  async #keep(network: TrainedNetwork): Promise<void> {
    await this.#lock?.assertHeld();
    const arm = await this.#arm(network.arm);
    const file = `${fileOf(network)}.safetensors`;
    const metadata = { run: this.id, config: JSON.stringify(this.#config) };
    await writeWhole(join(arm.folder, "tickets", file), formatTicket(ticketOf(network), metadata));
    const { saveFinals, levels } = this.#run.config;
    if (saveFinals === "all" || saveFinals === "last" && network.level === levels) {
      await writeWhole(
        join(arm.folder, "finals", file),
        formatModel(modelOf(network), { ...keyMetadata(network), ...metadata }),
      );
    }
    await arm.histograms.append(
      histogramsOf(network).map((line) => ({
        key: `${nameOf(line)} ${line.layer}`,
        text: JSON.stringify(line),
      })),
    );
  }

  async #checkpoint(snapshot: Snapshot): Promise<void> {
    // Everything that the checkpoint calls done must be on the disk before it says so.
    for (const { metrics, histograms } of this.#arms.values()) {
      await metrics.sync();
      await histograms.sync();
    }
    await writeWhole(
      join(this.folder, "timings.jsonl"),
      snapshot.timings.map((timing) => `${JSON.stringify(timing)}\n`).join(""),
    );
    // All of that may have taken long.
    await this.#lock?.assertHeld();
    await this.#checkpoints.save(snapshot);
    this.#note(snapshot);
    // Within a level there is no new timing.
    if (snapshot.partial && snapshot.timings.length === this.#timingsWritten) return;
    this.#timingsWritten = snapshot.timings.length;
  }
}

/** A network's name in messages and keys: `ticket level 7 replicate 1`, a control's with its draw. */
export function nameOf({ arm, level, replicate, draw }: NetworkKey): string {
  return `${arm} level ${level} replicate ${replicate}${arm === "ticket" ? "" : ` draw ${draw}`}`;
}

/** What tells two checkpoints of a run apart. */
function positionOf(snapshot: Snapshot | undefined): string {
  const within = (snapshot?.partial ?? []).map((network) => `${nameOf(network)} ${evaluationKey(network.iteration)}`);
  return [snapshot?.records.length ?? 0, ...within].join();
}

function fileOf({ arm, level, replicate, draw }: NetworkKey): string {
  const name = `${arm}-level-${String(level).padStart(2, "0")}-replicate-${replicate}`;
  return arm === "ticket" ? name : `${name}-draw-${draw}`;
}

function keyMetadata({ arm, level, replicate, draw }: NetworkKey): Record<string, string> {
  return { arm, level: String(level), replicate: String(replicate), draw: String(draw) };
}

function metricLine(evaluation: Evaluation): { readonly key: string; readonly text: string } {
  const { arm, level, replicate, draw, iteration } = evaluation;
  const { trainLoss, validationLoss, validationAccuracy, testLoss, testAccuracy } = evaluation;
  return {
    key: `${nameOf(evaluation)} ${evaluationKey(iteration)}`,
    text: JSON.stringify({
      arm,
      level,
      replicate,
      draw,
      iteration,
      trainLoss,
      validationLoss,
      validationAccuracy,
      testLoss,
      testAccuracy,
    }),
  };
}

function metricKey(value: unknown): string | undefined {
  return isKeyed(value) && "iteration" in value && typeof value.iteration === "number"
    ? `${nameOf(value)} ${evaluationKey(value.iteration)}`
    : undefined;
}

function histogramKey(value: unknown): string | undefined {
  return isKeyed(value) && "layer" in value && typeof value.layer === "string"
    ? `${nameOf(value)} ${value.layer}`
    : undefined;
}

function evaluationKey(iteration: number): string {
  return `iteration ${iteration}`;
}

function isKeyed(value: unknown): value is NetworkKey {
  return typeof value === "object" && value !== null && "arm" in value &&
    isArmName(value.arm) && "level" in value && typeof value.level === "number" &&
    "replicate" in value && typeof value.replicate === "number" && "draw" in value && typeof value.draw === "number";
}

function isSame(a: AdapterInfo, b: AdapterInfo): boolean {
  return a.name === b.name && a.driver === b.driver && a.kind === b.kind;
}

async function readChecked<Value>(path: string, check: (value: unknown) => Value): Promise<Value | undefined> {
  const bytes = await readOptional(path);
  if (!bytes) return undefined;
  try {
    return check(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CorruptRunError(
      `Cannot read ${path}: ${
        reason.replace(/\.$/, "")
      }. Restore the file, or remove the run's folder and start again.`,
      { cause },
    );
  }
}
