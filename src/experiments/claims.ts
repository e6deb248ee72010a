/**
 * The paper's numbers beside those of an experiment's runs.
 *
 * @module
 */
import { type ClaimComparison, compareWithPaper, type Measure, measures } from "../analysis/claims.ts";
import type { PaperClaim } from "./experiment.ts";
import type { LoadedRun } from "./loaded_run.ts";

/** A number of the paper beside ours; undefined where a run that it takes has no network. */
export function compareClaim(claim: PaperClaim, runs: readonly LoadedRun[]): ClaimComparison | undefined {
  const { run, againstRun = run } = claim;
  const [own, reference] = [run, againstRun].map((wanted) => runs.find(({ name }) => name === wanted)?.summary);
  return own && reference && compareWithPaper(claim, own, reference);
}

/** What a number of the paper says, in words: "test accuracy at early stop, against dense of Conv-2". */
export function claimQuantity({ measure, arm = "ticket", against, againstRun }: PaperClaim): string {
  const { quantity }: Measure = measures[measure];
  return `${quantity(arm, against)}${againstRun === undefined ? "" : ` of ${againstRun}`}`;
}
