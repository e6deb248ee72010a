/** Plan tables: which are refused, what of them makes a run another one, and runs that go by one of their own. */
import assert from "node:assert/strict";
import { otherAdapter, parsePlanTable, planHashOf } from "../../src/lottery/plan_table.ts";
import { runId } from "../../src/lottery/config.ts";
import { lottery } from "../../src/lottery/lottery.ts";
import { architecture } from "../../src/nn/architectures.ts";
import { layOut } from "../../src/nn/network.ts";
import { forwardWork, lockstepOf, planOf, type PlanTable, planTable, type SpeedRow } from "../../src/nn/plan.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, layout, numbers, run, smallConfig } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

const dense = { type: "dense", fromWeights: 0, compactBelow: 0.5, tiles: "register" } as const;
const speed: SpeedRow = {
  network: "lenet-300-100",
  work: 15_972_000,
  batchSize: 60,
  networks: 1,
  remaining: 1,
  stepMs: 6.5,
  evaluationMsPerThousandImages: 25,
};
const own: PlanTable = { version: 3, adapter: "a card", software: [dense] };

Deno.test("a plan table comes out as it went in, the shipped one too", () => {
  assert.deepEqual(parsePlanTable(own), own);
  assert.deepEqual(parsePlanTable(JSON.parse(JSON.stringify(planTable))), planTable);
  const inLockstep = { ...own, lockstep: { software: [{ fromWork: 0, atMost: 8 }, { fromWork: 1e9, atMost: 2 }] } };
  assert.deepEqual(parsePlanTable(inLockstep), inLockstep);
  const fast = { ...own, speed: { software: [speed, { ...speed, remaining: 0.2 }, { ...speed, networks: 3 }] } };
  assert.deepEqual(parsePlanTable(JSON.parse(JSON.stringify(fast))), fast);
  assert.equal(parsePlanTable(fast).version, planTable.version);
});

Deno.test("what was measured of speed changes neither a run's id nor the hash that it is made of", async () => {
  const fast: PlanTable = { ...planTable, speed: { software: [speed], gpu: [speed] } };
  const planHash = await planHashOf(planTable);
  assert.equal(await planHashOf(fast), planHash);
  const config = smallConfig();
  const idOf = async (table: PlanTable) =>
    await runId(config, { dataDigest: "0", planHash: await planHashOf(parsePlanTable(table)) });
  assert.equal(await idOf(fast), await idOf(planTable));
});

Deno.test("what is no plan table is refused with what is wrong and what to do", () => {
  const refused: readonly (readonly [value: unknown, why: RegExp])[] = [
    [
      { ...own, version: 4 },
      /version 4, and this version of Winnow reads 3: measure one anew with `deno task bench cal/,
    ],
    [{ software: [dense] }, /plan table is wrong: version: .*bench calibrate/],
    [{ ...own, kind: "software" }, /plan table is wrong: .*"kind"/],
    [{ ...own, software: [{ ...dense, density: 0.2 }] }, /software\.0: .*"density"/],
    [{ ...own, software: [{ ...dense, compactBelow: 1.1 }] }, /software\.0\.compactBelow: .*<=1/],
    [{ ...own, software: [{ ...dense, compactBelow: -0.1 }] }, /software\.0\.compactBelow: .*>=0/],
    [{ ...own, software: [{ ...dense, compactBelow: "0.5" }] }, /software\.0\.compactBelow: .*number/],
    [{ ...own, software: [{ ...dense, fromWeights: 0.5 }] }, /software\.0\.fromWeights: .*int/],
    [{ ...own, software: [{ ...dense, tiles: "fat" }] }, /software\.0\.tiles: .*"register"/],
    [{ ...own, software: [{ ...dense, type: "norm" }] }, /software\.0\.type: .*"dense"/],
    [{ ...own, adapter: "a\u001b[2Jcard" }, /adapter: there are characters in it that cannot be printed/],
    [{ version: 3, adapter: "a card" }, /no kind of adapter: give "software" or "gpu"/],
    [{ ...own, software: [dense, { ...dense, compactBelow: 0.1 }] }, /two rows of software for dense from 0 weights/],
    [{ ...own, lockstep: { software: [{ fromWork: 0, atMost: 0 }] } }, /lockstep\.software\.0\.atMost: .*>=1/],
    [
      { ...own, lockstep: { gpu: [{ fromWork: 1, atMost: 1 }, { fromWork: 1, atMost: 2 }] } },
      /two rows of gpu for lock/,
    ],
    [{ ...own, speed: { software: [{ ...speed, stepMs: 0 }] } }, /speed\.software\.0\.stepMs: .*>0/],
    [{ ...own, speed: { software: [{ ...speed, work: 0 }] } }, /speed\.software\.0\.work: .*>=1/],
    [{ ...own, speed: { software: [{ ...speed, remaining: 1.5 }] } }, /speed\.software\.0\.remaining: .*<=1/],
    [{ ...own, speed: { gpu: [{ ...speed, networks: 1.5 }] } }, /speed\.gpu\.0\.networks: .*int/],
    [{ ...own, speed: { gpu: [{ ...speed, network: "\u001b[2J" }] } }, /speed\.gpu\.0\.network: there are characters/],
    [{ ...own, speed: { gpu: [{ ...speed, when: "today" }] } }, /speed\.gpu\.0: .*"when"/],
    [{ ...own, speed: { lavapipe: [] } }, /speed: .*"lavapipe"/],
    [
      { ...own, speed: { software: [speed, { ...speed, stepMs: 7 }] } },
      /two rows of software for the speed of lenet-300-100 with work 15972000, 1 in lockstep, at 1: leave one out/,
    ],
    [[], /plan table is wrong: /],
    [null, /plan table is wrong: /],
    ["plan", /plan table is wrong: /],
  ];
  for (const [value, why] of refused) {
    assert.throws(() => parsePlanTable(value), { name: "RangeError", message: why }, JSON.stringify(value));
  }
});

Deno.test("a table's hash changes with what numbers depend on, and with nothing else", async () => {
  const hash = await planHashOf(own);
  assert.match(hash, /^[0-9a-f]{10}$/);
  const { adapter: _adapter, ...anybodys } = own;
  assert.equal(await planHashOf(anybodys), hash);
  assert.equal(await planHashOf({ ...own, lockstep: { software: [{ fromWork: 0, atMost: 2 }] } }), hash);
  assert.equal(await planHashOf(parsePlanTable(JSON.parse(JSON.stringify(own)))), hash);
  assert.notEqual(await planHashOf({ ...own, software: [{ ...dense, compactBelow: 0.4 }] }), hash);
  assert.notEqual(await planHashOf({ ...own, software: [{ ...dense, tiles: "workgroup" }] }), hash);
  assert.notEqual(await planHashOf({ ...own, gpu: [] }), hash);
});

Deno.test("a table of another kind of adapter is refused, one of another adapter is told", async () => {
  assert.throws(() => planOf(layout, [], "gpu", own), {
    name: "RangeError",
    message: /graphics card: .*bench calibrate/,
  });
  assert.equal(otherAdapter(own, { name: "a card" }), undefined);
  assert.equal(otherAdapter(planTable, { name: "a card" }), undefined);
  assert.match(
    otherAdapter(own, { name: "llvmpipe" }) ?? "",
    /measured on a card, and llvmpipe computes.*bench calibrate/,
  );
  const gpu = await testGpu();
  const { software, ...rest } = own;
  const before = gpu.allocatedBytes;
  const begin = lottery(smallConfig(), { dataset, gpu, plan: { ...rest, gpu: software ?? [] } }).next();
  await assert.rejects(begin, { name: "RangeError", message: /software adapter: the plan table has no rows for it/ });
  assert.equal(gpu.allocatedBytes, before);
});

Deno.test("the row of the largest size that a layer reaches decides, in whatever order rows stand", () => {
  const rows = [
    { ...dense, fromWeights: 1000, compactBelow: 0.2 },
    { ...dense, compactBelow: 0.6 },
    { ...dense, fromWeights: 300, compactBelow: 0, tiles: "workgroup" },
  ] as const;
  // 81 × 30, 30 × 10 and 10 × 5 weights.
  const plan = planOf(layout, [0.3, 0.3, 0.3], "software", { version: 3, software: rows });
  assert.deepEqual(plan, [
    { weights: "masked-dense", tiles: "register" },
    { weights: "masked-dense", tiles: "workgroup" },
    { weights: "compact", tiles: "register" },
  ]);
});

Deno.test("lottery() runs the kernels that its table says, and by the shipped one when it has none", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ levels: 1 });
  const plans = async (plan?: PlanTable): Promise<unknown[]> => {
    const { events } = await run(config, { gpu, ...(plan ? { plan } : {}) });
    return events.flatMap((event) => event.type === "level-end" ? [event.timing.plan] : []);
  };
  const masked = { dense1: "masked-dense", dense2: "masked-dense", dense3: "masked-dense" };
  assert.deepEqual(await plans(), [masked, masked]);
  const early = { ...own, software: [{ ...dense, compactBelow: 0.7 }] };
  assert.deepEqual(await plans(early), [masked, { ...masked, dense1: "compact", dense2: "compact" }]);
});

Deno.test("the work of a step is what its forward pass multiplies", () => {
  assert.equal(forwardWork(layout, 20), 20 * (81 * 30 + 30 * 10 + 10 * 5));
  const conv2 = layOut(architecture("conv2", { channels: 3, height: 32, width: 32 }, 10));
  const convolutions = 32 * 32 * (27 * 64 + 576 * 64);
  assert.equal(forwardWork(conv2, 60), 60 * (convolutions + 16384 * 256 + 256 * 256 + 256 * 10));
});

Deno.test("a table's rows say how many networks train in lockstep, and nothing says as many as there are", () => {
  const rows = [{ fromWork: 1000, atMost: 4 }, { fromWork: 10, atMost: 8 }, { fromWork: 1e12, atMost: null }];
  const table: PlanTable = { ...own, lockstep: { software: rows } };
  assert.deepEqual([5, 10, 999, 1000, 1e12].map((work) => lockstepOf(work, "software", table)), [
    Infinity,
    8,
    8,
    4,
    Infinity,
  ]);
  assert.equal(lockstepOf(1000, "gpu", table), Infinity);
  assert.equal(lockstepOf(1000, "software", own), Infinity);
});

Deno.test("a level that trains in turns because more are no faster gives bit for bit what one lockstep gives", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls: ["reinit"], replicates: 3, reinitDraws: 1, levels: 1 });
  const together = await run(config, { gpu });
  const work = forwardWork(layout, config.batchSize);
  const table = (atMost: number, fromWork = work): PlanTable => ({
    ...planTable,
    lockstep: { software: [{ fromWork, atMost }] },
  });
  const cases = [
    { options: { plan: table(2) }, sizes: [2, 1, 2, 2, 2], lockstep: 2, by: "plan" },
    { options: { plan: table(2), lockstep: 3 }, sizes: [2, 1, 2, 2, 2], lockstep: 2, by: "plan" },
    { options: { plan: table(4), lockstep: 2 }, sizes: [2, 1, 2, 2, 2], lockstep: 2, by: "caller" },
    { options: { plan: table(6) }, sizes: [3, 6], lockstep: 6, by: "level" },
    { options: { plan: table(2, work + 1) }, sizes: [3, 6], lockstep: 6, by: "level" },
  ] as const;
  for (const { options, sizes, lockstep, by } of cases) {
    const inTurns = await run(config, { gpu, ...options });
    const start = inTurns.events.find((event) => event.type === "start");
    assert.deepEqual([start?.lockstep, start?.lockstepBy], [lockstep, by]);
    const levels = inTurns.events.flatMap((event) => event.type === "level-start" ? [event.networks.length] : []);
    assert.deepEqual(levels, sizes);
    assert.deepEqual(numbers(inTurns), numbers(together), `at most ${lockstep} by ${by}`);
  }
});
