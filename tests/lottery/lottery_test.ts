import assert from "node:assert/strict";
import { split } from "../../src/data/split.ts";
import { lottery } from "../../src/lottery/lottery.ts";
import { wantedNetworks } from "../../src/lottery/wanted.ts";
import { plannedWeights } from "../../src/lottery/schedule.ts";
import { modelOf } from "../../src/lottery/ticket.ts";
import type { LotteryEvent, TrainedLayer, TrainedNetwork } from "../../src/lottery/types.ts";
import { evaluate } from "../../src/nn/inference.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { fromArena } from "../../src/nn/network.ts";
import { assertSameBits, closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, layout, numbers, only, renumbered, run, smallConfig } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

const controls = ["reinit"] as const;

Deno.test("a run tells its story in order", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls, replicates: 2 });
  const { events } = await run(config, { gpu });
  const [start] = events;
  assert.ok(start?.type === "start");
  assert.deepEqual(start.config, config);
  assert.deepEqual(start.adapter, gpu.adapter);
  assert.deepEqual(start.network, {
    spec: layout.spec,
    weights: 2780,
    layers: [
      { name: "dense1", size: 2430, kept: 2430 },
      { name: "dense2", size: 300, kept: 300 },
      { name: "dense3", size: 50, kept: 50 },
    ],
  });
  // 2430 · 0.6 = 1458, 180, 40; then 875, 108, 32.
  assert.deepEqual(start.remaining, [1, 1678 / 2780, 1015 / 2780]);

  // Progress between two evaluations comes in as many pieces as the machine's speed makes it.
  const story = events.map(({ type }) => type).filter((type, at, all) => type !== "progress" || all[at - 1] !== type);
  const level = (networks: number): string[] => {
    const evaluations = Array.from({ length: networks }, () => "evaluation");
    const parts = Array.from({ length: 3 }, () => ["progress", ...evaluations]).flat();
    return ["level-start", ...evaluations, ...parts, "level-end", "snapshot"];
  };
  assert.deepEqual(story, ["start", ...level(2), ...level(4), ...level(4), "end"]);

  for (const number of [0, 1, 2]) {
    const own = events.filter((event) => "level" in event && event.level === number);
    const [begin] = own;
    assert.ok(begin?.type === "level-start");
    assert.equal(begin.remaining, start.remaining[number]);
    assert.deepEqual(
      begin.networks,
      wantedNetworks(config).filter((key) => key.level === number)
        .map((key) => ({ ...key, seed: config.seed + key.replicate - 1 })),
    );
    const progress = own.flatMap((event) => event.type === "progress" ? [event] : []);
    assert.equal(progress.at(-1)?.iteration, 45);
    progress.reduce((before, { iteration, iterations, stepMs }) => {
      assert.ok(iteration > before && iterations === 45 && stepMs >= 0);
      return iteration;
    }, 0);
    const end = own.at(-1);
    assert.ok(end?.type === "level-end");
    assert.ok(end.timing.seconds > 0 && end.timing.stepMs > 0);
  }
});

Deno.test("every network is evaluated before the first step, at every interval, and after the last step", async () => {
  const { evaluations, records } = await run(smallConfig({ controls }), { gpu: await testGpu() });
  assert.equal(records.length, 5);
  for (const { arm, level } of records) {
    const own = evaluations.filter((evaluation) => evaluation.arm === arm && evaluation.level === level);
    assert.deepEqual(own.map(({ iteration }) => iteration), [0, 20, 40, 45]);
    assert.deepEqual(own.map(({ trainLoss }) => trainLoss === null), [true, false, false, false]);
    for (const { validationLoss, testLoss, validationAccuracy, testAccuracy } of own) {
      assert.ok(validationLoss !== null && validationLoss > 0 && testLoss !== null && testLoss > 0);
      assert.ok(validationAccuracy >= 0 && validationAccuracy <= 1 && testAccuracy >= 0 && testAccuracy <= 1);
    }
    assert.ok((own.at(-1)?.validationLoss ?? NaN) < (own[0]?.validationLoss ?? NaN));
  }
});

Deno.test("a record reads its early stop where the validation loss is lowest, and its end after the last step", async () => {
  const gpu = await testGpu();
  // A learning rate at which the loss goes up as well as down.
  const config = smallConfig({ controls, lr: 0.08, iterations: 60, evalEvery: 6, replicates: 2 });
  const { evaluations, records, networks } = await run(config, { gpu });
  for (const [index, record] of records.entries()) {
    const { arm, level, replicate, draw } = record;
    const own = evaluations.filter((other) =>
      other.arm === arm && other.level === level && other.replicate === replicate
    );
    assert.equal(own.length, 11);
    const lowest = Math.min(...own.map(({ validationLoss }) => validationLoss ?? Infinity));
    const best = own.find(({ validationLoss }) => validationLoss === lowest);
    assert.equal(record.earlyStopIteration, best?.iteration);
    assert.equal(record.validationLossAtEarlyStop, lowest);
    assert.equal(record.testAccuracyAtEarlyStop, best?.testAccuracy);
    assert.equal(record.testAccuracyAtEnd, own.at(-1)?.testAccuracy);
    assert.deepEqual([record.status, record.divergedAt, draw], ["ok", null, 1]);
    assert.equal(record.seed, config.seed + replicate - 1);
    // The accuracy on the training split, once more, from the weights that were handed out.
    const network = networks[index];
    assert.ok(network && network.arm === arm && network.level === level && network.replicate === replicate);
    const { train } = split(dataset.train.count, record.seed, { validationSize: 101, trainSize: 401 });
    const images = Uint8Array.from(
      [...train].flatMap((at) => [...dataset.train.images.subarray(at * 81, at * 81 + 81)]),
    );
    const labels = Uint8Array.from(train, (at) => dataset.train.labels[at] ?? 0);
    const { accuracy } = await evaluate(modelOf(network), { images, labels, count: 401 }, { gpu });
    assert.equal(record.trainAccuracyAtEnd, accuracy);
    const atEarlyStop = record.trainAccuracyAtEarlyStop;
    assert.ok(atEarlyStop !== null && atEarlyStop >= 0 && atEarlyStop <= 1);
    if (record.earlyStopIteration === 60) assert.equal(atEarlyStop, accuracy);
  }
  assert.ok(records.some(({ earlyStopIteration }) => earlyStopIteration !== 60), "no early stop inside the run");
});

Deno.test("survivors start at their initial values, the smallest are pruned, masks are nested, pruned weights end at zero", async () => {
  const config = smallConfig({ controls, replicates: 2, reinitDraws: 2 });
  const { networks, records } = await run(config, { gpu: await testGpu() });
  const find = (arm: string, level: number, replicate: number, draw = 1): TrainedNetwork => {
    const found = networks.find((own) =>
      own.arm === arm && own.level === level && own.replicate === replicate && own.draw === draw
    );
    assert.ok(found, `${arm} ${level} ${replicate} ${draw}`);
    return found;
  };
  const pairs = (a: TrainedNetwork, b: TrainedNetwork): [TrainedLayer, TrainedLayer][] =>
    a.layers.map((layer, index) => {
      const other = b.layers[index];
      assert.ok(other);
      return [layer, other];
    });
  for (const replicate of [1, 2]) {
    const initial = fromArena(layout, glorot(layout, config.seed + replicate - 1));
    for (const level of [0, 1, 2]) {
      const ticket = find("ticket", level, replicate);
      ticket.layers.forEach((layer, index) => {
        assertSameBits(layer.initial, initial[index]?.weight ?? new Float32Array(0), layer.name);
        assert.ok(layer.initialBias.every((value) => value === 0));
        assert.ok(layer.final.every((value, at) => layer.mask[at] === 1 || Object.is(value, 0)));
        assert.ok(
          layer.final.some((value, at) => layer.mask[at] === 1 && value !== layer.initial[at]),
          "nothing trained",
        );
      });
      const kept = ticket.layers.map(({ mask }) => mask.reduce((sum, bit) => sum + bit, 0));
      assert.deepEqual(kept, [[2430, 300, 50], [1458, 180, 40], [875, 108, 32]][level]);
      const record = records.find((own) => own.arm === "ticket" && own.level === level && own.replicate === replicate);
      assert.deepEqual(record?.layers.map((layer) => layer.kept), kept);
      if (level === 0) continue;
      for (const [before, after] of pairs(find("ticket", level - 1, replicate), ticket)) {
        const survivors = [...before.mask.keys()].filter((at) => before.mask[at] === 1);
        assert.ok(after.mask.every((bit, at) => bit <= (before.mask[at] ?? 0)), "a pruned weight came back");
        const magnitude = (at: number): number => Math.abs(before.final[at] ?? NaN);
        const pruned = Math.max(...survivors.filter((at) => after.mask[at] === 0).map(magnitude));
        const smallest = Math.min(...survivors.filter((at) => after.mask[at] === 1).map(magnitude));
        assert.ok(pruned <= smallest, `${after.name}: ${pruned} was pruned, ${smallest} was kept`);
      }
      const seen = [ticket];
      for (const draw of [1, 2]) {
        const control = find("reinit", level, replicate, draw);
        const fresh = fromArena(
          layout,
          glorot(layout, config.seed + replicate - 1, { purpose: "reinit", level, draw }),
        );
        for (const [own, tickets] of pairs(control, ticket)) assert.deepEqual(own.mask, tickets.mask);
        control.layers.forEach((layer, index) => assert.deepEqual(layer.initial, fresh[index]?.weight));
        for (const other of seen) {
          assert.notDeepEqual(control.layers[0]?.initial, other.layers[0]?.initial);
          assert.notDeepEqual(control.layers[0]?.final, other.layers[0]?.final);
        }
        seen.push(control);
      }
    }
  }
});

Deno.test("three replicates give bit for bit what three runs with seeds s, s + 1 and s + 2 give, controls included", async () => {
  const gpu = await testGpu();
  const three = await run(smallConfig({ controls, reinitDraws: 2, replicates: 3, seed: 11 }), { gpu });
  for (const replicate of [1, 2, 3]) {
    const alone = await run(smallConfig({ controls, reinitDraws: 2, seed: 10 + replicate }), { gpu });
    const own = renumbered(only(three, (key) => key.replicate === replicate), 1);
    assert.equal(own.networks.length, 3 + 2 * 2);
    assert.deepEqual(numbers(own), numbers(alone));
    // And without the control beside them, the tickets are the same.
    const without = await run(smallConfig({ seed: 10 + replicate }), { gpu });
    assert.deepEqual(numbers(only(own, () => true, "ticket")), numbers(without));
  }
  const different = new Set(three.networks.map(({ layers }) => layers[0]?.final.join()));
  assert.equal(different.size, three.networks.length);
});

Deno.test("the same configuration gives the same numbers twice, and another seed gives others", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls });
  const first = await run(config, { gpu });
  // On a device of its own, which run() opens and closes.
  assert.deepEqual(numbers(await run(config)), numbers(first));
  const other = await run(smallConfig({ controls, seed: 2 }), { gpu });
  assert.notDeepEqual(other.evaluations, first.evaluations);
});

Deno.test("global pruning keeps exactly the planned total, and layers as they come", async () => {
  const config = smallConfig({ scope: "global", controls, replicates: 2 });
  const { records, masks } = await run(config, { gpu: await testGpu() });
  const planned = plannedWeights(layout, 2, { conv: 0, dense: 0.4, output: 0.2, scope: "global" });
  assert.deepEqual(planned, [2780, 1668, 1001]);
  for (const { level, layers, remaining } of records) {
    assert.equal(layers.reduce((sum, { kept }) => sum + kept, 0), planned[level]);
    assert.equal(remaining, (planned[level] ?? NaN) / 2780);
  }
  assert.equal(masks.length, 2 * 3);
  // The layers' shares are not what one rate for all of them would leave, and differ between replicates.
  const shares = records.filter(({ arm, level }) => arm === "ticket" && level === 2).map(({ layers }) =>
    layers.map(({ kept }) => kept).join()
  );
  assert.ok(new Set([...shares, "875,108,18"]).size > 1, shares.join(" "));
});

Deno.test("a layer with a rate of 0 stays dense, layer-wise and in a pool", async () => {
  const gpu = await testGpu();
  for (const scope of ["layer", "global"] as const) {
    const { records } = await run(smallConfig({ scope, pruneOutput: 0, levels: 1 }), { gpu });
    const [, sparse] = records;
    assert.equal(sparse?.layers[2]?.kept, 50, scope);
    // 60 % of 2430 and of 300.
    assert.equal(sparse?.remaining, (1458 + 180 + 50) / 2780, scope);
  }
});

Deno.test("the learning rate's schedule reaches the steps: a drop to nothing ends the training", async () => {
  const gpu = await testGpu();
  const plain = await run(smallConfig({ levels: 0 }), { gpu });
  // A factor below float32's smallest number, so that nothing moves from iteration 20 on.
  const dropped = await run(smallConfig({ levels: 0, lrDrops: [20], lrDropFactor: 1e-60 }), { gpu });
  const losses = (told: typeof plain): (number | null)[] =>
    told.evaluations.map(({ validationLoss }) => validationLoss);
  assert.deepEqual(losses(dropped).slice(0, 2), losses(plain).slice(0, 2));
  assert.equal(new Set(losses(dropped).slice(1)).size, 1);
  assert.equal(new Set(losses(plain)).size, 4);
  const warmed = await run(smallConfig({ levels: 0, warmup: 40 }), { gpu });
  assert.notEqual(losses(warmed)[1], losses(plain)[1]);
  assert.ok((losses(warmed)[1] ?? NaN) < (losses(warmed)[0] ?? NaN));
});

Deno.test("every level sees the training images in an order of its own", async () => {
  // Nothing is pruned, so that levels differ in nothing but their order.
  const { networks } = await run(smallConfig({ levels: 1, pruneDense: 0, pruneOutput: 0 }), { gpu: await testGpu() });
  const [dense, again] = networks;
  assert.ok(dense && again);
  dense.layers.forEach((layer, index) => {
    assert.deepEqual(again.layers[index]?.mask, layer.mask);
    assert.deepEqual(again.layers[index]?.initial, layer.initial);
    assert.notDeepEqual(again.layers[index]?.final, layer.final);
  });
});

Deno.test("a network that diverges is marked with its first bad iteration, and the run goes on", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ optimizer: "sgd", lr: 1e30, controls });
  const { records, evaluations, events } = await run(config, { gpu });
  assert.equal(events.at(-1)?.type, "end");
  assert.equal(records.length, 5);
  for (const record of records) {
    assert.equal(record.status, "diverged");
    // The first step's loss is that of the initial weights.
    assert.ok(record.divergedAt !== null && record.divergedAt >= 2 && record.divergedAt <= 5, `${record.divergedAt}`);
    assert.deepEqual([record.earlyStopIteration, record.validationLossAtEarlyStop !== null], [0, true]);
    for (const accuracy of [record.trainAccuracyAtEnd, record.testAccuracyAtEnd, record.trainAccuracyAtEarlyStop]) {
      assert.ok(accuracy !== null && accuracy >= 0 && accuracy <= 1);
    }
  }
  const late = evaluations.filter(({ iteration }) => iteration > 0);
  assert.ok(
    late.every(({ validationLoss, testLoss, trainLoss }) =>
      validationLoss === null && testLoss === null && trainLoss === null
    ),
  );
});

Deno.test("no buffer is larger than the plan says, and a run releases all that it allocated", async () => {
  const gpu = await testGpu();
  gpu.trim();
  const before = gpu.allocatedBytes;
  let planned = 0;
  let seen = 0;
  await run(smallConfig({ controls, replicates: 2 }), { gpu }, (event) => {
    if (event.type === "start") planned = Math.max(...event.memory.map(({ bytes }) => bytes));
    if (event.type === "progress") {
      const own = gpu.allocations().filter(({ label }) => label !== "readback staging");
      seen = Math.max(seen, ...own.map(({ bytes }) => bytes));
    }
    return false;
  });
  assert.ok(seen > 0 && seen <= planned, `${seen} of ${planned} bytes`);
  gpu.trim();
  assert.equal(gpu.allocatedBytes, before);
});

Deno.test("a run that its reader leaves releases all that it allocated", async () => {
  const gpu = await testGpu();
  gpu.trim();
  const before = gpu.allocatedBytes;
  const places: ((event: LotteryEvent) => boolean)[] = [
    (event) => event.type === "start",
    (event) => event.type === "level-start" && event.level === 1,
    (event) => event.type === "progress" && event.level === 1,
    (event) => event.type === "level-end",
  ];
  for (const stop of places) {
    const { events } = await run(smallConfig(), { gpu }, stop);
    assert.ok(events.at(-1)?.type !== "end");
    gpu.trim();
    assert.equal(gpu.allocatedBytes, before);
  }
  await gpu.done();
});

Deno.test("more images than the data set has are refused, with the number that fits", async () => {
  await assert.rejects(run(smallConfig({ trainSize: 403 })), {
    name: "RangeError",
    message: /403 training and 101 validation images.*503.*--train-size to at most 402/,
  });
});

Deno.test("nothing is opened before the first event is asked for", async () => {
  const never = lottery(smallConfig({ trainSize: 10_000 }), { dataset });
  // A generator that is not started throws nothing, and holds nothing.
  await never.return(undefined);
  assert.equal((await never.next()).done, true);
});
