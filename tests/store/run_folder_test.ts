/** docs/run-folder.md, compared with what the code writes. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { parseSafetensors } from "../../src/data/safetensors.ts";
import { loadTicket } from "../../src/lottery/ticket.ts";
import { planTable } from "../../src/nn/plan.ts";
import { formatCompactTicket } from "../../src/store/compact_ticket.ts";
import { indexName, listRuns } from "../../src/store/index.ts";
import { indexFileName } from "../../src/store/index_file.ts";
import { RunLock } from "../../src/store/lock.ts";
import { logFile, writeAttempt, writeSubmission, writeSweep } from "../../src/store/sweeps.ts";
import { writeTags } from "../../src/store/tags.ts";
import type { Attempt, Submission, SweepSource } from "../../src/sweeps/sweep.ts";
import { tinyConfig } from "./fake_lottery.ts";
import { filesBelow, TemporaryFolder } from "./folders.ts";
import { recordRun } from "./recorded_runs.ts";

const page = await Deno.readTextFile(new URL("../../docs/run-folder.md", import.meta.url));

/** The text under a heading, up to the next of the same depth. */
function section(heading: string): string {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(text, `docs/run-folder.md has no section ${heading}`);
  return text;
}

function names(text: string, words: readonly string[]): void {
  for (const word of words) {
    assert.match(text, new RegExp(`(?<![A-Za-z])${RegExp.escape(word)}(?![A-Za-z])`), `${word} is not documented`);
  }
}

/** The keys of an object and of all objects in it, but not those of maps whose keys are names. */
function keysOf(value: unknown, except: readonly string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((own) => keysOf(own, except));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, own]) => [key, ...except.includes(key) ? [] : keysOf(own, except)]);
}

Deno.test("docs/run-folder.md names every file, key, tensor and version that a run's folder has", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { rewind: 30 });
  const stopped = await recordRun(runs.path, { rewind: 30, seed: 2 }, { levels: 3, partial: true });
  await writeTags(`${runs.path}/${id}`, ["kept"]);
  await listRuns(runs.path);
  const files = await filesBelow(`${runs.path}/${id}`);
  const bytes = (name: string): Uint8Array<ArrayBuffer> => Uint8Array.from(files.get(name) ?? []);
  const text = (name: string): string => new TextDecoder().decode(bytes(name));
  const json = (name: string): unknown => JSON.parse(text(name));
  const lines = (name: string): unknown[] => text(name).trimEnd().split("\n").map((line) => JSON.parse(line));

  const [tree = ""] = page.split("```").slice(1);
  for (const name of files.keys()) {
    const known = name.replace(/level-\d+/, "level-07").replace(/^(arms\/reinit-)[0-9a-f]{10}\/(.*)$/, "$1<hash>/");
    names(tree, known.split("/").length > 2 ? [known] : [known.replace(/-draw-\d+/, "")]);
  }
  names(section("tags.json"), keysOf(json("tags.json")));
  names(section("manifest.json"), keysOf(json("manifest.json"), ["table"]));
  const limits = [{ fromWork: 0, atMost: null }];
  names(section("Plan tables"), keysOf({ ...planTable, adapter: "", lockstep: { software: limits, gpu: limits } }));
  assert.match(section("Versions"), new RegExp(`plan\\.table\\b.*its \`version\` \\| ${planTable.version} \\|`));
  assert.match(section("Versions"), /`manifest\.json` \| its `schema` \| 2; 1 is read \|/);
  assert.match(text("manifest.json"), /"schema": 2,/);
  names(section("metrics.jsonl"), keysOf(lines("metrics.jsonl")));
  names(section("timings.jsonl"), keysOf(lines("timings.jsonl"), ["plan"]));
  names(section("histograms.jsonl"), keysOf(lines("histograms.jsonl")));
  names(section("summary.json"), keysOf(json("summary.json"), ["plan", "config", "adapter"]));
  const control = [...files.keys()].find((name) => /^arms\/.*config\.json$/.test(name)) ?? "";
  names(section("config.json"), keysOf(json(control)));

  const ticketBytes = bytes("tickets/ticket-level-01-replicate-1.safetensors");
  const versions = section("Versions");
  const documented = (
    heading: string,
    file: Uint8Array<ArrayBuffer>,
    except: readonly string[] = [],
  ): ReturnType<typeof parseSafetensors> => {
    const found = parseSafetensors(file, heading);
    const { format = "", version = "" } = found.metadata;
    assert.match(versions, new RegExp(`\`format\` \`${format}\`.*\\| ${version}[; ]`), format);
    names(section(heading), Object.keys(found.metadata).filter((key) => !except.includes(key)));
    for (const tensor of found.tensors.keys()) {
      if (/^(?:mask|rewind|partial)\./.test(tensor)) names(section(heading), [tensor.split(/[.]/)[0] ?? ""]);
      else names(section(heading), [tensor.replace(/\d/, "1")]);
    }
    return found;
  };
  documented("Tickets", ticketBytes);
  documented("Tickets", formatCompactTicket(loadTicket(ticketBytes)));
  documented("Finals", bytes("finals/ticket-level-02-replicate-1.safetensors"), [
    "format",
    "version",
    "run",
    "config",
    "network",
    "arm",
    "level",
    "replicate",
    "draw",
  ]);
  for (const own of [id, stopped]) {
    const path = `${runs.path}/${own}/checkpoint.safetensors`;
    const { metadata, tensors } = documented("Checkpoints", await Deno.readFile(path));
    names(section("Checkpoints"), Object.keys(JSON.parse(metadata["state"] ?? "{}")));
    for (const tensor of tensors.keys()) {
      if (tensor.startsWith("partial.")) {
        names(section("Checkpoints"), [tensor.split(".").at(-1)?.replace(/2$/, "1") ?? ""]);
      }
    }
  }
  {
    await using _lock = await RunLock.acquire(`${runs.path}/lock`, { job: "12_3" });
    names(section("lock"), keysOf(JSON.parse(await Deno.readTextFile(`${runs.path}/lock`))));
  }
  await listRuns(runs.path, { isShared: true });
  const own = JSON.parse(await Deno.readTextFile(`${runs.path}/${indexFileName(Deno.hostname())}`));
  names(section("index.sqlite"), keysOf(own));
  assert.match(versions, new RegExp(`\\.index-<host>\\.json\` \\| its \`version\` \\| ${own.version} `));
  using index = new DatabaseSync(`${runs.path}/${indexName}`);
  names(section("index.sqlite"), Object.keys(index.prepare("SELECT * FROM runs").get() ?? {}));
  assert.match(
    versions,
    new RegExp(`user_version\` \\| ${index.prepare("PRAGMA user_version").get()?.["user_version"]} `),
  );
});

Deno.test("docs/run-folder.md names every file and key of a sweep", async () => {
  using runs = new TemporaryFolder();
  const [run] = [{ name: "run", id: "lenet-quick-0123456789", config: tinyConfig() }];
  const submission: Required<Submission> = {
    ...{ schema: 1, sweep: "rates", name: "2026-11-26T04-05-06-789Z", engine: "slurm", tasks: [run], job: "1234" },
    ...{ dataDirs: {}, digests: {}, plan: "/plan.json", checkpointSeconds: 60 },
  };
  const attempt: Attempt = {
    ...{
      schema: 1,
      id: run.id,
      submission: submission.name,
      engine: "slurm",
      job: "1234_7",
      restarts: 0,
      host: "<host>",
    },
    ...{ pid: 1, started: "2026-11-26T04:05:07.123Z", trained: null, ended: null, outcome: null, error: null },
  };
  const text = section("sweeps/");
  for (const type of ["experiment", "file"] as const) {
    const source: SweepSource = type === "file" ? { type, definition: {} } : { type, name: "fig26", options: {} };
    const record = await writeSweep(runs.path, { key: "rates", title: "", source, runs: [run] });
    names(text, keysOf(record, ["config"]));
  }
  await writeSubmission(runs.path, submission);
  await writeAttempt(runs.path, "rates", attempt);
  names(text, [...keysOf(submission, ["config"]), ...keysOf(attempt)]);
  const paths = [...(await filesBelow(runs.path)).keys(), logFile("", submission, 7)];
  for (const path of paths) {
    const shown = path.replace(/^\/?sweeps\/rates\//, "").replace(run.id, "<run id>").replace(
      "--host--1",
      "-<host>-<pid>",
    );
    names(text, [shown]);
  }
  assert.match(section("Versions"), new RegExp(`\`sweeps/<key>/sweep\\.json\`.*\\| ${submission.schema} \\|`));
});

Deno.test("the check of docs/run-folder.md can fail", () => {
  assert.throws(() => names(section("metrics.jsonl"), ["validationLosses"]), /not documented/);
  assert.throws(() => section("config.yaml"), /no section/);
});
