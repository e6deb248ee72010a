/**
 * Slurm as far as sweeps need it: what is asked of it, and what it answers. Its own programs do everything; nothing of ours stays
 * resident.
 *
 * @module
 */

/** How jobs are submitted: a profile file's content, flags over it. What is left out is the cluster's own choice. */
export interface SlurmProfile {
  /** `--partition`. */
  readonly partition?: string;
  /** `--account`. */
  readonly account?: string;
  /** `--qos`. */
  readonly qos?: string;
  /** `--constraint`. */
  readonly constraint?: string;
  /** `--gres`, such as `gpu:1`. */
  readonly gres?: string;
  /** `--cpus-per-task`. */
  readonly cpus?: number;
  /** `--mem`, such as `8G`. */
  readonly memory?: string;
  /** `--time`, such as `4:00:00`. */
  readonly time?: string;
  /** How many seconds before the time limit a run is told to write its checkpoint and to queue again: `--signal`. 0 for never. */
  readonly signalSeconds?: number;
  /** Most tasks of an array at once: `%N`. */
  readonly atOnce?: number;
  /** How often a task that was killed is queued again. */
  readonly retries?: number;
  /** Environment of the tasks. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Lines of shell before a task, such as `module load vulkan`. */
  readonly setup?: readonly string[];
  /** More options of `sbatch`, as they are. */
  readonly options?: readonly string[];
}

/** What a program of Slurm's ended with. */
export interface ProgramOutput {
  /** Its exit code. */
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly err: string;
}

/** Runs a program to its end; tests put their own here. */
export type RunProgram = (
  program: "sbatch" | "squeue" | "sacct" | "scancel" | "scontrol",
  args: readonly string[],
) => Promise<ProgramOutput>;
