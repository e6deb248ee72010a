/**
 * What the routes know of runs: the only way from a request to a run's folder. Ids are checked against the form of one before
 * anything is looked for, so that no request names a path.
 *
 * @module
 */
import { join } from "node:path";
import { bestLevel } from "../analysis/outcome.ts";
import { loadModel, loadTicket, type Ticket } from "../lottery/ticket.ts";
import type { NetworkKey } from "../lottery/types.ts";
import type { Model } from "../nn/inference.ts";
import type { ExportedRun } from "../store/export.ts";
import { experimentsFolder, listExperiments, readExperiment } from "../store/experiments.ts";
import { explain, readOptional, writeWhole } from "../store/files.ts";
import { glanceAtRun } from "../store/glance.ts";
import type { WeightHistogram } from "../store/histograms.ts";
import { removeRun } from "../store/remove.ts";
import { type ArmFolder, armFolders, networkFile } from "../store/run_files.ts";
import { isSweepKey, sweepFolder } from "../store/sweeps.ts";
import { parseTags, writeTags } from "../store/tags.ts";
import { type LiveAdapter, liveAdapter, recordedAdapters } from "./adapters.ts";
import { curvesOf, keyOf } from "./curves.ts";
import { EventStreams } from "./events.ts";
import {
  type ExperimentResult,
  experimentResult,
  type ExperimentSource,
  inOrder,
  type RecordedExperiment,
  recordedExperiment,
} from "./experiments.ts";
import { readHistogramFile } from "./histogram_file.ts";
import { Lru } from "./lru.ts";
import { RunMetrics } from "./metrics.ts";
import { liesIn } from "./ours.ts";
import { RunRegistry } from "./registry.ts";
import { remainingByLevel } from "./remaining.ts";
import { type ReadRun, RunViews } from "./run_view.ts";
import { type SweepView, SweepViews } from "./sweeps.ts";
import type { AdapterReport, Curve, CurveQuery, EventQuery, RunRow, RunView } from "./types.ts";
import { pollMs, Watcher } from "./watcher.ts";

/** How to open a dashboard. */
export interface DashboardOptions {
  /** The folder of runs. */
  readonly runs: string;
  /** What every write must bring along. */
  readonly token: string;
  /** Whether runs can be started from a page. */
  readonly canControl: boolean;
  /** The address that is listened on. */
  readonly host: string;
  /** Milliseconds since 1970; a test gives its own. */
  readonly now?: () => number;
  /** The WebGPU entry point; `navigator.gpu` when left out. A test gives its own. */
  readonly entry?: Pick<GPU, "requestAdapter">;
}

/** What is kept of evaluations: a run of the paper's size with a control takes 10 MB. */
const metricsBytes = 128 << 20;

/** What is kept of tickets, trained values and histograms: a ticket of LeNet takes 1.3 MB, one of VGG-19 100 MB. */
const networkBytes = 128 << 20;

/** A file that was read, and when it had last changed. */
interface Kept<Value> {
  readonly stamp: string;
  readonly value: Value;
}

/**
 * The runs of a folder, for pages. Nothing is read before it is asked for, and no file is held open: runs are neither kept from
 * training nor slowed down.
 */
export class Dashboard implements AsyncDisposable {
  /** The folder of runs. */
  readonly runs: string;
  /** What every write must bring along. */
  readonly token: string;
  /** Whether runs can be started from a page. */
  readonly canControl: boolean;
  /** The address that is listened on. */
  readonly host: string;
  readonly #entry: Pick<GPU, "requestAdapter"> | undefined;
  readonly #registry: RunRegistry;
  readonly #watcher: Watcher;
  readonly #streams: EventStreams;
  readonly #views: RunViews;
  readonly #sweeps: SweepViews;
  readonly #metrics = new Lru<RunMetrics>(metricsBytes);
  readonly #tickets = new Lru<Kept<Ticket>>(networkBytes);
  readonly #finals = new Lru<Kept<Model>>(networkBytes);
  readonly #histograms = new Lru<Kept<readonly WeightHistogram[]>>(networkBytes);
  #live: Promise<LiveAdapter> | undefined;

  private constructor({ runs, token, canControl, host, now = Date.now, entry }: DashboardOptions) {
    this.runs = runs;
    this.token = token;
    this.canControl = canControl;
    this.host = host;
    this.#entry = entry;
    this.#registry = new RunRegistry(runs, now);
    this.#watcher = new Watcher(this.#registry);
    this.#streams = new EventStreams(
      this.#watcher,
      () => this.#registry.version,
      () => this.#registry.load(),
    );
    this.#views = new RunViews(runs);
    this.#sweeps = new SweepViews(runs);
  }

  /** Opens it. */
  static open(options: DashboardOptions): Dashboard {
    return new Dashboard(options);
  }

  /**
   * Changes with everything that is told to listeners. A page that was made at another version than the `hello` of its stream
   * says has missed something.
   */
  get version(): string {
    return this.#registry.version;
  }

  /** Pages that listen. */
  get listeners(): number {
    return this.#streams.size;
  }

  /**
   * All runs, by id.
   *
   * @throws {StorageError} when the folder cannot be read
   */
  async listRuns(): Promise<RunRow[]> {
    const age = performance.now() - this.#registry.refreshedAt;
    if (!this.#watcher.isLooking || age > pollMs) await this.#refresh();
    return this.#registry.rows();
  }

  /** A run; undefined for what is no run's id. A damaged run has problems, and whatever of it can be shown. */
  async readRun(id: string): Promise<RunView | undefined> {
    return (await this.#read(id))?.view;
  }

  /**
   * Curves of a run; undefined for what is no run's id. What is damaged in its metrics is left out.
   *
   * @throws {StorageError} when they cannot be read
   */
  async readCurves(id: string, query: CurveQuery): Promise<Curve[] | undefined> {
    const run = await this.#read(id);
    if (!run) return undefined;
    const { view: { config, folder, figures }, glance: { records } } = run;
    if (!config) return [];
    const metrics = this.#metrics.get(id) ?? new RunMetrics();
    await metrics.update(folder, config);
    this.#metrics.set(id, metrics, metrics.bytes);
    return curvesOf({
      series: metrics.series(),
      remaining: remainingByLevel(config, records),
      best: bestLevel(figures)?.level,
      divergedAt: new Map(records.map((record) => [keyOf(record), record.divergedAt])),
    }, query);
  }

  /** Histograms of a network's layers, in order, none before it is trained; undefined for what is no run's id. */
  async readHistograms(id: string, network: NetworkKey): Promise<WeightHistogram[] | undefined> {
    const run = await this.#read(id);
    if (!run) return undefined;
    const path = await this.#inArm(run.view, network.arm, (arm) => join(arm.folder, "histograms.jsonl"));
    const all = path === undefined || !await this.#isOurs(path)
      ? []
      : await keep(this.#histograms, path, readHistogramFile, (lines) => lines.length * 4_000) ?? [];
    return all.filter((own) => keyOf(own) === keyOf(network));
  }

  /**
   * A network's ticket; undefined where there is none.
   *
   * @throws {SyntaxError} when the file is damaged
   */
  readTicket(id: string, network: NetworkKey): Promise<Ticket | undefined> {
    return this.#readNetwork(this.#tickets, id, "tickets", network, loadTicket);
  }

  /**
   * A network's trained values, where they were kept (`--save-finals`).
   *
   * @throws {SyntaxError} when the file is damaged
   */
  readFinal(id: string, network: NetworkKey): Promise<Model | undefined> {
    return this.#readNetwork(this.#finals, id, "finals", network, loadModel);
  }

  /** Runs for an export, one after the other: those of these ids that there are, or all. */
  async *exported(ids?: readonly string[]): AsyncGenerator<ExportedRun> {
    for (const id of ids ?? (await this.listRuns()).map((row) => row.id)) {
      const run = ids ? (await this.#read(id))?.glance : await glanceAtRun(this.runs, id);
      if (run?.config) yield run;
    }
  }

  /**
   * Puts words on a run, in the place of those that it has. False for what is no run's id.
   *
   * @throws {RangeError} for tags that are not as wanted, in words for the reader
   * @throws {StorageError} when they cannot be written
   */
  async setTags(id: string, tags: readonly string[]): Promise<boolean> {
    const wanted = parseTags(tags);
    const run = await this.#registry.run(id);
    if (!run) return false;
    await writeTags(join(this.runs, id), wanted);
    return await this.#registry.run(id, true) !== undefined;
  }

  /**
   * Removes a run with everything in its folder. False for what is no run's id.
   *
   * @throws {RunInUseError} when a process is at work in it
   * @throws {StorageError} when it cannot be removed
   */
  async removeRun(id: string): Promise<boolean> {
    const run = await this.#registry.run(id);
    if (!run) return false;
    await removeRun(this.runs, id);
    await this.#registry.run(id, true);
    return true;
  }

  /**
   * Asks a run to stop by a file `stop`, as anybody may; it writes a checkpoint and ends within a second or so. False for what
   * is no run's id.
   *
   * @throws {RangeError} when no process is at work in it
   * @throws {StorageError} when the file cannot be written
   */
  async stopRun(id: string): Promise<boolean> {
    const run = await this.#registry.run(id);
    if (!run) return false;
    if (run.row.state !== "running") {
      throw new RangeError(`Cannot stop run ${id}: no process is at work in it. It is ${run.row.state}.`);
    }
    await writeWhole(join(this.runs, id, "stop"), "");
    return true;
  }

  /** Experiments with results here, in the paper's order and by key; records of experiments that there are not are left out. */
  async listExperiments(): Promise<RecordedExperiment[]> {
    const records = await listExperiments(this.runs);
    const found = await Promise.all(
      records.map(async (record) =>
        await this.#isOurs(join(this.runs, experimentsFolder, `${record.key}.json`))
          ? await recordedExperiment(record, this.#experiments)
          : undefined
      ),
    );
    return inOrder(found.filter((own) => own !== undefined));
  }

  /**
   * An experiment with its results, by key; undefined for what is no experiment's key. One that has none here is there by its name:
   * what it trains, and what the paper says of it.
   */
  async readExperiment(key: string): Promise<ExperimentResult | undefined> {
    const record = await readExperiment(this.runs, key);
    if (record && await this.#isOurs(join(this.runs, experimentsFolder, `${record.key}.json`))) {
      return await experimentResult(record, this.#experiments);
    }
    return await experimentResult({ name: key, options: {}, runs: [], updated: null }, this.#experiments);
  }

  /** The sweeps of this folder, by key. */
  async listSweeps(): Promise<SweepView[]> {
    const keys = await this.#sweeps.keys();
    if (keys.length === 0) return [];
    const rows = await this.#rowsById();
    const found = await Promise.all(keys.map((key) => this.#sweeps.read(key, rows)));
    return found.filter((own) => own !== undefined);
  }

  /** A sweep with its runs, by key; undefined for what is no sweep's key. */
  async readSweep(key: string): Promise<SweepView | undefined> {
    return isSweepKey(key) ? await this.#sweeps.read(key, await this.#rowsById()) : undefined;
  }

  /** Whether a sweep is there. */
  async hasSweep(key: string): Promise<boolean> {
    return isSweepKey(key) && await this.#isOurs(join(sweepFolder(this.runs, key), "sweep.json"));
  }

  /** Whether an experiment has results here. */
  async hasExperiment(key: string): Promise<boolean> {
    return await readExperiment(this.runs, key) !== undefined &&
      await this.#isOurs(join(this.runs, experimentsFolder, `${key}.json`));
  }

  /** Who computed these runs, and who would compute now. The machine is asked once, and again only when nobody answered. */
  async adapter(): Promise<AdapterReport> {
    const rows = await this.listRuns();
    const live = await (this.#live ??= liveAdapter(this.#entry));
    if (!live.live) this.#live = undefined;
    return { recorded: await recordedAdapters(this.runs, rows.map(({ id }) => id)), ...live };
  }

  /**
   * Server-sent events: the body of a response of type `text/event-stream`. The server cancels it when the client goes away; a
   * signal ends it besides.
   */
  events(query: EventQuery, signal?: AbortSignal): ReadableStream<Uint8Array> {
    return this.#streams.open(query, signal);
  }

  /** Ends all event streams and forgets what was read. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#streams[Symbol.dispose]();
    this.#watcher[Symbol.dispose]();
    for (const kept of [this.#metrics, this.#tickets, this.#finals, this.#histograms, this.#views, this.#sweeps]) {
      kept.clear();
    }
    await this.#live?.catch(() => {});
  }

  get #experiments(): ExperimentSource {
    return { runs: this.runs, read: (id) => this.#read(id) };
  }

  async #rowsById(): Promise<ReadonlyMap<string, RunRow>> {
    return new Map((await this.listRuns()).map((row) => [row.id, row]));
  }

  async #refresh(): Promise<void> {
    try {
      await this.#registry.refresh();
    } catch (cause) {
      throw explain(cause, "read", this.runs);
    }
  }

  async #read(id: string): Promise<ReadRun | undefined> {
    const known = await this.#registry.run(id);
    return known ? await this.#views.read(known) : undefined;
  }

  async #readNetwork<Value extends Ticket | Model>(
    kept: Lru<Kept<Value>>,
    id: string,
    kind: "tickets" | "finals",
    network: NetworkKey,
    load: (bytes: Uint8Array<ArrayBuffer>, name: string) => Value,
  ): Promise<Value | undefined> {
    const run = await this.#read(id);
    if (!run || !isNumbered(network)) return undefined;
    const path = await this.#inArm(run.view, network.arm, (arm) => networkFile(arm, kind, network));
    if (path === undefined || !await this.#isOurs(path)) return undefined;
    let bytes = 0;
    const read = async (): Promise<Value | undefined> => {
      const file = await readOptional(path);
      bytes = file?.length ?? 0;
      return file ? load(file, path.slice(run.view.folder.length + 1)) : undefined;
    };
    return await keep(kept, path, read, () => bytes);
  }

  /** Whether a file lies in the folder of runs, and not where a link leads. */
  #isOurs(path: string): Promise<boolean> {
    return liesIn(this.runs, path);
  }

  async #inArm(
    { config, folder }: RunView,
    name: NetworkKey["arm"],
    pathOf: (arm: ArmFolder) => string,
  ): Promise<string | undefined> {
    if (!config) return undefined;
    const arm = (await armFolders(folder, config)).find((own) => own.name === name);
    return arm ? pathOf(arm) : undefined;
  }
}

/** Whole numbers: they become a file's name. */
function isNumbered({ level, replicate, draw }: NetworkKey): boolean {
  return [level, replicate, draw].every((number) => Number.isSafeInteger(number) && number >= 0);
}

/** What a file holds, read again only when it has changed; undefined when there is none. */
async function keep<Value>(
  kept: Lru<Kept<Value>>,
  path: string,
  read: (path: string) => Promise<Value | undefined>,
  bytesOf: (value: Value) => number,
): Promise<Value | undefined> {
  const stamp = await stampOf(path);
  if (stamp === undefined) return undefined;
  const known = kept.get(path);
  if (known?.stamp === stamp) return known.value;
  const value = await read(path);
  if (value !== undefined) kept.set(path, { stamp, value }, bytesOf(value));
  return value;
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { size, mtime, ino } = await Deno.stat(path);
    return `${size} ${mtime?.getTime()} ${ino}`;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return undefined;
    throw explain(cause, "read", path);
  }
}
