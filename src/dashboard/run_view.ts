/**
 * A run as its pages show it.
 *
 * @module
 */
import { besidePaper, describeOutcome, figuresOf } from "../analysis/outcome.ts";
import { glanceAtRun, type RunGlance } from "../store/glance.ts";
import type { KnownRun } from "./registry.ts";
import { Lru } from "./lru.ts";
import type { RunView } from "./types.ts";

/** What is kept of runs that were looked at: some forty runs of the paper's size. */
const mostBytes = 32 << 20;

/** About what a record takes, with its share of summary and figures. */
const recordBytes = 2_000;

/** A run, with what of it no page shows. */
export interface ReadRun {
  /** As its pages show it. */
  readonly view: RunView;
  /** Its records and timings. */
  readonly glance: RunGlance;
}

/** Views of runs, made again only when their files change. */
export class RunViews {
  readonly #runs: string;
  readonly #kept = new Lru<
    { readonly stamp: string; readonly made: Omit<RunView, "row" | "state">; readonly glance: RunGlance }
  >(
    mostBytes,
  );

  constructor(runs: string) {
    this.#runs = runs;
  }

  /** A run. A damaged one has problems, and whatever of it can be shown. */
  async read({ row, stamp }: KnownRun): Promise<ReadRun> {
    const { id } = row;
    let kept = this.#kept.get(id);
    if (kept?.stamp !== stamp) {
      const glance = await glanceAtRun(this.#runs, id);
      kept = { stamp, glance, made: viewOf(glance) };
      this.#kept.set(id, kept, recordBytes * (20 + glance.records.length));
    }
    const { made, glance } = kept;
    return { view: { row, state: row.state, ...made }, glance };
  }

  /** Forgets all. */
  clear(): void {
    this.#kept.clear();
  }
}

function viewOf({ id, folder, config, manifest, summary, ...glance }: RunGlance): Omit<RunView, "row" | "state"> {
  const problems = [...glance.problems, ...glance.warnings];
  const about = { id, folder, config, manifest, summary };
  if (!summary) return { ...about, figures: [], outcome: [], paper: [], problems };
  try {
    return {
      ...about,
      figures: figuresOf(summary),
      outcome: describeOutcome(summary),
      paper: besidePaper(summary),
      problems,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      ...about,
      figures: [],
      outcome: [],
      paper: [],
      problems: [...problems, `Its records make no sense: ${reason}`],
    };
  }
}
