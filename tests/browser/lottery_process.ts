/**
 * A run in another process, as a reader has it in another terminal.
 *
 * @module
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { lotteryPermissions } from "../../src/cli/permissions.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Three small trainings, with an evaluation several times a second. */
const settings = [
  ...["--dataset", "synthetic", "--width", "0.2", "--batch-size", "20", "--eval-every", "20", "--lr", "0.002"],
  ...["--train-size", "1500", "--validation-size", "500", "--levels", "1", "--replicates", "1"],
];

/**
 * Starts the task `lottery` with its own permissions, on the synthetic data set.
 *
 * @param runs The folder of runs, the only one it may write to.
 * @param iterations Of each of its three trainings; an idle machine takes a second for 500.
 */
export function startLottery(runs: string, iterations: number): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: [
      ...["run", "--no-check", "--no-prompt", ...lotteryPermissions(runs)],
      ...["src/cli/winnow.ts", "lottery", ...settings, "--iterations", `${iterations}`, "--runs", runs],
    ],
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
