/** What runs are estimated to take: figures by hand, and what has to hold of any. */
import assert from "node:assert/strict";
import { type LotteryConfig, preset } from "../../src/lottery/config.ts";
import { parsePlanTable } from "../../src/lottery/plan_table.ts";
import { wantedNetworks } from "../../src/lottery/wanted.ts";
import { architecture, architectureNames } from "../../src/nn/architectures.ts";
import { layOut } from "../../src/nn/network.ts";
import { forwardWork, type PlanTable, planTable, type SpeedRow } from "../../src/nn/plan.ts";
import {
  estimateRun,
  evaluationsOf,
  type LockstepAt,
  makespan,
  measuredOverhead,
  measuredTimes,
  type Times,
  usualSpeed,
  usualTimes,
} from "../../src/sweeps/estimate.ts";
import { memoryOf } from "../../src/sweeps/memory.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, run, smallConfig } from "../lottery/runs.ts";

Deno.test.afterAll(closeTestGpu);

/** A step takes 2 ms and 1 ms for each network; 1,000 images 10 ms for each. */
function handTimes(changes: Partial<Times> = {}): Times {
  return {
    source: "by hand",
    device: {},
    overhead: { runSeconds: 3, turnSeconds: 0.5, waitMs: 20 },
    of: () => ({
      basis: "measured",
      at: ({ networks }) => ({ stepMs: 2 + networks, evaluationMsPerThousandImages: 10 * networks }),
    }),
    ...changes,
  };
}

Deno.test("a run is estimated as by hand", () => {
  // Levels 0, 1 and 2 with two replicates, and from level 1 on three draws for each: 2, 8 and 8 networks.
  const config = smallConfig({ replicates: 2, controls: ["reinit"], reinitDraws: 3, iterations: 45, evalEvery: 20 });
  const estimate = estimateRun(config, handTimes(), dataset);
  // Evaluations at 0, 20, 40 and 45, of 101 and 211 images; at the end 401 twice.
  const images = (4 * (101 + 211) + 2 * 401) / 1000;
  const level = (networks: number): number => 45 * (2 + networks) + images * 10 * networks + 4 * 20 + 500;
  assert.ok(Math.abs(estimate.seconds * 1000 - (3000 + level(2) + 2 * level(8))) < 1e-6, `${estimate.seconds} s`);
  assert.deepEqual({ ...estimate, seconds: 0, bytes: 0 }, {
    seconds: 0,
    bytes: 0,
    networks: 18,
    lockstep: 8,
    steps: 18 * 45,
    basis: "measured",
  });
  assert.equal(estimate.bytes, memoryOf(config, dataset));
});

Deno.test("turns, rewinding and arms with rates of their own are estimated as they train", () => {
  const table: PlanTable = { ...planTable, lockstep: { software: [{ fromWork: 0, atMost: 3 }] } };
  const config = smallConfig({ replicates: 4, levels: 1, rewind: 20, iterations: 40 });
  const turns = (own: LotteryConfig, device: Times["device"] = { table }): number[] => {
    const sizes: number[] = [];
    const base = handTimes({ device });
    const of: Times["of"] = (...network) => {
      const { at, basis } = base.of(...network);
      return {
        basis,
        at: (where) => {
          sizes.push(where.networks);
          return at(where);
        },
      };
    };
    estimateRun(own, { ...base, of }, dataset);
    return sizes;
  };
  assert.deepEqual(turns(config), [2, 2, 2, 2]);
  // Level 1 starts at iteration 20: 20 steps instead of 40, evaluations at 20 and 40.
  const estimate = estimateRun(config, handTimes(), dataset);
  assert.equal(estimate.steps, 4 * (40 + 20));
  assert.deepEqual([0, 1].map((level) => evaluationsOf(config, level)), [3, 2]);
  // Fine-tuning goes on at the last rate: with one rate for all it trains with the others, else by itself.
  const tuned = smallConfig({ levels: 1, controls: ["fine-tune"] });
  assert.deepEqual(turns(tuned, {}), [1, 2]);
  assert.deepEqual(turns({ ...tuned, lrDrops: [30] }, {}), [1, 1, 1]);
});

Deno.test("evaluations come at the first iteration, every multiple of the interval and the end", () => {
  const count = (iterations: number, evalEvery: number, rewind = 0): number =>
    evaluationsOf({ iterations, evalEvery, rewind }, 1);
  assert.deepEqual(
    [count(100, 100), count(100, 50), count(100, 30), count(100, 30, 30), count(100, 30, 31), count(100, 30, 95)],
    [2, 3, 5, 4, 4, 2],
  );
  assert.equal(evaluationsOf({ iterations: 100, evalEvery: 30, rewind: 95 }, 0), 5, "the dense level begins at 0");
});

Deno.test("a real run has the networks, steps, evaluations and turns that are estimated", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ replicates: 2, controls: ["reinit"], reinitDraws: 1, levels: 1, rewind: 7 });
  let evaluations = 0;
  const turns: number[] = [];
  const times = handTimes({
    device: { kind: gpu.adapter.kind, limits: gpu.limits, asked: 3 },
    overhead: { runSeconds: 0, turnSeconds: 0, waitMs: 1 },
    of: () => ({
      basis: "measured",
      at: ({ networks }) => {
        turns.push(networks);
        return { stepMs: 0, evaluationMsPerThousandImages: 0 };
      },
    }),
  });
  const estimate = estimateRun(config, times, dataset);
  const { events } = await run(config, { gpu, lockstep: 3 });
  const started = events.flatMap((event) => event.type === "level-start" ? [event.networks.length] : []);
  assert.deepEqual(turns, started);
  assert.equal(estimate.networks, wantedNetworks(config).length);
  let steps = 0;
  let networks = 0;
  for (const event of events) {
    if (event.type === "level-start") networks = event.networks.length;
    if (event.type === "evaluation") evaluations += 1 / networks;
    if (event.type === "progress" && event.iteration === event.iterations) {
      steps += networks * (event.iterations - event.firstIteration);
    }
  }
  assert.equal(steps, estimate.steps);
  // A millisecond for each, and nothing else.
  assert.equal(Math.round(evaluations), Math.round(estimate.seconds * 1000));
});

Deno.test("twice the iterations take twice as long, but for what every run takes", () => {
  const times = usualTimes();
  const [once, twice, thrice] = [100, 200, 300].map((iterations) =>
    estimateRun(preset("lenet-quick", { iterations }), times)
  );
  assert.ok(once && twice && thrice);
  assert.equal(twice.steps, 2 * once.steps);
  const [first, second] = [twice.seconds - once.seconds, thrice.seconds - twice.seconds];
  assert.ok(Math.abs(first - second) < 1e-9 * second, `${first} and ${second} s for 100 iterations`);
});

Deno.test("more of anything never takes less time or memory, nor fewer networks", () => {
  const base = { iterations: 1000, replicates: 2, levels: 3 } as const;
  const growing: readonly (readonly Partial<Omit<LotteryConfig, "preset">>[])[] = [
    [1, 2, 5, 7, 20].map((replicates) => ({ replicates })),
    [0, 1, 4, 12].map((levels) => ({ levels })),
    [100, 250, 1000].map((iterations) => ({ iterations })),
    [1, 2, 5].map((reinitDraws) => ({ reinitDraws })),
    [500, 200, 50].map((evalEvery) => ({ evalEvery })),
    [5_000, 50_000].map((trainSize) => ({ trainSize })),
  ];
  for (const changes of growing) {
    const estimates = changes.map((own) => estimateRun(preset("lenet", { ...base, ...own }), usualTimes()));
    for (const [index, own] of estimates.entries()) {
      const before = estimates[index - 1];
      if (!before) continue;
      const what = JSON.stringify(changes[index]);
      assert.ok(own.seconds > before.seconds, `${what}: ${before.seconds} s, then ${own.seconds}`);
      assert.ok(own.bytes >= before.bytes && own.networks >= before.networks && own.steps >= before.steps, what);
    }
  }
});

const lenet = layOut(architecture("lenet", { channels: 1, height: 28, width: 28 }, 10));
const row: SpeedRow = {
  network: "lenet-300-100",
  work: forwardWork(lenet, 60),
  batchSize: 60,
  networks: 1,
  remaining: 1,
  stepMs: 10,
  evaluationMsPerThousandImages: 40,
};
const rows: readonly SpeedRow[] = [
  row,
  { ...row, remaining: 0.2, stepMs: 6, evaluationMsPerThousandImages: 20 },
  { ...row, remaining: 0.1, stepMs: 2 },
  { ...row, networks: 5, stepMs: 30 },
];

/** Steps and evaluations of a network by {@linkcode rows}. */
function measured(changes: Partial<Omit<LotteryConfig, "preset">> = {}, own = rows) {
  const config = preset("lenet", changes);
  const { width } = config;
  const layout = layOut(architecture("lenet", { channels: 1, height: 28, width: 28 }, 10, { width }));
  const times = measuredTimes(own, { source: "rows", device: {} });
  const network = times.of(config, layout, { ...dataset, name: "mnist" });
  return {
    basis: network.basis,
    at: (at: Partial<LockstepAt>) => network.at({ networks: 1, remaining: 1, isCompact: true, ...at }),
  };
}

Deno.test("times lie in proportion between those that were measured", () => {
  const { basis, at } = measured();
  assert.equal(basis, "measured");
  const near = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-9, `${found}, not ${wanted}`);
  assert.deepEqual(at({}), { stepMs: 10, evaluationMsPerThousandImages: 40 });
  near(at({ remaining: 0.6 }).stepMs, 8);
  near(at({ remaining: 0.6 }).evaluationMsPerThousandImages, 30);
  near(at({ remaining: 0.15 }).stepMs, 4);
  // Nothing is known below the last one; masked-dense kernels do the same at any density.
  near(at({ remaining: 0.01 }).stepMs, 2);
  near(at({ remaining: 0.15, isCompact: false }).stepMs, 10);
  // Between 1 and 5 in lockstep 20 ms for 4; beyond, 6 ms for each.
  near(at({ networks: 3 }).stepMs, 20);
  near(at({ networks: 10 }).stepMs, 60);
});

Deno.test("a network that was not measured is scaled by its work from the most similar one", () => {
  const half = measured({ width: 0.5 });
  assert.equal(half.basis, "scaled");
  const layout = layOut(architecture("lenet", { channels: 1, height: 28, width: 28 }, 10, { width: 0.5 }));
  const factor = forwardWork(layout, 60) / row.work;
  assert.ok(Math.abs(half.at({}).stepMs - 10 * factor) < 1e-9);
  assert.ok(Math.abs(half.at({}).evaluationMsPerThousandImages - 40 * factor) < 1e-9);
  // Twice the batch takes twice the step; an image to evaluate takes as long as before.
  const batch = measured({ batchSize: 120 });
  assert.equal(batch.basis, "scaled");
  assert.ok(Math.abs(batch.at({}).stepMs - 20) < 1e-9);
  assert.ok(Math.abs(batch.at({}).evaluationMsPerThousandImages - 40) < 1e-9);
  // Of others that with the nearest work; of the same name even where another is nearer.
  const others = (network: string) => [
    { ...row, network: "small", work: row.work / 100, stepMs: 1 },
    { ...row, network, work: row.work * 3, stepMs: 60 },
  ];
  assert.ok(Math.abs(measured({}, others("large")).at({}).stepMs - 20) < 1e-9);
  const farther = [{ ...row, network: "near", work: row.work + 60 }, { ...row, work: row.work * 50, stepMs: 100 }];
  assert.ok(Math.abs(measured({}, farther).at({}).stepMs - 2) < 1e-9);
  assert.throws(() => measuredTimes([], { source: "", device: {} }), RangeError);
});

Deno.test("what ships was measured of every network of the paper, and is a plan table's speed", () => {
  assert.deepEqual(parsePlanTable({ ...planTable, speed: { software: usualSpeed } }).speed?.software, usualSpeed);
  for (const name of architectureNames) {
    const estimate = estimateRun(preset(name), usualTimes());
    assert.equal(estimate.basis, "measured", name);
    assert.ok(Number.isFinite(estimate.seconds), name);
  }
  assert.equal(estimateRun(preset("lenet", { width: 2 }), usualTimes()).basis, "scaled");
  for (const value of Object.values(measuredOverhead)) assert.ok(value > 0);
});

Deno.test("makespan() gives each device the longest that is left", () => {
  assert.equal(makespan([3, 1, 2], 1), 6);
  assert.equal(makespan([3, 1, 2], 2), 3);
  assert.equal(makespan([3, 3, 2, 2, 2], 2), 7, "not 6, which is possible: within 4/3 of it");
  assert.equal(makespan([5, 1, 1], 100), 5, "a run is not divided");
  assert.equal(makespan([], 4), 0);
});
