/**
 * A sweep as text: how its runs stand, and which came out best and worst.
 *
 * @module
 */
import { percent } from "../analysis/words.ts";
import { legible } from "../data/quoted.ts";
import { type RankedRun, rankings, rankRuns } from "../sweeps/ranking.ts";
import { countStates, sweepRunStates, type SweepRunStatus, type SweepStatus } from "../sweeps/status.ts";
import { type Console, styled, wrap } from "./console.ts";
import { group } from "./progress.ts";
import { type Column, formatTable } from "./table.ts";

/** More runs than these are shown by state, and only those that want to be looked at by name. */
const mostRows = 40;

/** How a sweep stands, ready to print. */
export function formatStatus(
  status: SweepStatus,
  { isAll }: { readonly isAll: boolean },
  console: Pick<Console, "hasColour" | "columns">,
): string {
  const { record, runs } = status;
  const isWhole = isAll || runs.length <= mostRows;
  const shown = isWhole ? runs : runs.filter(({ state }) => state === "failed" || state === "running");
  const rest = shown.length - mostRows;
  const rows = isWhole ? shown : shown.slice(0, mostRows);
  return [
    `${styled(console, "bold", record.key)}: ${legible(record.title, 200)}`,
    countWords(runs),
    ...(rows.length === 0 ? [] : ["", ...statusTable(rows, runs)]),
    ...(isWhole ? [] : [`${rest > 0 ? `${group(rest)} more fail or run; ` : ""}--all shows every run.`]),
    ...bestAndWorst(status, console),
  ].join("\n");
}

/** How many runs are in each state, and how much of all is trained. */
function countWords(runs: readonly SweepRunStatus[]): string {
  const counts = countStates(runs);
  const parts = sweepRunStates.flatMap((state) => counts[state] === 0 ? [] : [`${group(counts[state])} ${state}`]);
  const fraction = runs.reduce((sum, own) => sum + own.fraction, 0) / Math.max(1, runs.length);
  const all = `${group(runs.length)} ${runs.length === 1 ? "run" : "runs"}`;
  return `${all}: ${parts.join(", ")}; ${Math.floor(fraction * 100)} % trained.`;
}

/** What to do next with a sweep, in a sentence; undefined while there is something to wait for. */
export function nextStep({ record: { key }, runs }: SweepStatus): string | undefined {
  const { finished, running, waiting } = countStates(runs);
  if (finished === runs.length) return `\`deno task sweep draw ${key}\` draws what came of it.`;
  if (running + waiting === 0) return `\`deno task sweep resubmit ${key}\` goes on with what is not finished.`;
  return undefined;
}

const columns: readonly Column[] = [
  { title: "#", align: "right" },
  { title: "run", align: "left" },
  { title: "id", align: "left" },
  { title: "state", align: "left" },
  { title: "done", align: "right" },
  { title: "dense", align: "right" },
  { title: "best ticket", align: "right" },
  { title: "weights", align: "right" },
  { title: "smallest winning", align: "right" },
  { title: "", align: "left" },
];

function statusTable(rows: readonly SweepRunStatus[], all: readonly SweepRunStatus[]): string[] {
  const places = new Map(all.map((own, index) => [own, index + 1]));
  return formatTable(
    columns,
    rows.map((own) => {
      const { run, state, fraction, detail, job, result } = own;
      return [
        String(places.get(own)),
        legible(run.name, 60),
        run.id,
        state,
        `${Math.floor(fraction * 100)} %`,
        inPercent(result?.denseAccuracy, 2),
        inPercent(result?.bestAccuracy, 2),
        inPercent(result?.bestRemaining),
        inPercent(result?.smallestWinning),
        [...(job === null || state === "finished" ? [] : [job]), ...(detail === null ? [] : [detail])].join(": "),
      ];
    }),
  );
}

/** The best and the worst by each measure, when there is something to compare; with an empty line before. */
function bestAndWorst(status: SweepStatus, console: Pick<Console, "columns">): string[] {
  const width = Math.min(console.columns(), 110);
  const lines = rankings.flatMap((ranking) => {
    const { ranked, best: [best], worst } = rankRuns(status, ranking, 1);
    const last = worst.at(-1);
    if (ranked < 2 || !best || !last) return [];
    const words = ({ status: { run }, result }: RankedRun): string => {
      const ours = ranking.key === "bestAccuracy"
        ? `${inPercent(result.bestAccuracy, 2)} with ${inPercent(result.bestRemaining)} of the weights`
        : `${inPercent(result[ranking.key])} of the weights`;
      return `${legible(run.name, 60)} (${ours})`;
    };
    return [wrap(`Of ${group(ranked)} by ${ranking.name}: best ${words(best)}, worst ${words(last)}.`, width)];
  });
  return lines.length === 0 ? [] : ["", ...lines];
}

/** How a sweep stands as `--json` prints it. */
export function statusJson({ record, runs }: SweepStatus): unknown {
  return {
    schema: 1,
    key: record.key,
    title: record.title,
    created: record.created,
    updated: record.updated,
    counts: countStates(runs),
    runs: runs.map(({ run: { name, id }, state, fraction, detail, job, attempts, attempt, result }) => ({
      name,
      id,
      state,
      fraction,
      detail,
      job,
      attempts,
      attempt: attempt ?? null,
      result: result ?? null,
    })),
  };
}

function inPercent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? "–" : percent(value, digits);
}
