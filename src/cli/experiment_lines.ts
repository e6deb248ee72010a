/**
 * The errors along the lines between tickets and their twins, measured after training and kept beside the run.
 *
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { split } from "../data/split.ts";
import type { MeasuredLine } from "../experiments/loaded_run.ts";
import { Gpu } from "../gpu/gpu.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import { lineErrors } from "../lottery/connectivity.ts";
import { densitiesOf } from "../lottery/densities.ts";
import { pruningGroups, ratesOf } from "../lottery/schedule.ts";
import { loadModel, loadTicket } from "../lottery/ticket.ts";
import type { ArmName } from "../lottery/types.ts";
import { countKept, packMask } from "../nn/mask.ts";
import { layOut, type NetworkLayout, toArena } from "../nn/network.ts";
import { type LayerPlan, planOf, type PlanTable } from "../nn/plan.ts";
import { readLines, writeLines } from "../store/lines.ts";
import { readOptional } from "../store/files.ts";
import { type ArmFolder, armFolders, networkFile } from "../store/run_files.ts";

/** What lines are measured of. */
export interface LinesOptions {
  /** All runs. */
  readonly runs: string;
  /** The run. */
  readonly id: string;
  /** What is wanted of it. */
  readonly config: LotteryConfig;
  /** The plan table that the run goes by. */
  readonly plan: PlanTable;
  /** The levels. */
  readonly levels: readonly number[];
  /** What it was trained on. */
  readonly dataset: Dataset;
  /** Ends it between two turns. */
  readonly signal: AbortSignal;
  /** Told of each line before it is measured. */
  readonly note: (text: string) => void;
}

/** Measures the lines of a run that are wanted and not there, and writes each down as soon as it is measured. */
export async function measureLines(
  { runs, id, config, plan: table, levels, dataset, signal, note }: LinesOptions,
): Promise<void> {
  const folder = join(runs, id);
  const arms = await armFolders(folder, config);
  const [tickets, twins] = (["ticket", "twin"] satisfies ArmName[]).map((arm) => arms.find(({ name }) => name === arm));
  // All that is there, whatever is wanted of it today: writing must not lose the rest.
  const lines = await readLines(folder, { levels: Infinity, replicates: Infinity });
  await using owned = new AsyncDisposableStack();
  let gpu: Gpu | undefined;
  for (const level of levels) {
    for (let replicate = 1; replicate <= config.replicates; replicate++) {
      if (!tickets || !twins || lines.some((own) => own.level === level && own.replicate === replicate)) continue;
      const ends = await endsOf(tickets, twins, { level, replicate, draw: 1 });
      if (!ends) continue;
      signal.throwIfAborted();
      note(`Errors along the line of level ${level}, replicate ${replicate}`);
      gpu ??= owned.use(await Gpu.open());
      const { trainSize, validationSize, seed } = config;
      const points = await lineErrors(gpu, {
        ...ends,
        plan: runPlan(config, ends.layout, countKept(ends.layout, ends.mask), gpu.adapter.kind, table),
        dataset,
        split: split(dataset.train.count, seed + replicate - 1, { trainSize, validationSize }),
        signal,
      });
      lines.push({ level, replicate, points: points.map(({ alpha, testError }) => ({ alpha, testError })) });
      await writeLines(folder, lines satisfies MeasuredLine[]);
    }
  }
}

/**
 * Which kernels a run's layers ran where its tickets kept so many weights: the ends of a line are evaluated by the same ones, and so are
 * what the run evaluated, bit for bit.
 *
 * @param kept survivors per layer
 */
export function runPlan(
  config: Parameters<typeof ratesOf>[0],
  layout: NetworkLayout,
  kept: readonly number[],
  kind: Parameters<typeof planOf>[2],
  table: PlanTable,
): LayerPlan[] {
  return planOf(layout, densitiesOf(layout, kept, pruningGroups(layout, ratesOf(config))), kind, table);
}

/** The two networks of a line and their mask; undefined where a file of them was not kept. */
async function endsOf(
  tickets: ArmFolder,
  twins: ArmFolder,
  key: { readonly level: number; readonly replicate: number; readonly draw: number },
): Promise<Pick<Parameters<typeof lineErrors>[1], "layout" | "mask" | "from" | "to" | "normalization"> | undefined> {
  const [ticketFile, ...finalFiles] = [
    networkFile(tickets, "tickets", key),
    networkFile(tickets, "finals", key),
    networkFile(twins, "finals", key),
  ];
  const bytes = ticketFile === undefined ? undefined : await readOptional(ticketFile);
  const [from, to] = await Promise.all(finalFiles.map(async (path) => {
    const final = await readOptional(path);
    return final && loadModel(final, path);
  }));
  if (!bytes || !from?.normalization || !to) return undefined;
  const ticket = loadTicket(bytes, ticketFile);
  const layout = layOut(ticket.network);
  return {
    layout,
    mask: packMask(layout, ticket.masks),
    from: toArena(layout, from.layers, from.norms),
    to: toArena(layout, to.layers, to.norms),
    normalization: Float32Array.from(from.normalization),
  };
}
