/**
 * The training of the page that is tried out in the browser: digits in, the same `lottery()` as on the command line, reports out.
 *
 * @module
 */
import "./jitless.ts";
import { bestLevel, describeOutcome, figuresOf } from "../analysis/outcome.ts";
import { summarize } from "../analysis/summary.ts";
import type { Dataset, Examples } from "../data/dataset.ts";
import { loadIdxDataset } from "../data/idx_dataset.ts";
import { mnistDigests } from "../data/mnist.ts";
import { syntheticDataset } from "../data/synthetic.ts";
import { Gpu } from "../gpu/gpu.ts";
import { type LotteryConfig, preset } from "../lottery/config.ts";
import { lottery } from "../lottery/lottery.ts";
import { modelOf } from "../lottery/ticket.ts";
import type { Snapshot, TrainedLayer, TrainedNetwork } from "../lottery/types.ts";
import { logits, type Model, predict } from "../nn/inference.ts";
import type { DigitsIndex } from "./try_digits.ts";
import type { Order, ReadExample, Report, TryResult } from "./try_protocol.ts";
import { evalEveryOf, type TrySettings } from "./try_settings.ts";
import { troubleAhead, troubleOf } from "./try_trouble.ts";

/** Images held out to find the early-stop iteration. */
const validationSize = 500;

/** Test images that are shown with the ticket's answer, and mistakes of its that are. */
const shown = { first: 10, mistakes: 5 } as const;

/**
 * What settings of the page mean: LeNet-300-100 at three tenths of its width, as the preset `lenet-quick` trains it but for what
 * the visitor chose.
 */
export function configOf(
  { levels, prune, iterations, seed, control }: TrySettings,
  dataset: Pick<Dataset, "name" | "train">,
): LotteryConfig {
  return preset("lenet-quick", {
    dataset: dataset.name,
    width: 0.3,
    trainSize: dataset.train.count - validationSize,
    validationSize,
    levels,
    iterations,
    pruneDense: prune / 100,
    pruneOutput: prune / 200,
    evalEvery: evalEveryOf(iterations),
    controls: control ? ["reinit"] : [],
    seed,
  });
}

/**
 * Per pixel, how many of a first layer's weights that lead away from it survive.
 *
 * @param layer the first layer, dense: `[pixels][units]`
 */
export function survivorsOf({ mask, inputs, outputs }: TrainedLayer): Uint16Array<ArrayBuffer> {
  return Uint16Array.from({ length: inputs }, (_, pixel) => {
    let kept = 0;
    for (let unit = 0; unit < outputs; unit++) kept += mask[pixel * outputs + unit] ?? 0;
    return kept;
  });
}

/**
 * The digits of a server, or the synthetic data set where it has none, with the reason.
 *
 * @param address what the files are below
 * @throws {Error} when a file that the server says it has cannot be fetched
 * @throws {SyntaxError} when a file is malformed, naming file and offset
 */
export async function fetchDigits(address: string): Promise<{ readonly dataset: Dataset; readonly reason?: string }> {
  const answer = await fetch(address);
  const index: DigitsIndex = await answer.json();
  if (!index.available) return { dataset: await syntheticDataset(), reason: index.reason };
  const versions = new Map(index.files.map(({ name, sha256 }) => [name, sha256]));
  const dataset = await loadIdxDataset("mnist", {
    // The digest in the address lets the browser keep a file for good.
    read: async (name) => {
      const response = await fetch(`${address}/${name}?sha256=${versions.get(name) ?? ""}`);
      if (!response.ok) throw new Error(`the server answers ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
    published: mnistDigests,
    remedy: "The dashboard serves them: check that it is still running, and load this page again.",
  });
  return { dataset };
}

/** Takes orders from a port and reports to it. @returns ends what is going on, and releases the GPU */
export function serveTraining(port: MessagePort): () => void {
  const trainer = new Training((report) => port.postMessage(report));
  port.addEventListener("message", ({ data }: MessageEvent<Order>) => void trainer.take(data));
  port.start();
  return () => {
    port.close();
    void trainer[Symbol.asyncDispose]();
  };
}

/** One visitor's trainings, one after the other, on one device. */
class Training implements AsyncDisposable {
  readonly #tell: (report: Report) => void;
  #gpu: Gpu | undefined;
  #stop: AbortController | undefined;
  #model: Model | undefined;

  constructor(tell: (report: Report) => void) {
    this.#tell = tell;
  }

  /** Carries an order out; what goes wrong is reported. */
  async take(order: Order): Promise<void> {
    if (order.type === "stop") {
      this.#stop?.abort();
      return;
    }
    const stop = new AbortController();
    try {
      if (order.type === "read") {
        await this.#read(order.pixels);
        return;
      }
      this.#stop = stop;
      await this.#train(order, stop.signal);
    } catch (error) {
      if (stop.signal.aborted && error === stop.signal.reason) this.#tell({ type: "stopped" });
      else await this.#failed(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.abort();
    await this.#gpu?.[Symbol.asyncDispose]();
    this.#gpu = undefined;
  }

  async #failed(error: unknown): Promise<void> {
    const trouble = troubleAhead(globalThis) ?? troubleOf(error);
    // What is lost stays lost: the next training opens another one.
    const gpu = this.#gpu;
    this.#gpu = undefined;
    this.#model = undefined;
    await gpu?.[Symbol.asyncDispose]().catch(() => {});
    this.#tell({ type: "failed", trouble });
  }

  async #train({ settings, digits }: Extract<Order, { type: "train" }>, signal: AbortSignal): Promise<void> {
    // Before any digit is fetched: without a GPU they would be for nothing.
    const gpu = this.#gpu ??= await Gpu.open();
    const { dataset, reason } = await fetchDigits(digits);
    const config = configOf(settings, dataset);
    this.#tell({
      type: "data",
      dataset: dataset.name,
      train: config.trainSize,
      ...(reason === undefined ? {} : { reason }),
    });
    const tickets: TrainedNetwork[] = [];
    for await (const event of lottery(config, { dataset, gpu, signal })) {
      if (event.type === "start") {
        const { adapter, network: { weights }, remaining } = event;
        this.#tell({ type: "start", adapter, weights, remaining });
      } else if (event.type === "progress") {
        this.#tell({ type: "progress", level: event.level, iteration: event.iteration });
      } else if (event.type === "evaluation") {
        this.#tell({ type: "evaluation", evaluation: event.evaluation });
      } else if (event.type === "level-end") {
        const ticket = event.networks.find(({ arm }) => arm === "ticket");
        const [first] = ticket?.layers ?? [];
        if (!ticket || !first) continue;
        tickets.push(ticket);
        const { level, records } = event;
        this.#tell({ type: "level-end", level, records, survivors: survivorsOf(first), units: first.outputs });
      } else if (event.type === "end") {
        this.#tell({ type: "end", result: await this.#result(gpu, config, event.snapshot, tickets, dataset.test) });
      }
    }
  }

  async #result(
    gpu: Gpu,
    config: LotteryConfig,
    snapshot: Snapshot,
    tickets: readonly TrainedNetwork[],
    test: Examples,
  ): Promise<TryResult> {
    const summary = summarize({ id: "in the browser", config, adapter: gpu.adapter }, snapshot);
    const best = bestLevel(figuresOf(summary));
    const ticket = tickets.find(({ level }) => level === best?.level) ?? tickets[0];
    if (!ticket) throw new Error("unreachable: a run has a dense level");
    this.#model = modelOf(ticket);
    const predicted = await predict(this.#model, test.images, { gpu });
    const pixels = test.images.length / test.count;
    const all = Array.from(predicted, (own, index): ReadExample => ({
      pixels: test.images.slice(index * pixels, (index + 1) * pixels),
      label: test.labels[index] ?? 0,
      predicted: own,
    }));
    const wrong = all.filter(({ label, predicted: own }) => own !== label);
    return {
      outcome: describeOutcome(summary),
      level: ticket.level,
      remaining: best?.remaining ?? 1,
      correct: all.length - wrong.length,
      count: all.length,
      first: all.slice(0, shown.first),
      mistakes: wrong.slice(0, shown.mistakes),
    };
  }

  async #read(pixels: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#model || !this.#gpu) return;
    const scores = await logits(this.#model, pixels, { gpu: this.#gpu });
    const largest = Math.max(...scores);
    const shares = Array.from(scores, (score) => Math.exp(score - largest));
    const sum = shares.reduce((total, share) => total + share, 0);
    this.#tell({ type: "read", probabilities: shares.map((share) => share / sum) });
  }
}
