/** Late rewinding: tickets start from what the dense network was at iteration k. */
import assert from "node:assert/strict";
import { formatTicket, loadTicket, ticketOf, train } from "../../src/lottery/ticket.ts";
import type { TrainedNetwork } from "../../src/lottery/types.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { fromArena } from "../../src/nn/network.ts";
import { assertSameBits, closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, layout, numbers, only, renumbered, run, smallConfig, type Told } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

const controls = ["reinit"] as const;

function find({ networks }: Told, arm: string, level: number, replicate = 1): TrainedNetwork {
  const found = networks.find((own) => own.arm === arm && own.level === level && own.replicate === replicate);
  assert.ok(found, `${arm} ${level} ${replicate}`);
  return found;
}

Deno.test("tickets start from what the dense network was at the iteration, masked, and the dense level is not changed by it", async () => {
  const gpu = await testGpu();
  // On an evaluation, and between two.
  for (const rewind of [20, 33]) {
    const rewound = await run(smallConfig({ controls, replicates: 2, rewind }), { gpu });
    const reset = await run(smallConfig({ controls, replicates: 2 }), { gpu });
    // A dense network that ends at that iteration.
    const short = await run(smallConfig({ replicates: 2, levels: 0, iterations: rewind }), { gpu });
    for (const replicate of [1, 2]) {
      const dense = find(rewound, "ticket", 0, replicate);
      assert.deepEqual(dense, find(reset, "ticket", 0, replicate));
      const then = find(short, "ticket", 0, replicate).layers.map(({ final, finalBias }) => ({
        weight: final,
        bias: finalBias,
      }));
      const point = rewound.rewinds.find((own) => own.replicate === replicate);
      assert.ok(point);
      assert.deepEqual(fromArena(layout, point.values), then);
      const initial = fromArena(layout, glorot(layout, replicate));
      for (const level of [1, 2]) {
        const ticket = find(rewound, "ticket", level, replicate);
        assert.deepEqual([ticket.firstIteration, dense.firstIteration], [rewind, 0]);
        ticket.layers.forEach((layer, index) => {
          assertSameBits(layer.initial, initial[index]?.weight ?? new Float32Array(0), layer.name);
          assert.deepEqual(layer.rewind, then[index]);
          assert.ok(layer.final.every((value, at) => layer.mask[at] === 1 || Object.is(value, 0)));
        });
        const control = find(rewound, "reinit", level, replicate);
        assert.equal(control.firstIteration, rewind);
        assert.ok(control.layers.every((layer) => layer.rewind === undefined));
        const fresh = fromArena(layout, glorot(layout, replicate, { purpose: "reinit", level, draw: 1 }));
        control.layers.forEach((layer, index) => assert.deepEqual(layer.initial, fresh[index]?.weight));
      }
      assert.notDeepEqual(find(rewound, "ticket", 1, replicate), find(reset, "ticket", 1, replicate));
    }
  }
});

Deno.test("a rewound level is evaluated at the iteration it starts from, then as always", async () => {
  const { evaluations, events } = await run(smallConfig({ controls, levels: 1, rewind: 33 }), { gpu: await testGpu() });
  const of = (arm: string, level: number): number[] =>
    evaluations.filter((own) => own.arm === arm && own.level === level).map(({ iteration }) => iteration);
  assert.deepEqual(of("ticket", 0), [0, 20, 40, 45]);
  assert.deepEqual(of("ticket", 1), [33, 40, 45]);
  assert.deepEqual(of("reinit", 1), [33, 40, 45]);
  const [first, second] = evaluations.filter((own) => own.arm === "ticket" && own.level === 1);
  assert.equal(first?.trainLoss, null);
  // A mean over 7 steps: had it been divided by 40, it would be far below the validation loss.
  assert.ok((second?.trainLoss ?? 0) > (second?.validationLoss ?? NaN) / 2, `${second?.trainLoss}`);
  for (const event of events) {
    if (event.type === "progress") assert.equal(event.firstIteration, event.level === 0 ? 0 : 33);
  }
});

Deno.test("a rewound ticket's first loss is that of the dense network at that iteration, but for what was pruned", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ levels: 1, rewind: 20, pruneDense: 0, pruneOutput: 0 });
  const { evaluations } = await run(config, { gpu });
  const dense = evaluations.find(({ level, iteration }) => level === 0 && iteration === 20);
  const again = evaluations.find(({ level, iteration }) => level === 1 && iteration === 20);
  assert.ok(dense && again);
  assert.deepEqual([again.validationLoss, again.testAccuracy], [dense.validationLoss, dense.testAccuracy]);
});

Deno.test("a rewound training takes the learning rates of its own iterations", async () => {
  const gpu = await testGpu();
  // Nothing moves from iteration 30 on, so a level that starts there ends where it started.
  const config = smallConfig({ levels: 1, rewind: 30, lrDrops: [30], lrDropFactor: 1e-60 });
  const ticket = find(await run(config, { gpu }), "ticket", 1);
  ticket.layers.forEach(({ final, mask, rewind }) => {
    assert.ok(rewind);
    assert.deepEqual(final, rewind.weight.map((value, at) => mask[at] === 1 ? value : 0));
  });
});

Deno.test("three replicates that are rewound give bit for bit what three runs give", async () => {
  const gpu = await testGpu();
  const three = await run(smallConfig({ controls, levels: 1, replicates: 3, seed: 11, rewind: 13 }), { gpu });
  for (const replicate of [1, 2, 3]) {
    const alone = await run(smallConfig({ controls, levels: 1, seed: 10 + replicate, rewind: 13 }), { gpu });
    assert.deepEqual(numbers(renumbered(only(three, (key) => key.replicate === replicate), 1)), numbers(alone));
  }
});

Deno.test("a rewound ticket goes through its file, and train() starts it where it was rewound to", async () => {
  const gpu = await testGpu();
  const rewind = 33;
  const ticket = ticketOf(find(await run(smallConfig({ levels: 1, rewind }), { gpu }), "ticket", 1));
  const loaded = loadTicket(formatTicket(ticket));
  assert.deepEqual([loaded.firstIteration, loaded.metadata["firstIteration"]], [rewind, String(rewind)]);
  assert.deepEqual(loaded.rewind, ticket.rewind);
  assert.deepEqual(loaded.initial, ticket.initial);
  // At a learning rate that moves nothing, what comes out is what training started from.
  const optimizer = { type: "sgd", lr: 1e-30 } as const;
  const options = { batchSize: 20, optimizer, gpu };
  const start = (layers: typeof ticket.initial): Float32Array[] =>
    layers.map(({ weight }, layer) => weight.map((value, at) => ticket.masks[layer]?.[at] ? value : 0));
  const model = await train(loaded, dataset, { ...options, iterations: rewind + 2 });
  assert.deepEqual(model.layers.map(({ weight }) => weight), start(ticket.rewind?.layers ?? []));
  await assert.rejects(train(loaded, dataset, { ...options, iterations: rewind }), {
    name: "RangeError",
    message: /starts at iteration 33/,
  });
  const { rewind: _, ...unwound } = { ...loaded, firstIteration: 0 };
  const reset = await train(unwound, dataset, { ...options, iterations: 2 });
  assert.deepEqual(reset.layers.map(({ weight }) => weight), start(ticket.initial));
});
