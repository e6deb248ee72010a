/**
 * The dashboard's command line.
 *
 * @module
 */
import { describeFlags, type Flag, parseArguments, UsageError } from "../cli/arguments.ts";
import { type Console, systemConsole } from "../cli/console.ts";
import { runsFolder } from "../cli/run_lookup.ts";
import { quoted } from "../data/quoted.ts";
import { Control } from "./control.ts";
import { Dashboard } from "./dashboard.ts";

/** What the command line says. */
export interface DashboardSettings {
  /** The port to listen on; 0 for any that is free. */
  readonly port: number;
  /** The address to listen on. */
  readonly host: string;
  /** The folder of runs. */
  readonly runs: string;
}

const flags: readonly Flag[] = [
  { flag: "--port", value: "N", description: "the port to listen on; 0 for any that is free (8000)" },
  {
    flag: "--host",
    value: "ADDRESS",
    description: "the address to listen on; 0.0.0.0 for all, which other machines can reach (127.0.0.1)",
  },
  { flag: "--runs", value: "DIR", description: "where runs are kept (./runs)" },
  { flag: "--help", description: "print this" },
];

/**
 * Reads the command line; undefined when it asks for help.
 *
 * @throws {UsageError} for wrong usage
 */
export function parseDashboardSettings(args: readonly string[]): DashboardSettings | undefined {
  const { values } = parseArguments(args, flags, 0);
  if (values.has("--help")) return undefined;
  const port = values.get("--port") ?? "8000";
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(`--port is ${quoted(port)}, and it must be a whole number from 0 to 65535.`);
  }
  const host = values.get("--host") ?? "127.0.0.1";
  if (!/^[A-Za-z0-9.:-]+$/.test(host)) {
    throw new UsageError(`--host is ${quoted(host)}, and it must be an address such as 127.0.0.1, or 0.0.0.0 for all.`);
  }
  // Deno's permissions know addresses and names apart.
  return { port: Number(port), host: host === "localhost" ? "127.0.0.1" : host, runs: runsFolder(values) };
}

/** What `--help` prints. */
export function dashboardHelp(columns: number): string {
  return [
    "Serves the results of runs as pages, while they train and afterwards.",
    "",
    "Usage  deno task dashboard [flags]",
    "",
    describeFlags(flags, Math.min(columns, 110), (text) => text),
    "",
    "With `deno task dashboard:control` runs can be started from a page as well. The address that is printed",
    "holds the token of this start: who opens it may tag and remove runs.",
    "",
    "Example  deno task dashboard --port 8080 --runs results",
  ].join("\n");
}

/** A dashboard, and how to serve it. */
export interface OpenedDashboard {
  /** The runs. */
  readonly dashboard: Dashboard;
  /**
   * Listens until the process is told to stop, and prints the address.
   *
   * @param listen listens with these options, and ends when the server does
   */
  readonly serve: (
    listen: (
      options: Required<Pick<Deno.ServeTcpOptions, "port" | "hostname" | "onListen" | "signal">>,
    ) => Promise<void>,
  ) => Promise<void>;
}

/** Opens what a command line says. Help ends the process with exit code 0, wrong usage with 2. */
export async function openFromCommandLine(
  args: readonly string[],
  console: Console = systemConsole(),
): Promise<OpenedDashboard> {
  const settings = settingsOrExit(args, console);
  const { host, port, runs } = settings;
  const token = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const dashboard = Dashboard.open({ runs, token, canControl: await Control.isAllowed(), host });
  return {
    dashboard,
    serve: async (listen) => {
      await using _open = dashboard;
      const controller = new AbortController();
      const stop = (): void => {
        // Streams of events would keep the server open for as long as somebody listens.
        void dashboard[Symbol.asyncDispose]();
        controller.abort();
      };
      Deno.addSignalListener("SIGINT", stop);
      if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
      try {
        await listen({
          port,
          hostname: host,
          signal: controller.signal,
          onListen: (address) => announce(address.port, settings, token, console),
        });
      } catch (error) {
        console.err(`Error: ${explainListening(error, settings)}`);
        Deno.exit(1);
      } finally {
        Deno.removeSignalListener("SIGINT", stop);
        if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGTERM", stop);
      }
    },
  };
}

function settingsOrExit(args: readonly string[], console: Console): DashboardSettings {
  try {
    const settings = parseDashboardSettings(args);
    if (settings) return settings;
    console.out(dashboardHelp(console.columns()));
    return Deno.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.err(`Error: ${error.message}`);
    return Deno.exit(2);
  }
}

function announce(port: number, { host, runs }: DashboardSettings, token: string, console: Console): void {
  const isEverywhere = host === "0.0.0.0" || host === "::";
  const shown = isEverywhere ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  console.out(`Runs of ${runs}: http://${shown}:${port}/?token=${token}`);
  if (/^127\.|^::1$/.test(host)) return;
  console.err(
    "Other machines can reach this address. They need the token for reading too, and it travels unencrypted.",
  );
}

/** Why nothing listens, with the remedy. */
export function explainListening(error: unknown, { host, port }: Pick<DashboardSettings, "host" | "port">): string {
  const cannot = `Cannot listen on ${host}:${port}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return `${cannot}: another program does already. Choose another port with --port, or 0 for any that is free.`;
  }
  if (error instanceof Deno.errors.NotCapable) {
    return `${cannot}: the task lets the dashboard listen on 127.0.0.1 and 0.0.0.0 alone. Give one of them as --host.`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${cannot}: the system does not allow it. Choose a port above 1023 with --port.`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${cannot}: this machine has no such address. Leave --host out, or give 0.0.0.0 for all.`;
  }
  return `${cannot}: ${error instanceof Error ? error.message : String(error)}`;
}
