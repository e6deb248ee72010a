/** The dashboard's command line: what it means, and what it refuses. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { UsageError } from "../../src/cli/arguments.ts";
import { dashboardHelp, explainListening, parseDashboardSettings } from "../../src/dashboard/settings.ts";

Deno.test("without flags it listens on 127.0.0.1:8000 for the runs of the folder that the user is in", () => {
  const folder = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  assert.deepEqual(parseDashboardSettings([]), { port: 8000, host: "127.0.0.1", runs: resolve(folder, "runs") });
});

Deno.test("port, address and folder are taken from flags, in both spellings", () => {
  assert.deepEqual(parseDashboardSettings(["--port", "0", "--host=0.0.0.0", "--runs", "/tmp/r"]), {
    port: 0,
    host: "0.0.0.0",
    runs: "/tmp/r",
  });
  assert.equal(parseDashboardSettings(["--host", "localhost"])?.host, "127.0.0.1");
  assert.equal(parseDashboardSettings(["--host", "::1"])?.host, "::1");
  assert.equal(parseDashboardSettings(["--port", "1", "--help"]), undefined);
});

Deno.test("wrong flags are refused in words that name the flag, the value and what is wanted", () => {
  const refused: [args: string[], message: RegExp][] = [
    [["--port", "65536"], /^--port is "65536", and it must be a whole number from 0 to 65535\.$/],
    [["--port", "1.5"], /^--port is "1\.5"/],
    [["--port="], /^--port is ""/],
    [["--port", "-1"], /--port/],
    [["--host", "a b"], /^--host is "a b", and it must be an address such as 127\.0\.0\.1/],
    [["--host", "x\ny"], /^--host is "x\\ny"/],
    [["--prot", "1"], /^There is no flag --prot\. Did you mean --port\? See --help\.$/],
    [["--port", "1", "--port", "2"], /twice/],
    [["runs"], /^Cannot take "runs"/],
  ];
  for (const [args, message] of refused) {
    assert.throws(
      () => parseDashboardSettings(args),
      (error) => error instanceof UsageError && message.test(error.message) && !error.message.includes("\n"),
      args.join(" "),
    );
  }
});

Deno.test("help names every flag with its default, and has an example", () => {
  const help = dashboardHelp(100);
  for (const flag of ["--port N", "--host ADDRESS", "--runs DIR", "--help"]) assert.ok(help.includes(flag), flag);
  assert.match(help, /\(8000\)[^]*\(127\.0\.0\.1\)[^]*\(\.\/runs\)[^]*Example {2}deno task dashboard /);
  assert.ok(help.split("\n").every((line) => line.length <= 110));
});

Deno.test("a port that is taken or not allowed is an error with its remedy", async () => {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => new Response());
  const { port } = server.addr;
  const settings = { host: "127.0.0.1", port };
  let taken: unknown;
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  } catch (error) {
    taken = error;
  }
  assert.match(
    explainListening(taken, settings),
    /^Cannot listen on 127\.0\.0\.1:\d+: another program does already\..*--port/,
  );
  const denied = new Deno.errors.NotCapable("no");
  assert.match(explainListening(denied, { host: "10.0.0.1", port: 1 }), /127\.0\.0\.1 and 0\.0\.0\.0 alone/);
  assert.match(explainListening(new Error("what"), settings), /: what$/);
});
