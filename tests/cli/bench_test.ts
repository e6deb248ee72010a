/** The command `bench`, each of its forms at its smallest, on the machine's own adapter. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { crossing } from "../../bench/crossover.ts";
import { benchCommand } from "../../src/cli/bench.ts";
import { assertComparable, changes, formatChanges } from "../../src/cli/bench_compare.ts";
import { mediansOf } from "../../src/cli/bench_form.ts";
import { slowerWords } from "../../src/cli/bench_levels.ts";
import { main } from "../../src/cli/winnow.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { rememberingConsole } from "./console.ts";

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** As the process runs it, with its exit code. */
async function run(...args: readonly string[]): Promise<Outcome> {
  const console = rememberingConsole();
  const code = await main(["bench", ...args], console, new AbortController().signal);
  return { code, output: console.output(), errors: console.errors() };
}

const small = ["--width", "0.05", "--batch-size", "8", "--runs", "1"];
const levels = ["levels", ...small, "--levels", "10,0"];

Deno.test("bench times a step and its kernels, as JSON with what it had before and its medians", async () => {
  const { code, output } = await run("--width", "0.05", "--batch-size", "8", "--replicates", "1", "--json");
  assert.equal(code, 0);
  const report = JSON.parse(output);
  assert.deepEqual(Object.keys(report), [
    "form",
    "adapter",
    "settings",
    "peakGflops",
    "copyPeakGbytes",
    "steps",
    "medians",
  ]);
  assert.equal(report.form, "step");
  assert.deepEqual(report.settings, { network: "lenet", width: 0.05, batchSize: 8 });
  assert.ok(report.peakGflops > 0 && report.copyPeakGbytes > 0);
  const [step] = report.steps;
  for (const { label, ms, gflops, ofPeak, gbytes, ofCopyPeak } of step.kernels ?? []) {
    assert.ok(ms.minimum <= ms.median && ms.median <= ms.maximum, label);
    assert.equal(ofPeak, gflops / report.peakGflops, label);
    assert.equal(ofCopyPeak, gbytes / report.copyPeakGbytes, label);
    assert.ok(gbytes > 0, label);
  }
  assert.equal(report.medians["step, 1 in lockstep"], step.ms.median);
  if (step.kernels) assert.equal(Object.keys(report.medians).length, step.kernels.length + 1);
});

Deno.test("bench levels times each level as planned and masked-dense, ascending", async () => {
  const { code, output } = await run(...levels, "--json");
  assert.equal(code, 0);
  const report = JSON.parse(output);
  assert.deepEqual(report.settings, { network: "lenet", width: 0.05, replicates: 1, batchSize: 8 });
  const [dense, pruned] = report.levels;
  assert.deepEqual(report.levels.map(({ level }: { level: number }) => level), [0, 10]);
  assert.equal(dense.remaining, 1);
  assert.equal(dense.byLevelBefore, null);
  assert.equal(dense.byMaskedDense, 1);
  assert.deepEqual(dense.ms, dense.maskedDenseMs);
  assert.ok(pruned.remaining > 0.05 && pruned.remaining < 0.2);
  for (const time of [pruned.ms, pruned.maskedDenseMs]) {
    assert.ok(time.minimum > 0 && time.minimum <= time.median && time.median <= time.maximum);
  }
  // With one round a median is the round itself.
  assert.ok(Math.abs(pruned.byMaskedDense - pruned.ms.median / pruned.maskedDenseMs.median) < 1e-12);
  assert.ok(Math.abs(pruned.byLevelBefore - pruned.ms.median / dense.ms.median) < 1e-12);
  assert.deepEqual(Object.keys(report.medians), [
    "level 0",
    "level 0, masked-dense",
    "level 10",
    "level 10, masked-dense",
  ]);
});

Deno.test("bench levels prints a row for each level, and whether one is slower than the one before", async () => {
  const { code, output } = await run(...levels);
  assert.equal(code, 0);
  assert.match(output, /^Adapter +\S/);
  assert.match(
    output,
    /^level +weights +median +minimum +maximum +masked-dense +by masked-dense +by level before +compact$/m,
  );
  assert.match(output, /^ +0 +100\.0 % +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +1\.00 +– +–$/m);
  assert.match(output, /^ +10 +\d+\.\d % /m);
  assert.match(output, /lower than the one before by more than 10 %/);
});

Deno.test("slowerWords() names a level that is slower in the median of the rounds and by its minimum, no other", () => {
  const ms = (minimum: number) => ({ median: minimum, minimum, maximum: minimum });
  const level = (level: number, minimum: number, byLevelBefore: number | null) => ({
    level,
    ms: ms(minimum),
    byLevelBefore,
  });
  assert.equal(
    slowerWords([level(0, 10, null), level(4, 11, 1.3), level(8, 13, 1.1), level(12, 5, 0.4)]),
    "No level is slower than the one before by more than 10 %.",
  );
  assert.equal(
    slowerWords([level(0, 10, null), level(4, 11.2, 1.12), level(8, 11, 1)]),
    "Slower than the one before by more than 10 %: level 4 takes 1.12 times as long as level 0.",
  );
});

Deno.test("bench ensemble counts networks per hour, beside a single one also where that was not asked for", async () => {
  const { code, output } = await run("ensemble", ...small, "--replicates", "3,2", "--level", "12", "--json");
  assert.equal(code, 0);
  const report = JSON.parse(output);
  assert.deepEqual(report.settings, { network: "lenet", width: 0.05, level: 12, batchSize: 8 });
  assert.equal(report.iterations, 50_000);
  assert.deepEqual(report.ensembles.map(({ replicates }: { replicates: number }) => replicates), [3, 2]);
  for (const { replicates, ms, networksPerHour, bySingle } of report.ensembles) {
    assert.ok(Math.abs(networksPerHour * ms.median * 50_000 / 3_600_000 / replicates - 1) < 1e-9);
    assert.ok(bySingle > 0);
    assert.equal(report.medians[`step, ${replicates} in lockstep`], ms.median);
  }
  const text = await run("ensemble", ...small, "--replicates", "1");
  assert.match(text.output, /^in lockstep +median +minimum +maximum +networks per hour +by single ones$/m);
  assert.match(text.output, /^ +1 +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +1\.00$/m);
});

Deno.test("bench roofline says of each launch what it does and what each card is expected to take, in a table and as JSON", async () => {
  const args = ["roofline", "--width", "0.05", "--batch-size", "8", "--replicates", "2", "--level", "3"];
  const { code, output } = await run(...args, "--json");
  assert.equal(code, 0);
  const report = JSON.parse(output);
  assert.deepEqual(report.settings, {
    network: "lenet",
    width: 0.05,
    replicates: 2,
    level: 3,
    batchSize: 8,
    plan: "gpu",
    tiles: "planned",
  });
  const names = report.cards.map(({ name }: { name: string }) => name);
  assert.ok(names.length >= 3);
  for (const { label, work, expected } of report.launches) {
    assert.ok(work.leastBytes > 0, label);
    assert.deepEqual(expected.map(({ card }: { card: string }) => card), names);
  }
  for (const [card, { microseconds }] of report.steps.entries()) {
    const sum = report.launches.reduce(
      (sum: number, { expected }: { expected: { microseconds: number }[] }) =>
        sum + (expected[card]?.microseconds ?? NaN),
      0,
    );
    assert.equal(microseconds, sum);
  }
  const text = await run(...args, "--tiles", "register", "--plan", "software");
  assert.match(text.output, /^As planned for a software adapter, but with register tiles: dense1 /m);
  assert.match(
    text.output,
    /^launch +kernel +Mop +least kB +tiles kB +op\/byte +in tiles +workgroups +of +invocations$/m,
  );
  assert.match(text.output, /^dense1 forward +dense_forward +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +\d+ +8 +\d+$/m);
  assert.match(text.output, /^end of step +[\d.]+ (launch|lanes [\d.]+ %)/m);
  assert.match(text.output, /^step +[\d.]+ +[\d.]+/m);
});

Deno.test("bench crossover prints, draws and gives as JSON the same crossing", async () => {
  using folder = new TemporaryFolder();
  const svg = join(folder.path, "crossover.svg");
  const { code, output, errors } = await run(
    ...["crossover", "--layer", "9x6", "--batch-size", "5", "--runs", "1", "--svg", svg, "--json"],
  );
  if (code === 1) {
    assert.match(errors, /has no timestamps/);
    return;
  }
  assert.equal(code, 0);
  const report = JSON.parse(output);
  assert.deepEqual(report.settings, { layer: "9x6", batchSize: 8 });
  assert.equal(report.comparisons.length, 7);
  assert.deepEqual(Object.keys(report.dense), ["forward", "input gradient", "weight gradient", "optimizer"]);
  for (const { points, crossing: found } of report.comparisons) assert.equal(found, crossing(points));
  assert.equal(Object.keys(report.medians).length, 4 * (1 + report.compact.length));
  const picture = await Deno.readTextFile(svg);
  assert.match(picture, /^<\?xml [^>]+>\n<svg /);
  assert.match(picture, /Compact by dense, 9 × 6, batch 8/);
  for (const { title } of report.comparisons) assert.ok(picture.includes(`>${title}<`), title);
});

Deno.test("--compare sets old medians beside new ones, in a table and in JSON", async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, "old.json");
  const old = JSON.parse((await run(...levels, "--json")).output);
  await Deno.writeTextFile(path, JSON.stringify({ ...old, medians: { "level 0": 2, "level 7": 3 } }));
  const { code, output } = await run(...levels, "--compare", path);
  assert.equal(code, 0);
  assert.match(output, /^median +old ms +new ms +new by old$/m);
  assert.match(output, /^level 0 +2\.000 +[\d.]+ +[\d.]+$/m);
  assert.match(output, /^level 10 +– +[\d.]+ +–$/m);
  assert.match(output, /^level 7 +3\.000 +– +–$/m);
  const report = JSON.parse((await run(...levels, "--compare", path, "--json")).output);
  const [first] = report.changes;
  assert.deepEqual(first, {
    name: "level 0",
    oldMs: 2,
    newMs: report.medians["level 0"],
    ratio: report.medians["level 0"] / 2,
  });
});

Deno.test("--compare refuses another form, other settings, another adapter and what is no measurement, with exit code 2", async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, "old.json");
  const settings = { network: "lenet", width: 0.05, replicates: 1, batchSize: 8 };
  const recorded = { form: "levels", adapter: "Another GPU", settings, medians: {} };
  const refusals: readonly (readonly [string, RegExp])[] = [
    [
      JSON.stringify({ ...recorded, form: "ensemble" }),
      /its form is "ensemble", and this one's is "levels"\. Give a file/,
    ],
    [
      JSON.stringify({ ...recorded, settings: { ...settings, batchSize: 60 } }),
      /its batchSize is "60", and this one's is "8"\. Measure with the same flags/,
    ],
    [JSON.stringify({ ...recorded, settings: { network: "lenet" } }), /its width is "missing"/],
    [JSON.stringify(recorded), /its adapter is "Another GPU", and this one's is /],
    ["{", /it is not JSON/],
    ["[1]", /it is not what a measurement printed\. Give a file that/],
    [JSON.stringify({ ...recorded, medians: { "level 0": "2" } }), /it is not what a measurement printed/],
  ];
  for (const [text, message] of refusals) {
    await Deno.writeTextFile(path, text);
    const { code, output, errors } = await run(...levels, "--compare", path);
    assert.equal(code, 2, text);
    assert.equal(output, "");
    assert.match(errors, /^Error: [^\n]+\n$/);
    assert.match(errors, message);
  }
  const { code, errors } = await run(...levels, "--compare", join(folder.path, "none.json"));
  assert.equal(code, 2);
  assert.match(errors, /Cannot read --compare .*none\.json/);
});

Deno.test("what can be compared is", () => {
  const recorded = { form: "levels", adapter: "A", settings: { width: 1 }, medians: {} };
  assertComparable("old.json", recorded, { form: "levels", settings: { width: 1 }, adapter: "A" });
  assertComparable("old.json", recorded, { form: "levels", settings: { width: 1 } });
  assert.deepEqual(changes({ a: 4, b: 1 }, { a: 2, c: 3 }), [
    { name: "a", oldMs: 4, newMs: 2, ratio: 0.5 },
    { name: "c", oldMs: null, newMs: 3, ratio: null },
    { name: "b", oldMs: 1, newMs: null, ratio: null },
  ]);
  assert.equal(formatChanges(changes({ a: 4 }, { a: 2 }))[1], "a        4.000   2.000        0.50");
});

Deno.test("medians of the same name are all there", () => {
  assert.deepEqual(mediansOf([["gather", 1], ["adam", 2], ["gather", 3], ["gather", 4]]), {
    gather: 1,
    adam: 2,
    "gather (2)": 3,
    "gather (3)": 4,
  });
});

Deno.test("wrong usage is exit code 2 and says what is wanted", async () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["level"], /There is no command "bench level"\. Did you mean levels\? Choose one of crossover, levels, ensemble/],
    [["levels", "--network", "lent"], /--network is "lent"\. Did you mean lenet\?/],
    [["levels", "--levels", "0,61"], /--levels is "61", and it must be a whole number from 0 to 60/],
    [["levels", "--levels", "0,"], /--levels is ""/],
    [["levels", "--levels", "4,4"], /--levels has 4 twice/],
    [["levels", "--width", "0"], /--width is "0"/],
    [["roofline", "--plan", "gpus"], /--plan is "gpus"\. Did you mean gpu\? Choose one of gpu, software/],
    [["roofline", "--tiles", "big"], /--tiles is "big"\. Choose one of planned, register, workgroup/],
    [["levels", "--svg", "x.svg"], /There is no flag --svg/],
    [["ensemble", "--replicates", "0"], /--replicates is "0"/],
    [["crossover", "--layer", "784"], /--layer is "784", and it must be inputs and outputs, such as 784x300/],
    [["crossover", "--layer", "0x3"], /--layer is "0x3"/],
    [["crossover", "--layer", "9x6x3"], /--layer is "9x6x3"/],
    [["crossover", "--conv", "9x6"], /--conv is "9x6", and it must be channels in, channels out and the images' size/],
    [["crossover", "--conv", "9x6x5", "--layer", "9x6"], /Cannot time --layer and --conv at once/],
    [["crossover", "more"], /Cannot take "more"/],
  ];
  for (const [args, message] of wrong) {
    const { code, output, errors } = await run(...args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(output, "");
    assert.match(errors, message);
  }
});

Deno.test("--help of each form says what it does, its flags and examples", async () => {
  for (const form of [[], ["crossover"], ["levels"], ["ensemble"], ["roofline"]]) {
    const { code, output } = await run(...form, "--help");
    assert.equal(code, 0);
    const command = ["bench", ...form].join(" ");
    assert.match(output, new RegExp(`^Usage  deno task ${command} \\[flags\\]$`, "m"));
    assert.match(output, new RegExp(`^Example  deno task ${command}$`, "m"));
    for (const flag of ["--json", "--compare FILE"]) assert.ok(output.includes(`  ${flag} `), `${command} ${flag}`);
  }
  assert.match((await run("--help")).output, /^ {2}bench levels +the training step at levels/m);
});

Deno.test("bench that is stopped measures no more", async () => {
  const signal = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(benchCommand(levels, { console: rememberingConsole(), signal }), /stopped/);
});

Deno.test("bench refuses a file that cannot be written before it measures anything", async () => {
  using folder = new TemporaryFolder();
  const missing = join(folder.path, "missing", "plan.json");
  const calibration = await run("calibrate", "--network", "lenet", ...small, "--out", missing);
  const picture = await run("crossover", "--layer", "8x8", "--batch-size", "8", "--runs", "1", "--svg", missing);
  for (const { code, output, errors } of [calibration, picture]) {
    assert.equal(code, 1);
    assert.equal(output, "");
    // No line says what is measured.
    assert.match(errors, /^Error: Cannot write [^\n]*plan\.json: [^\n]+\n?$/);
  }
});
