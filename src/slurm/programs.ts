/**
 * Slurm's own programs, run to their end, and what they say when they refuse.
 *
 * @module
 */
import { legible } from "../data/quoted.ts";
import type { ProgramOutput, RunProgram } from "./slurm.ts";

/**
 * Runs one of Slurm's programs.
 *
 * @throws {Error} when it is not there, or Deno does not let it be run
 */
export const runProgram: RunProgram = async (program, args) => {
  const command = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  let child: Deno.ChildProcess;
  try {
    child = command.spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new Error(
      `Slurm's ${program} is not on the PATH: give the command on a login node of a cluster, load its module there, or use ` +
        "--engine local. (examples/slurm/little-cluster.sh starts a cluster of one machine.)",
      { cause },
    );
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
};

/** The error that says what a program of Slurm's said when it refused. */
export function refusal(program: Parameters<RunProgram>[0], { code, err }: ProgramOutput): Error {
  const lines = err.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const said = legible(lines.join(" "), 600);
  return new Error(
    `Slurm's ${program} ended with exit code ${code}${said === "" ? " and said nothing." : `: ${said}`}`,
  );
}
