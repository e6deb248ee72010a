/** The command `runs`, in process, on runs of a stand-in for the training. */
import assert from "node:assert/strict";
import { parse } from "npm:csv-parse@6.1.0/sync";
import { runsCommand, type RunsTools } from "../../src/cli/runs.ts";
import { main } from "../../src/cli/winnow.ts";
import { planHashOf } from "../../src/lottery/plan_table.ts";
import { formatTicket, loadTicket } from "../../src/lottery/ticket.ts";
import { planTable } from "../../src/nn/plan.ts";
import { loadCompactTicket } from "../../src/store/compact_ticket.ts";
import { RunLock } from "../../src/store/lock.ts";
import { filesBelow, link, TemporaryFolder } from "../store/folders.ts";
import { age, recordRun } from "../store/recorded_runs.ts";
import { type Remembered, rememberingConsole } from "./console.ts";

interface Outcome extends Remembered {
  readonly code: number;
}

async function run(args: readonly string[], tools: Partial<RunsTools> = {}): Promise<Outcome> {
  const console = rememberingConsole();
  return { ...console, code: await runsCommand(args, { console, ...tools }) };
}

async function refusal(...args: string[]): Promise<string> {
  const console = rememberingConsole();
  const code = await main(["runs", ...args], console, new AbortController().signal);
  assert.equal(code, 2, console.errors());
  assert.equal(console.output(), "");
  assert.match(console.errors(), /^Error: .*\n$/, "one line");
  return console.errors();
}

/** Three runs: finished, a level short, and damaged. */
class ThreeRuns extends TemporaryFolder {
  ids = { finished: "", begun: "", damaged: "" };

  static async record(): Promise<ThreeRuns> {
    const runs = new ThreeRuns();
    runs.ids = {
      finished: await recordRun(runs.path, { replicates: 2 }),
      begun: await recordRun(runs.path, { seed: 7, lr: 0.01, controls: [] }, { levels: 2 }),
      damaged: await recordRun(runs.path, { seed: 9 }),
    };
    await Deno.writeTextFile(`${runs.path}/${runs.ids.damaged}/config.json`, "{");
    return runs;
  }
}

Deno.test("list prints a line per run, filtered and sorted, and --json the same as objects", async () => {
  using runs = await ThreeRuns.record();
  const { finished, begun, damaged } = runs.ids;
  const { code, output, errors } = await run(["list", "--runs", runs.path]);
  assert.equal(code, 0);
  const lines = output().trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^run +state +networks +levels +replicates +data +network +best +test there +created/);
  assert.equal(lines.length, 4);
  assert.match(
    output(),
    new RegExp(`^${finished} +finished +10/10 +2 +2 +synthetic +lenet +70\\.0 % +96\\.15 % `, "m"),
  );
  assert.match(output(), new RegExp(`^${begun} +unfinished +2/3 `, "m"));
  assert.match(errors(), new RegExp(`${damaged} is damaged\\. config\\.json: `));
  const ids = async (...args: string[]): Promise<string[]> =>
    JSON.parse((await run(["list", "--runs", runs.path, "--json", ...args])).output())
      .map(({ id }: { readonly id: string }) => id);
  assert.deepEqual(await ids("--state", "finished"), [finished]);
  assert.deepEqual(await ids("--state", "damaged"), [damaged]);
  assert.deepEqual(await ids("--state", "running"), []);
  assert.deepEqual((await ids("--preset", "lenet-quick")).toSorted(), [finished, begun].sort());
  assert.deepEqual(await ids("--preset", "conv2"), []);
  assert.deepEqual(await ids("--dataset", "mnist"), []);
  assert.deepEqual(await ids("--sort", "id"), [finished, begun, damaged].sort());
  // Newest first: they were made one after the other. A replicate more makes a mean of 0.9615 instead of 0.961.
  assert.deepEqual(await ids("--sort", "created"), [damaged, begun, finished]);
  assert.deepEqual(await ids("--sort", "accuracy"), [finished, begun, damaged]);
  assert.equal((await ids("--sort", "size"))[0], finished);
  assert.deepEqual(await ids("--sort", "state"), [begun, finished, damaged]);
});

Deno.test("list of a folder without runs, or that is not there, says so and creates nothing", async () => {
  using runs = new TemporaryFolder();
  for (const folder of [runs.path, `${runs.path}/nowhere`]) {
    const { code, output, errors } = await run(["list", "--runs", folder]);
    assert.deepEqual([code, output()], [0, ""]);
    assert.match(errors(), /There are no runs in .*deno task lottery/);
    assert.equal((await run(["list", "--runs", folder, "--json"])).output(), "[]\n");
    assert.equal((await run(["verify", "--all", "--runs", folder])).code, 0);
  }
  assert.deepEqual([...Deno.readDirSync(runs.path)], []);
});

Deno.test("an id may be cut short; what is no id, too short, or a path is refused with near ones", async () => {
  using runs = await ThreeRuns.record();
  const { finished, damaged } = runs.ids;
  const shown = await run(["show", finished.slice(0, -3), "--runs", runs.path]);
  assert.match(shown.output(), new RegExp(`^Run ${finished}: finished, 10 of 10 networks trained`));
  // The whole id of one run is the beginning of another's.
  await recordRun(runs.path, { replicates: 2 }, { suffix: "-2" });
  assert.match((await run(["show", finished, "--runs", runs.path])).output(), new RegExp(`^Run ${finished}:`));
  assert.match(
    await refusal("show", "lenet", "--runs", runs.path),
    /More than one run begins like "lenet": .*Give more/,
  );
  const misspelt = finished.replace("quick", "qick");
  assert.match(await refusal("show", misspelt, "--runs", runs.path), new RegExp(`no run "${misspelt}".*${finished}`));
  await Deno.mkdir(`${runs.path}/sub`);
  await Deno.mkdir(`${runs.path}/foreign-0123456789`);
  for (
    const id of ["../x", "..", ".", "/etc", "", `../${finished}`, `./${finished}`, "sub", "foreign", "x".repeat(9999)]
  ) {
    for (const command of ["show", "verify", "export", "remove"]) {
      const extra = command === "remove" ? ["--yes"] : [];
      assert.match(await refusal(command, id, ...extra, "--runs", runs.path), /There is no run /, `${command} ${id}`);
    }
  }
  assert.match(await refusal("show", "x\x1b[31m", "--runs", runs.path), /"x\\u001b\[31m"/);
  assert.match(await refusal("show", "x", "--runs", `${runs.path}/sub`), /has none/);
  assert.match(await refusal("show", "--runs", runs.path), /Name a run/);
  assert.match(await refusal("compare", damaged, "--runs", runs.path), /Name two runs/);
});

Deno.test("show prints the report, where the run came from, and the command that makes it again", async () => {
  using runs = await ThreeRuns.record();
  const { finished, begun, damaged } = runs.ids;
  const { output } = await run(["show", finished, "--runs", runs.path]);
  assert.match(output(), /^adapter +paper and pencil \(driver 1\.0, software\)$/m);
  assert.match(output(), /^data +synthetic, digest d$/m);
  assert.match(output(), /^plan table +[0-9a-f]{10}, shipped$/m);
  assert.match(output(), /^kernels +levels 0 to 2: masked-dense$/m);
  assert.match(output(), /^versions +winnow \S+ .*deno /m);
  assert.match(output(), /Pruning helped: with 70\.0 % of the weights/);
  assert.equal(
    /^again +(.*)$/m.exec(output())?.[1],
    "deno task lottery lenet-quick --dataset synthetic --levels 2 --iterations 50 --replicates 2 --eval-every 20",
  );
  const json = JSON.parse((await run(["show", begun, "--runs", runs.path, "--json"])).output());
  assert.deepEqual([json.schema, json.index.state, json.config.lr, json.manifest.id], [1, "unfinished", 0.01, begun]);
  assert.match(json.command, /^deno task lottery lenet-quick --dataset synthetic .*--lr 0\.01 .*--controls none/);
  const broken = await run(["show", damaged, "--runs", runs.path]);
  assert.equal(broken.code, 0);
  assert.match(broken.output(), /damaged, 0 of 0 networks trained\nconfig\.json: /);
});

Deno.test("show says where a plan table of the run's own came from, and the command takes it from the manifest", async () => {
  using runs = await ThreeRuns.record();
  const { finished } = runs.ids;
  const path = `${runs.path}/${finished}/manifest.json`;
  const own = { ...planTable, software: [] };
  const manifest = JSON.parse(await Deno.readTextFile(path));
  const changed = { ...manifest, planHash: await planHashOf(own), plan: { from: "mine.json", table: own } };
  await Deno.writeTextFile(path, JSON.stringify(changed));
  const { output } = await run(["show", finished, "--runs", runs.path]);
  assert.match(output(), new RegExp(`^plan table +${await planHashOf(own)}, from mine\\.json$`, "m"));
  assert.match(output(), new RegExp(`^again +deno task .* --plan ${RegExp.escape(path)}$`, "m"));
});

Deno.test("compare names differing settings alone, and puts levels side by side", async () => {
  using runs = await ThreeRuns.record();
  const { finished, begun, damaged } = runs.ids;
  const { output } = await run(["compare", finished, begun, "--runs", runs.path]);
  const [table = ""] = output().split("\n\n").slice(1);
  assert.deepEqual(table.split("\n").slice(1).map((line) => line.split(/\s+/)), [
    ["--lr", "0.0012", "0.01"],
    ["--replicates", "2", "1"],
    ["--controls", "reinit", "none"],
    ["--seed", "1", "7"],
  ]);
  assert.match(output(), /^ +1 +70\.0 % +70\.0 % +20 +20 +96\.15 % +96\.10 % +−0\.05 pp$/m);
  assert.match(output(), /^ +2 +40\.0 % +20 +97\.15 %$/m, "a level that only one of them has");
  const same = await run(["compare", finished, finished, "--runs", runs.path]);
  assert.match(same.output(), /same settings, adapter, data and versions/);
  const { differences, a, b } = JSON.parse(
    (await run(["compare", finished, begun, "--runs", runs.path, "--json"])).output(),
  );
  assert.deepEqual(differences.map(({ name }: { readonly name: string }) => name), [
    "--lr",
    "--replicates",
    "--controls",
    "--seed",
  ]);
  assert.deepEqual([a.levels.length, b.levels.length, a.best], [3, 2, 1]);
  await assert.rejects(run(["compare", finished, damaged, "--runs", runs.path]), /Cannot compare .*config\.json/);
});

Deno.test("exported CSV, read by another library, has every evaluation and every network as recorded", async () => {
  using runs = await ThreeRuns.record();
  const { finished, begun } = runs.ids;
  const rows = (text: string): Record<string, string>[] => parse(text, { columns: true });
  const metrics = rows((await run(["export", finished, "--table", "metrics", "--runs", runs.path])).output());
  const files = await filesBelow(`${runs.path}/${finished}`);
  const recorded = [...files].filter(([name]) => name.endsWith("metrics.jsonl"))
    .toSorted(([a], [b]) => b < a ? -1 : 1)
    .flatMap(([, bytes]) => new TextDecoder().decode(bytes).trimEnd().split("\n").map((line) => JSON.parse(line)));
  assert.equal(metrics.length, recorded.length);
  for (const [index, line] of recorded.entries()) {
    for (const [key, value] of Object.entries(line)) {
      assert.equal(metrics[index]?.[key], value === null ? "" : String(value), `${key} of row ${index}`);
    }
    assert.equal(metrics[index]?.["run"], finished);
  }
  const levels = rows((await run(["export", "--all", "--runs", runs.path])).output());
  assert.equal(levels.length, 10 + 2);
  assert.deepEqual(new Set(levels.map(({ run }) => run)), new Set([finished, begun]));
  const first = levels.find(({ run, level }) => run === begun && level === "1");
  assert.deepEqual([first?.["kept"], first?.["size"], first?.["remaining"], first?.["earlyStopIteration"]], [
    "7",
    "10",
    "0.7",
    "20",
  ]);
});

Deno.test("names with commas and quotes are quoted in CSV", async () => {
  using runs = new TemporaryFolder();
  const name = 'mine, "the best"';
  const id = await recordRun(runs.path, {
    controls: [],
    network: { name, layers: [{ type: "dense", units: 10, activation: "none" }] },
  }, { levels: 1 });
  const { output } = await run(["export", id, "--runs", runs.path]);
  const [row]: Record<string, string>[] = parse(output(), { columns: true });
  assert.equal(row?.["network"], name);
});

Deno.test("exported JSON has settings, levels and metrics; --out writes a file, and --all says what is left out", async () => {
  using runs = await ThreeRuns.record();
  using out = new TemporaryFolder();
  const file = `${out.path}/all.json`;
  const { output, errors } = await run(["export", "--all", "--format", "json", "--out", file, "--runs", runs.path]);
  assert.equal(output(), "");
  assert.match(errors(), new RegExp(`${runs.ids.damaged} is left out`));
  assert.match(errors(), /all\.json: 2 runs/);
  const { schema, runs: all } = JSON.parse(await Deno.readTextFile(file));
  assert.deepEqual([schema, all.length], [1, 2]);
  const finished = all.find(({ id }: { readonly id: string }) => id === runs.ids.finished);
  assert.deepEqual([finished.state, finished.config.replicates, finished.levels.length], ["finished", 2, 10]);
  assert.equal(finished.metrics.length, 10 * 4);
  await assert.rejects(run(["export", runs.ids.damaged, "--runs", runs.path]), /Cannot export .*config\.json/);
});

Deno.test("an exported ticket is the run's file, and a compact one is the same ticket", async () => {
  using runs = await ThreeRuns.record();
  using out = new TemporaryFolder();
  const { finished } = runs.ids;
  const ticket = ["export", finished, "--ticket", "2", "--replicate", "2", "--runs", runs.path];
  await run([...ticket, "--format", "safetensors", "--out", `${out.path}/t`]);
  const own = await Deno.readFile(`${runs.path}/${finished}/tickets/ticket-level-02-replicate-2.safetensors`);
  assert.deepEqual(await Deno.readFile(`${out.path}/t`), own);
  await run([...ticket, "--compact", "--out", `${out.path}/c`]);
  const compact = loadCompactTicket(await Deno.readFile(`${out.path}/c`));
  const dense = loadTicket(own);
  assert.deepEqual(compact.masks, dense.masks);
  const survivors = dense.initial.map(({ weight, bias }, index) => ({
    weight: weight.map((value, at) => dense.masks[index]?.[at] ? value : 0),
    bias,
  }));
  assert.deepEqual(formatTicket(compact), formatTicket({ ...dense, initial: survivors }));
  await run(["export", finished, "--ticket", "1", "--arm", "reinit", "--runs", runs.path, "--out", `${out.path}/r`]);
  assert.equal(loadTicket(await Deno.readFile(`${out.path}/r`)).metadata["arm"], "reinit");
  const missing = (...args: string[]): Promise<string> =>
    refusal("export", finished, "--runs", runs.path, "--out", `${out.path}/x`, ...args);
  assert.match(await missing("--ticket", "3"), /has no ticket of arm ticket, level 3, .*levels to 2 and 2 replicates/);
  assert.match(
    await missing("--ticket", "0", "--arm", "reinit"),
    /no ticket of arm reinit, level 0, replicate 1, draw 1/,
  );
  assert.match(await missing("--ticket", "../../x"), /--ticket is "\.\.\/\.\.\/x", and it must be a whole number/);
  await assert.rejects(Deno.stat(`${out.path}/x`), Deno.errors.NotFound);
});

Deno.test("verify ends with 0 when all is well, with 1 and the file's name when not, and leaves runs in use alone", async () => {
  using runs = await ThreeRuns.record();
  const { finished, begun, damaged } = runs.ids;
  const sound = await run(["verify", finished, "--runs", runs.path]);
  assert.equal(sound.code, 0);
  assert.match(sound.output(), new RegExp(`^${finished}: \\d+ files are whole and agree\n$`));
  const all = await run(["verify", "--all", "--runs", runs.path]);
  assert.equal(all.code, 1);
  assert.match(all.output(), new RegExp(`^${damaged}: 1 thing is wrong\n  config\\.json: `, "m"));
  const json = JSON.parse((await run(["verify", "--all", "--json", "--runs", runs.path])).output());
  assert.deepEqual(json.map(({ problems }: { readonly problems: readonly string[] }) => problems.length).toSorted(), [
    0,
    0,
    1,
  ]);
  await using _lock = await RunLock.acquire(`${runs.path}/${begun}/lock`);
  const busy = await run(["verify", begun, "--runs", runs.path]);
  assert.deepEqual([busy.code, /at work in it: not verified/.test(busy.output())], [0, true]);
});

Deno.test("remove asks, takes no for an answer, and removes the run alone", async () => {
  using runs = await ThreeRuns.record();
  using outside = new TemporaryFolder();
  await Deno.writeTextFile(`${outside.path}/precious`, "x");
  const { finished, begun } = runs.ids;
  await link(outside.path, `${runs.path}/${begun}/elsewhere`);
  const questions: string[] = [];
  const answering = (answer: boolean | undefined): Partial<RunsTools> => ({
    confirm: (question) => {
      questions.push(question);
      return answer;
    },
  });
  const before = await filesBelow(`${runs.path}/${finished}`);
  const kept = await run(["remove", begun, "--runs", runs.path], answering(false));
  assert.match(kept.errors(), /stays/);
  assert.match(questions.join(), new RegExp(`Remove run ${begun} for good \\(unfinished, 2 of 3 networks, .*kB`));
  await assert.rejects(run(["remove", begun, "--runs", runs.path], answering(undefined)), /no terminal\. Add --yes/);
  assert.ok((await Deno.stat(`${runs.path}/${begun}`)).isDirectory);
  assert.equal((await run(["remove", begun, "--runs", runs.path], answering(true))).code, 0);
  assert.deepEqual(
    [...Deno.readDirSync(runs.path)].map(({ name }) => name).filter((name) => name.includes(begun)),
    [],
  );
  assert.equal(await Deno.readTextFile(`${outside.path}/precious`), "x", "links are not followed");
  assert.deepEqual(await filesBelow(`${runs.path}/${finished}`), before);
  assert.equal(JSON.parse((await run(["list", "--json", "--runs", runs.path])).output()).length, 2);
  // A damaged run can be removed, too.
  assert.equal((await run(["remove", runs.ids.damaged, "--yes", "--runs", runs.path])).code, 0);
});

Deno.test("remove refuses a run in use, a link to a run and a folder of anything else", async () => {
  using runs = await ThreeRuns.record();
  using elsewhere = new TemporaryFolder();
  const { finished, begun } = runs.ids;
  {
    await using _lock = await RunLock.acquire(`${runs.path}/${finished}/lock`);
    await assert.rejects(run(["remove", finished, "--yes", "--runs", runs.path]), {
      name: "RunInUseError",
      message: /is at work in it/,
    });
    assert.ok((await Deno.stat(`${runs.path}/${finished}/summary.json`)).isFile);
  }
  await Deno.rename(`${runs.path}/${begun}`, `${elsewhere.path}/${begun}`);
  await link(`${elsewhere.path}/${begun}`, `${runs.path}/${begun}`);
  assert.match(await refusal("remove", begun, "--yes", "--runs", runs.path), /There is no run/);
  assert.ok((await Deno.stat(`${elsewhere.path}/${begun}/config.json`)).isFile);
  await Deno.mkdir(`${runs.path}/photos-0123456789`);
  await Deno.writeTextFile(`${runs.path}/photos-0123456789/one.jpg`, "");
  assert.match(await refusal("remove", "photos-0123456789", "--yes", "--runs", runs.path), /There is no run/);
});

Deno.test("wrong flags get one line, and every --help has an example", async () => {
  assert.match(await refusal("lst"), /no command "runs lst"\. Did you mean list\?/);
  assert.match(await refusal("list", "--sort", "sise"), /--sort is "sise"\. Did you mean size\?/);
  assert.match(await refusal("list", "--state", "done"), /--state is "done".*running, unfinished, finished, damaged/);
  assert.match(await refusal("list", "--preset", "lenet-qick"), /Did you mean lenet-quick\?/);
  assert.match(await refusal("list", "--dataset", "imagenet"), /mnist, fashion-mnist/);
  assert.match(await refusal("export"), /Name a run, or give --all/);
  assert.match(await refusal("export", "a", "--all"), /leave one of them out/);
  assert.match(await refusal("export", "--all", "--format", "xml"), /csv, json, safetensors/);
  assert.match(await refusal("export", "--all", "--compact"), /Cannot use --compact with --format csv/);
  assert.match(await refusal("export", "--all", "--format", "json", "--table", "levels"), /leave it out/);
  assert.match(await refusal("export", "--all", "--ticket", "1"), /name the run/);
  assert.match(await refusal("export", "--all", "--table", "rows"), /levels, metrics/);
  assert.match(await refusal("verify"), /Name a run, or give --all/);
  assert.match(await refusal("remove", "a", "b"), /Cannot take "b"/);
  assert.equal((await run([])).code, 2);
  for (const command of [[], ["list"], ["show"], ["compare"], ["export"], ["verify"], ["remove"]]) {
    const { code, output } = await run([...command, "--help"]);
    assert.equal(code, 0);
    assert.match(output(), /^Example {2}deno task runs \w/m, command.join());
    assert.ok(output().split("\n").every((line) => line.length <= 120), command.join());
  }
});

Deno.test("the index does not get in the way: an aged run is listed the same before and after it is known", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await age(`${runs.path}/${id}`);
  const first = await run(["list", "--json", "--runs", runs.path]);
  assert.equal((await run(["list", "--json", "--runs", runs.path])).output(), first.output());
});
