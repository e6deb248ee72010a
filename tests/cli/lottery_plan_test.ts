/** `lottery --plan`, and runs that keep the plan table that they began with. */
import assert from "node:assert/strict";
import { lotteryCommand, type LotteryTools } from "../../src/cli/lottery.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { planHashOf } from "../../src/lottery/plan_table.ts";
import { type PlanTable, planTable } from "../../src/nn/plan.ts";
import { verifyRun } from "../../src/store/verify.ts";
import { fakeLottery } from "../store/fake_lottery.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { rememberingConsole } from "./console.ts";

const dataset = await syntheticDataset({ height: 4, width: 4, train: 300, test: 50 });
const small = ["--dataset", "synthetic", "--train-size", "200", "--validation-size", "100", "--iterations", "50"]
  .concat(["--eval-every", "20", "--levels", "2"]);

const own: PlanTable = {
  version: 3,
  adapter: "paper and pencil",
  software: [{ type: "dense", fromWeights: 0, compactBelow: 0.4, tiles: "register" }],
};

interface Outcome {
  readonly code: number;
  readonly errors: string;
  readonly output: string;
  /** The table that training went by. */
  readonly plan: PlanTable | undefined;
}

/** Runs the command, and kills it after so many levels. */
async function run(args: readonly string[], levels = Infinity, tools: Partial<LotteryTools> = {}): Promise<Outcome> {
  const console = rememberingConsole();
  let plan: PlanTable | undefined;
  const code = await lotteryCommand(args, {
    console,
    lottery: async function* (config, options) {
      plan = options.plan;
      let done = 0;
      for await (const event of fakeLottery(config, { ...(options.snapshot ? { snapshot: options.snapshot } : {}) })) {
        yield event;
        if (event.type === "snapshot" && ++done >= levels) throw new Error("killed");
      }
    },
    loadDataset: () => Promise.resolve(dataset),
    signal: new AbortController().signal,
    ...tools,
  });
  return { code, errors: console.errors(), output: console.output(), plan };
}

/** A run that was killed after its first level. */
async function begin(args: readonly string[]): Promise<void> {
  await assert.rejects(run(args, 1), { message: "killed" });
}

async function usage(args: readonly string[]): Promise<string> {
  let message = "";
  await assert.rejects(run(args), (error) => {
    assert.ok(error instanceof Error);
    assert.equal(error.name, "UsageError");
    message = error.message;
    return true;
  });
  assert.doesNotMatch(message, /\n/);
  return message;
}

function idsIn(runs: string): string[] {
  return [...Deno.readDirSync(runs)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
}

function write(folder: { readonly path: string }, name: string, value: unknown): string {
  const path = `${folder.path}/${name}`;
  Deno.writeTextFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

function manifestOf(runs: string, id: string | undefined): Record<string, unknown> {
  return JSON.parse(Deno.readTextFileSync(`${runs}/${id}/manifest.json`));
}

/** What a run looks like whose table shipped when it began, and does not any more. */
async function asOfOtherTable(runs: string, table: PlanTable | undefined): Promise<string> {
  const file = write({ path: runs }, "old.json", table ?? own);
  await begin([...small, "--runs", runs, "--plan", file]);
  Deno.removeSync(file);
  const [id = ""] = idsIn(runs);
  const manifest = manifestOf(runs, id);
  manifest["plan"] = { from: "shipped", table: table ?? own };
  if (!table) {
    delete manifest["plan"];
    manifest["schema"] = 1;
  }
  Deno.writeTextFileSync(`${runs}/${id}/manifest.json`, JSON.stringify(manifest));
  return id;
}

Deno.test("--plan trains by a table of the user's, which stands in the manifest and makes another run", async () => {
  using runs = new TemporaryFolder();
  using files = new TemporaryFolder();
  const path = write(files, "mine.json", own);
  const shipped = await run([...small, "--runs", runs.path]);
  assert.deepEqual(shipped.plan, planTable);
  const [first = ""] = idsIn(runs.path);
  assert.deepEqual(manifestOf(runs.path, first)["plan"], { from: "shipped", table: planTable });
  assert.equal(manifestOf(runs.path, first)["planHash"], await planHashOf(planTable));
  const mine = await run([...small, "--runs", runs.path, "--plan", path]);
  assert.equal(mine.code, 0);
  assert.deepEqual(mine.plan, own);
  const [second] = idsIn(runs.path).filter((id) => id !== first);
  assert.match(second ?? "", /^lenet-quick-[0-9a-f]{10}$/);
  const manifest = manifestOf(runs.path, second);
  assert.deepEqual(manifest["plan"], { from: "mine.json", table: own });
  assert.equal(manifest["planHash"], await planHashOf(own));
  assert.equal(manifest["schema"], 2);
  assert.doesNotMatch(mine.errors, /Warning/);
});

Deno.test("a run's manifest.json does for --plan what its table does", async () => {
  using runs = new TemporaryFolder();
  using files = new TemporaryFolder();
  await begin([...small, "--runs", runs.path, "--plan", write(files, "mine.json", own)]);
  const [id] = idsIn(runs.path);
  const again = await run([...small, "--runs", runs.path, "--plan", `${runs.path}/${id}/manifest.json`, "--resume"]);
  assert.deepEqual(again.plan, own);
  assert.match(again.errors, new RegExp(`Going on with run ${id} `));
  assert.deepEqual(manifestOf(runs.path, id)["plan"], { from: "mine.json", table: own });
});

Deno.test("a run is gone on with by the table that it began with, without the flag and without the file", async () => {
  for (const named of [false, true]) {
    using runs = new TemporaryFolder();
    using files = new TemporaryFolder();
    const path = write(files, "mine.json", own);
    await begin([...small, "--runs", runs.path, "--plan", path]);
    Deno.removeSync(path);
    const [id = ""] = idsIn(runs.path);
    const rest = await run(["--runs", runs.path, "--resume", ...named ? [id.slice(0, -3)] : small]);
    assert.match(rest.errors, new RegExp(`Going on with run ${id} `));
    assert.deepEqual(rest.plan, own);
    assert.deepEqual(idsIn(runs.path), [id]);
    const { problems } = await verifyRun(runs.path, id);
    assert.deepEqual(problems.filter((problem) => /manifest|plan/.test(problem)), []);
  }
});

Deno.test("a run goes on by the table that shipped when it began, after the shipped one has changed", async () => {
  for (const named of [false, true]) {
    using runs = new TemporaryFolder();
    const id = await asOfOtherTable(runs.path, own);
    const rest = await run(["--runs", runs.path, "--resume", ...named ? [id] : small]);
    assert.match(rest.errors, new RegExp(`Going on with run ${id} `));
    assert.deepEqual(rest.plan, own);
    assert.deepEqual(manifestOf(runs.path, id)["plan"], { from: "shipped", table: own });
  }
});

Deno.test("without --resume the same settings begin a run by the shipped table, whatever others went by", async () => {
  using runs = new TemporaryFolder();
  const id = await asOfOtherTable(runs.path, own);
  const other = await run([...small, "--runs", runs.path]);
  assert.deepEqual(other.plan, planTable);
  assert.equal(idsIn(runs.path).filter((own) => own !== id).length, 1);
  // Now that there is one, --resume means it.
  const extended = await run([...small, "--runs", runs.path, "--resume", "--replicates", "2"]);
  assert.deepEqual(extended.plan, planTable);
});

Deno.test("a run of before tables were recorded goes on by the shipped one when it is the same, and else is refused", async () => {
  using runs = new TemporaryFolder();
  await begin([...small, "--runs", runs.path]);
  const [id = ""] = idsIn(runs.path);
  const { plan: _plan, ...before } = manifestOf(runs.path, id);
  Deno.writeTextFileSync(`${runs.path}/${id}/manifest.json`, JSON.stringify({ ...before, schema: 1 }));
  const rest = await run(["--resume", id, "--runs", runs.path]);
  assert.deepEqual(rest.plan, planTable);
  assert.deepEqual(manifestOf(runs.path, id)["plan"], { from: "shipped", table: planTable });

  using others = new TemporaryFolder();
  const lost = await asOfOtherTable(others.path, undefined);
  await assert.rejects(run(["--resume", lost, "--runs", others.path]), {
    name: "RangeError",
    message: /did not record and which does not ship any more\. Go on with the version of Winnow/,
  });
});

Deno.test("another table than a named run's is refused, the same one is not", async () => {
  using runs = new TemporaryFolder();
  using files = new TemporaryFolder();
  const path = write(files, "mine.json", own);
  await begin([...small, "--runs", runs.path, "--plan", path]);
  const [id = ""] = idsIn(runs.path);
  const other = write(files, "other.json", { ...own, software: [] });
  assert.match(
    await usage(["--resume", id, "--plan", other, "--runs", runs.path]),
    /Cannot go on with run .* by --plan other\.json: .*Other kernels compute other numbers\. Leave --plan out/,
  );
  const faster = { ...own, lockstep: { software: [{ fromWork: 0, atMost: 1 }] } };
  assert.equal((await run(["--resume", id, "--plan", write(files, "f.json", faster), "--runs", runs.path])).code, 0);
});

Deno.test("a named run keeps its settings, and takes more levels, but none that make another run", async () => {
  using runs = new TemporaryFolder();
  await begin([...small, "--runs", runs.path, "--lr", "0.002"]);
  const [id = ""] = idsIn(runs.path);
  const more = await run(["--resume", id, "--levels", "3", "--runs", runs.path, "--json"]);
  const { config, arms } = JSON.parse(more.output);
  assert.deepEqual([config.lr, config.levels, arms[0].levels.length], [0.002, 3, 4]);
  assert.match(
    await usage(["--resume", id, "--lr", "0.001", "--runs", runs.path]),
    /Cannot go on with run .* by other settings: .*levels, replicates, draws/,
  );
  assert.match(await usage(["--resume", id, "--fresh", "--runs", runs.path]), /Cannot take --fresh with --resume/);
  assert.match(await usage(["--resume", id, "--config", "c.json", "--runs", runs.path]), /Cannot take --config/);
  assert.match(
    await usage(["--resume", "lenet-quick-ffff", "--runs", runs.path]),
    /There is no run "lenet-quick-ffff"/,
  );
  assert.match(await usage(["--resume", "lenet-qick", "--runs", runs.path]), /Did you mean lenet-quick\?/);
});

Deno.test("two runs of the same settings, each by a table of its own, have to be named", async () => {
  using runs = new TemporaryFolder();
  using files = new TemporaryFolder();
  await begin([...small, "--runs", runs.path, "--plan", write(files, "a.json", own)]);
  await begin([...small, "--runs", runs.path, "--plan", write(files, "b.json", { ...own, software: [] })]);
  const [first = "", second = ""] = idsIn(runs.path);
  const message = await usage([...small, "--runs", runs.path, "--resume"]);
  assert.match(message, new RegExp(`${first}, ${second} have these settings.*Name one: --resume ID`));
});

Deno.test("a table that the manifest's hash is not of is refused, and found by verifying", async () => {
  using runs = new TemporaryFolder();
  await begin([...small, "--runs", runs.path]);
  const [id = ""] = idsIn(runs.path);
  const manifest = manifestOf(runs.path, id);
  Deno.writeTextFileSync(
    `${runs.path}/${id}/manifest.json`,
    JSON.stringify({ ...manifest, plan: { from: "shipped", table: own } }),
  );
  await assert.rejects(run(["--resume", id, "--runs", runs.path]), {
    name: "CorruptRunError",
    message: /plan table in its manifest\.json is not the one that it began with/,
  });
  assert.match((await verifyRun(runs.path, id)).problems.join(), /plan table in its manifest\.json/);
});

Deno.test("files that are no plan table are refused before anything is written", async () => {
  using runs = new TemporaryFolder();
  using files = new TemporaryFolder();
  const refused = async (value: unknown): Promise<string> =>
    await usage([...small, "--runs", runs.path, "--plan", write(files, "plan.json", value)]);
  assert.match(await refused("{"), /Cannot use --plan .*plan\.json: it is not JSON/);
  assert.match(await refused({ ...own, version: 7 }), /Cannot use --plan .*version 7.*bench calibrate/);
  assert.match(await refused({ ...own, sofware: [] }), /Cannot use --plan .*"sofware"/);
  assert.match(await refused({ plan: { table: { ...own, version: 2 } } }), /version 2/);
  const missing = await usage([...small, "--runs", runs.path, "--plan", `${files.path}/none.json`]);
  assert.match(missing, /Cannot read --plan .*none\.json.*bench calibrate/);
  assert.deepEqual(idsIn(runs.path), []);
});

Deno.test("a table of another adapter is told once, and goes on", async () => {
  using runs = new TemporaryFolder();
  using files = new TemporaryFolder();
  const path = write(files, "theirs.json", { ...own, adapter: "a card" });
  const { code, errors } = await run([...small, "--runs", runs.path, "--plan", path]);
  assert.equal(code, 0);
  assert.equal(
    errors.match(/Warning: The plan table was measured on a card, and paper and pencil computes/g)?.length,
    1,
  );
});

Deno.test("--verbose says what decides how many networks train in lockstep", async () => {
  using runs = new TemporaryFolder();
  const { errors } = await run([...small, "--runs", runs.path, "--verbose"]);
  assert.match(errors, /at most 1 in lockstep: no level has more networks/);
});
