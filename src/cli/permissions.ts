/**
 * With which permissions processes are started that train: those of the task `lottery`, and no other.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };

/** What a scheduler tells its tasks about themselves, and a sweep's task writes down. */
export const schedulerVariables = [
  "SLURM_ARRAY_JOB_ID",
  "SLURM_ARRAY_TASK_ID",
  "SLURM_RESTART_COUNT",
] as const;

/** The permission flags of the task `lottery`, with the folder that the user is in. */
export function lotteryPermissions(folder: string): string[] {
  const { command } = project.tasks.lottery;
  return (command.match(/(?<=\s)--allow-[a-z]+(?:=(?:"[^"]*"|[^\s"]+))?/g) ?? [])
    .map((flag) => flag.replaceAll('"', "").replaceAll("$INIT_CWD", () => folder));
}

/**
 * The permission flags of a sweep's task (`sweep task`): those of `lottery`, and to read what the scheduler says of the task.
 *
 * @param folder where it may write: the folder of runs
 */
export function taskPermissions(folder: string): string[] {
  return lotteryPermissions(folder).map((flag) =>
    flag.startsWith("--allow-env=") ? [flag, ...schedulerVariables].join() : flag
  );
}

/** The `deno` that may be run: this very one, or what the PATH has; undefined when Deno lets this process run neither. */
export async function denoProgram(): Promise<string | undefined> {
  for (const command of [Deno.execPath(), "deno"]) {
    if ((await Deno.permissions.query({ name: "run", command })).state === "granted") return command;
  }
  return undefined;
}
