/**
 * The program behind the tasks: finds the command, gives it a console and a way to be stopped, and turns errors into one line
 * and an exit code: 2 for wrong usage, 1 for failure, 130 when it was stopped.
 *
 * @module
 */
import { parseArguments, suggestion, UsageError } from "./arguments.ts";
import { type Console, styled, systemConsole } from "./console.ts";

/** A command. */
interface Command {
  /** What it does, in a line. */
  readonly description: string;
  /** Runs it; what it needs is loaded only then. */
  readonly run: (args: readonly string[], console: Console, signal: AbortSignal) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  lottery: {
    description: "find winning tickets: the main job",
    run: async (args, console, signal) => {
      const { lotteryCommand, lotteryTools } = await import("./lottery.ts");
      return await lotteryCommand(args, { console, signal, ...lotteryTools });
    },
  },
  experiment: {
    description: "reproduce a figure of the paper",
    run: async (args, console, signal) => {
      const [{ experimentCommand, experimentTools }, { lotteryTools }] = await Promise.all([
        import("./experiment.ts"),
        import("./lottery.ts"),
      ]);
      return await experimentCommand(args, { console, signal, ...lotteryTools, ...experimentTools });
    },
  },
  sweep: {
    description: "many runs for one question, here or on a cluster",
    run: async (args, console, signal) => {
      const [{ sweepCommand }, { lotteryTools }] = await Promise.all([import("./sweep.ts"), import("./lottery.ts")]);
      return await sweepCommand(args, { console, signal, ...lotteryTools });
    },
  },
  runs: {
    description: "list, show, compare, export, verify and remove runs",
    run: async (args, console) => (await import("./runs.ts")).runsCommand(args, { console }),
  },
  report: {
    description: "bind a run or an experiment into one HTML page",
    run: async (args, console) => (await import("./report_command.ts")).reportCommand(args, { console }),
  },
  data: {
    description: "fetch and check a data set",
    run: async (args, console, signal) => (await import("./data.ts")).dataCommand(args, { console, signal }),
  },
  doctor: {
    description: "examine adapter, limits and kernels, and say what to do",
    run: async (args, console) => {
      const flags = [
        { flag: "--json", description: "print JSON" },
        { flag: "--help", description: "print this" },
      ];
      const { values } = parseArguments(args, flags, 0);
      if (values.has("--help")) {
        console.out(
          usage("doctor", "Examines adapter, limits and memory, and runs each kernel against its reference.", flags),
        );
        return 0;
      }
      const { diagnose, formatDiagnosis } = await import("./doctor.ts");
      const diagnosis = await diagnose();
      console.out(values.has("--json") ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis));
      return diagnosis.problems.length === 0 ? 0 : 1;
    },
  },
  bench: {
    description: "time the training step, its kernels, levels and ensembles",
    run: async (args, console, signal) => (await import("./bench.ts")).benchCommand(args, { console, signal }),
  },
};

/**
 * Runs a command line.
 *
 * @returns the exit code
 */
export async function main(args: readonly string[], console: Console, signal: AbortSignal): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined || name === "--help" || name === "help") {
      console.out(overview(console));
      return name === undefined ? 2 : 0;
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) {
      const known = Object.keys(commands);
      throw new UsageError(
        `There is no command "${name}".${suggestion(name, known)} Choose one of ${known.join(", ")}.`,
      );
    }
    return await command.run(rest, console, signal);
  } catch (error) {
    if (signal.aborted) return 130;
    console.err(`Error: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function usage(
  example: string,
  what: string,
  flags: readonly { readonly flag: string; readonly description: string }[],
): string {
  const [command = ""] = example.split(" ");
  return [
    what,
    "",
    `Usage  deno task ${command} [flags]`,
    "",
    ...flags.map(({ flag, description }) => `  ${flag.padEnd(14)}${description}`),
    "",
    `Example  deno task ${example}`,
  ].join("\n");
}

function overview(console: Console): string {
  return [
    "Winnow finds winning lottery tickets on any GPU.",
    "",
    ...Object.entries(commands).map(([name, { description }]) =>
      `  ${styled(console, "bold", `deno task ${name}`.padEnd(20))}${description}`
    ),
    "",
    "Each has --help.",
  ].join("\n");
}

/**
 * Runs a command line as a process does: it stops when the process is told to, by a signal.
 *
 * @returns the exit code; the second signal ends the process at once, with 130
 */
export async function untilStopped(args: readonly string[], console: Console): Promise<number> {
  const controller = new AbortController();
  const stop = (): void => {
    // The second time at once: whatever is being written is whole or absent, and the next start goes on from it.
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort(new DOMException("Stopped by the user", "AbortError"));
  };
  Deno.addSignalListener("SIGINT", stop);
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", stop);
    // Schedulers send one of them ahead of the end of a job's time, some more than once: never at once. With SIGUSR1 Deno opens its
    // debugger's port as well, as Node does, so that SIGUSR2 is the better one where others may reach the machine's ports.
    for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
      Deno.addSignalListener(signal, () => controller.signal.aborted || stop());
    }
  }
  return await main(args, console, controller.signal);
}

if (import.meta.main) Deno.exit(await untilStopped(Deno.args, systemConsole()));
