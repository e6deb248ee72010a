/**
 * For the batch script of a sweep's tasks (`src/slurm/script.ts`): `sweep_again.ts FILE I stopped|killed|in-use RETRIES` ends with 0
 * when the task is to be queued again, and with 1 and the reason when not.
 *
 * @module
 */
import { refusesAgain, taskEndings } from "../slurm/again.ts";
import { listAttempts, readTask, runsOfSubmission } from "../store/sweeps.ts";

if (import.meta.main) {
  const [file = "", index = "", ending, retries = ""] = Deno.args;
  const { submission, run } = await readTask(file, Number(index));
  const job = `${Deno.env.get("SLURM_ARRAY_JOB_ID")}_${index}`;
  const reason = refusesAgain({
    ending: taskEndings.find((own) => own === ending) ?? "killed",
    restarts: Number(Deno.env.get("SLURM_RESTART_COUNT") ?? 0),
    attempts: (await listAttempts(runsOfSubmission(file), submission.sweep, run.id)).filter((own) => own.job === job),
    retries: Number(retries),
  });
  if (reason !== undefined) {
    console.error(`Task ${index} is not queued again. ${reason}`);
    Deno.exit(1);
  }
}
