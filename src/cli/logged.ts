/**
 * `winnow.ts` for a process that nobody listens to, such as a run that the dashboard started: whatever the command says goes to
 * a file, where it is found when the process that started it is gone.
 *
 * Run: `deno run … src/cli/logged.ts LOG COMMAND …`
 *
 * @module
 */
import { endLine, logConsole } from "./log_file.ts";
import { untilStopped } from "./winnow.ts";

if (import.meta.main) {
  const [path = "", ...args] = Deno.args;
  const log = logConsole(path);
  // What nobody catches Deno would tell on standard error alone.
  const told = (error: unknown): void => {
    log.err(`Error: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
  };
  globalThis.addEventListener("error", ({ error }) => told(error));
  globalThis.addEventListener("unhandledrejection", ({ reason }) => told(reason));
  const code = await untilStopped(args, log);
  log.err(endLine(code));
  Deno.exit(code);
}
