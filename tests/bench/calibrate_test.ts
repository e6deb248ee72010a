/** `bench calibrate`: what follows from measurements, and a whole calibration of small networks on the machine's own adapter. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type CalibratedLayer,
  type CalibratedLockstep,
  compactFrom,
  densities,
  lockstepLimit,
  lockstepRows,
  rowsOf,
} from "../../bench/calibrate.ts";
import { speedLevels } from "../../bench/speed.ts";
import { main } from "../../src/cli/winnow.ts";
import { parsePlanTable } from "../../src/lottery/plan_table.ts";
import { planTable } from "../../src/nn/plan.ts";
import { rememberingConsole } from "../cli/console.ts";
import { TemporaryFolder } from "../store/folders.ts";

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

async function run(...args: readonly string[]): Promise<Outcome> {
  const console = rememberingConsole();
  const code = await main(["bench", "calibrate", ...args], console, new AbortController().signal);
  return { code, output: console.output(), errors: console.errors() };
}

function layer(own: Partial<CalibratedLayer>): CalibratedLayer {
  return {
    type: "dense",
    shape: "?",
    weights: 1,
    rounds: 1,
    registerMs: 1,
    workgroup: 2,
    compact: [],
    tiles: "register",
    compactBelow: 0,
    ...own,
  };
}

Deno.test("compact begins where it is faster by more than the margin, a tie never", () => {
  const at = (...ratios: readonly number[]) => ratios.map((ratio, index) => ({ density: (index + 1) / 10, ratio }));
  // From 0.9 at 20 % to 1.0 at 30 %: 0.95 lies halfway.
  assert.equal(compactFrom(at(0.5, 0.9, 1, 1.5)), 0.25);
  assert.equal(compactFrom(at(0.96, 0.98, 1, 1)), 0);
  assert.equal(compactFrom(at(1.2, 0.5, 0.5)), 0, "no gap below");
  assert.equal(compactFrom(at(0.5, 0.6, 0.94)), 0.3, "no further than was measured");
  assert.equal(compactFrom(at(0.5, 0.95, 0.96)), 0.2);
});

Deno.test("rows hold from halfway between sizes, equal neighbours are one, and what was not measured is as shipped", () => {
  const rows = rowsOf([
    layer({ weights: 1_000_000, compactBelow: 0.3, tiles: "workgroup" }),
    layer({ weights: 100, compactBelow: 0.1 }),
    layer({ weights: 10_000, compactBelow: 0.3 }),
    layer({ weights: 40_000, compactBelow: 0.3 }),
  ], "software");
  assert.deepEqual(rows, [
    { type: "dense", fromWeights: 0, compactBelow: 0.1, tiles: "register" },
    { type: "dense", fromWeights: 1000, compactBelow: 0.3, tiles: "register" },
    { type: "dense", fromWeights: 200_000, compactBelow: 0.3, tiles: "workgroup" },
    ...planTable.software.filter(({ type }) => type === "conv"),
  ]);
  assert.deepEqual(rowsOf([], "gpu"), planTable.gpu);
});

Deno.test("lockstep is limited only where the most that were timed cost more by over a tenth", () => {
  const costs = (...list: readonly number[]) => list.map((cost, index) => ({ replicates: 2 ** index, cost }));
  assert.equal(lockstepLimit(costs(1, 0.8, 0.7, 0.7)), null);
  assert.equal(lockstepLimit(costs(1, 0.9, 1, 0.99)), null);
  assert.equal(lockstepLimit(costs(1, 0.8, 0.82, 1)), 4);
  assert.equal(lockstepLimit(costs(1, 1.2, 1.3, 1.4)), 1);
});

Deno.test("rows of lockstep say nothing where nothing limits, and lift a limit where it ends", () => {
  const found = (work: number, atMost: number | null): CalibratedLockstep => ({
    network: "?",
    work,
    costs: [],
    atMost,
  });
  assert.deepEqual(lockstepRows([found(10, null), found(1000, null)]), []);
  assert.deepEqual(lockstepRows([found(1000, 2), found(10, null)]), [{ fromWork: 100, atMost: 2 }]);
  assert.deepEqual(lockstepRows([found(10, 4), found(1000, null)]), [
    { fromWork: 0, atMost: 4 },
    { fromWork: 100, atMost: null },
  ]);
  assert.deepEqual(lockstepRows([found(10, 4), found(1000, 4)]), [{ fromWork: 0, atMost: 4 }]);
});

Deno.test("bench calibrate writes a table that lottery takes, for this adapter, and prints what it found", async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, "mine.json");
  const small = ["--width", "0.05", "--batch-size", "8", "--runs", "1", "--out", path];
  const { code, output, errors } = await run(...small, "--replicates", "1,2", "--json");
  assert.equal(code, 0, errors);
  const report = JSON.parse(output);
  const table = parsePlanTable(JSON.parse(await Deno.readTextFile(path)));
  assert.deepEqual(report.table, JSON.parse(JSON.stringify(table)));
  assert.equal(table.adapter, report.adapter);
  assert.equal([table.software, table.gpu].filter((rows) => rows).length, 1, "for one kind of adapter");
  assert.match(errors, /^dense \d+ × \d+$/m);
  assert.match(errors, /in lockstep$/m);
  const types = new Set(report.layers.map(({ type }: CalibratedLayer) => type));
  assert.deepEqual([...types].toSorted(), ["conv", "dense"]);
  for (const found of report.layers) {
    assert.deepEqual(found.compact.map(({ density }: { density: number }) => density), densities);
    for (const { ratio } of found.compact) assert.ok(ratio > 0 && Number.isFinite(ratio), found.shape);
    assert.ok(found.workgroup > 0 && found.registerMs > 0 && found.rounds >= 1, found.shape);
    assert.ok(found.compactBelow >= 0 && found.compactBelow <= 0.5);
  }
  assert.deepEqual(report.lockstep.map(({ costs }: CalibratedLockstep) => costs.length), [2, 2]);
  assert.equal(report.lockstep[0].costs[0].cost, 1, "one that trains alone");
  // Each network at three levels, alone first.
  const speed = table.speed?.software ?? table.speed?.gpu ?? [];
  assert.deepEqual(report.speed, speed);
  for (const network of ["lenet-300-100", "conv-2"]) {
    const alone = speed.filter((row) => row.network === network && row.networks === 1);
    assert.equal(alone.length, speedLevels.length, network);
    assert.equal(alone[0]?.remaining, 1, "dense");
    assert.ok((alone[1]?.remaining ?? NaN) > (alone[2]?.remaining ?? NaN), "sparser and sparser");
  }
  assert.ok(speed.every(({ batchSize, networks }) => batchSize === 8 && (networks === 1 || networks === 2)));

  const text = await run(...small, "--network", "lenet", "--replicates", "1");
  assert.match(text.output, /^layer +ms +workgroup +2\.0 % +5\.0 % .* +rounds +tiles +compact$/m);
  assert.match(text.output, /^dense 784 × 15 +[\d.]+ +[\d.]+ /m);
  assert.match(text.output, /^network +1 +in lockstep$/m);
  assert.match(text.output, /^lenet-300-100 +1 +100\.0 % +[\d.]+ +[\d.]+$/m);
  assert.match(text.output, /lottery --plan \S*mine\.json$/m);
});

Deno.test("bench calibrate refuses networks that there are not, and writes nothing then", async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, "mine.json");
  const { code, errors } = await run("--network", "lenet,conv3", "--out", path);
  assert.equal(code, 2);
  assert.match(errors, /--network is "lenet,conv3"\. Did you mean conv\d\? Give some of lenet, /);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  const help = await run("--help");
  assert.match(help.output, /up to two minutes/);
  assert.match(help.output, /--out FILE/);
});
