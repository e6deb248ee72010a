/**
 * The ids of a sweep's runs: those that `lottery` would give each alone. Runs of one id are one run, which wants what all of them want.
 *
 * @module
 */
import type { DatasetName } from "../data/dataset.ts";
import { type LotteryConfig, mostReplicates, runId } from "../lottery/config.ts";
import { withBoth } from "../lottery/wanted.ts";
import type { ExpandedRun, SweepRun } from "./sweep.ts";

/** What an id takes beside settings. */
export interface IdentifyOptions {
  /** The digests of the data sets that runs train on. */
  readonly digests: ReadonlyMap<DatasetName, string>;
  /** The hash of the plan table that a run goes by. */
  readonly planHashOfRun: (run: ExpandedRun, dataDigest: string) => string | Promise<string>;
}

/**
 * Runs with their ids, each id once, in the order in which they first come.
 *
 * @throws {RangeError} when a data set's digest is not given
 */
export async function identifyRuns(
  expanded: readonly ExpandedRun[],
  { digests, planHashOfRun }: IdentifyOptions,
): Promise<SweepRun[]> {
  const found = new Map<string, { readonly names: string[]; config: LotteryConfig }>();
  for (const run of expanded) {
    const { name, config } = run;
    const dataDigest = digests.get(config.dataset);
    if (dataDigest === undefined) {
      throw new RangeError(
        `Cannot identify the run ${name}: the digest of ${config.dataset} is not known. Load it first.`,
      );
    }
    const id = await runId(config, { dataDigest, planHash: await planHashOfRun(run, dataDigest) });
    const before = found.get(id);
    if (before) {
      before.names.push(name);
      before.config = both(before.config, config);
    } else {
      found.set(id, { names: [name], config });
    }
  }
  return [...found].map(([id, { names, config }]) => ({ id, name: joined(names), config }));
}

/** What of trained weights is kept, from least to most. */
const kept = ["none", "last", "all"] as const satisfies readonly LotteryConfig["saveFinals"][];

/** What is wanted of a run that comes twice. Of settings that make no difference the first one's hold. */
function both(first: LotteryConfig, second: LotteryConfig): LotteryConfig {
  const { levels, replicates, reinitDraws, controls } = withBoth(first, second);
  const saveFinals = kept.findLast((own) => own === first.saveFinals || own === second.saveFinals) ?? first.saveFinals;
  return { ...first, levels, replicates, reinitDraws, controls, saveFinals };
}

/** Tables have room for so much of a name. */
const mostCharacters = 60;

/** The names of one run: all of them where they are short, else the first and how many more there are. */
function joined(names: readonly string[]): string {
  const [first = "", ...others] = new Set(names);
  const all = [first, ...others].join(" = ");
  return all.length <= mostCharacters || others.length === 0 ? all : `${first} and ${others.length} more`;
}

/**
 * Whether replicates would do what seeds are for: runs that differ in nothing but consecutive seeds train faster in lockstep.
 *
 * @returns a sentence with the number of replicates; undefined where it would not
 */
export function lockstepHint(runs: readonly ExpandedRun[]): string | undefined {
  const groups = Map.groupBy(runs, ({ config }) => JSON.stringify({ ...config, seed: 0 }));
  const texts = new Set([...groups.values()].map((group) => asReplicates(group.map(({ config }) => config))));
  const [text, ...others] = texts;
  if (text === undefined || others.length > 0) return undefined;
  return groups.size === 1
    ? `These runs differ in nothing but their seeds: one run with ${text} trains the same networks, bit for bit, in lockstep, and ` +
      "takes less time."
    : `These are ${groups.size} runs with several seeds each: ${groups.size} with ${text} train the same networks, bit for bit, in ` +
      "lockstep, and take less time.";
}

/** What one run has that trains the networks of runs with these seeds; undefined of one run, and where a seed is missing or too many. */
function asReplicates(configs: readonly LotteryConfig[]): string | undefined {
  const ordered = configs.toSorted((a, b) => a.seed - b.seed);
  const isDense = ordered.every((own, index) => {
    const before = ordered[index - 1];
    return !before || own.seed <= before.seed + before.replicates;
  });
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (!isDense || !first || !last || first === last) return undefined;
  const replicates = last.seed + last.replicates - first.seed;
  return replicates > mostReplicates ? undefined : `"seed": ${first.seed} and "replicates": ${replicates}`;
}
