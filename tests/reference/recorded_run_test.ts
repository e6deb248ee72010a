import assert from "node:assert/strict";
import { relativeError } from "../../src/reference/finite_difference.ts";
import { backward, startTraining, trainingStep } from "../../src/reference/network.ts";
import { readRecordedRun } from "./recorded_run.ts";

// PyTorch computed in float32, the reference in float64: these tolerances are PyTorch's own rounding.
for (const name of ["lenet-small-adam-dense", "lenet-small-adam-sparse"]) {
  const run = readRecordedRun(name);
  const network = { replicates: 1, sizes: run.sizes };

  Deno.test(`the reference reproduces the first logits and gradients of PyTorch's ${name}`, () => {
    const [batch] = run.batches;
    assert.ok(batch);
    const first = backward(network, startTraining(run.initial, run.masks).parameters, batch, run.masks);
    assert.ok(relativeError(first.logits, run.firstLogits) < 1e-6);
    assert.equal(first.gradients.length, 3);
    first.gradients.forEach(({ weight, bias }, layer) => {
      assert.ok(relativeError(weight, run.firstGradients[layer]?.weight ?? []) < 2e-6);
      assert.ok(relativeError(bias, run.firstGradients[layer]?.bias ?? []) < 2e-6);
    });
  });

  Deno.test(`the reference reproduces ten losses, accuracies and the final weights of PyTorch's ${name}`, () => {
    let state = startTraining(run.initial, run.masks);
    run.batches.forEach((batch, step) => {
      const { state: next, losses, correct } = trainingStep(
        network,
        state,
        batch,
        { type: "adam", lr: run.lr },
        run.masks,
      );
      const loss = losses.reduce((sum, value) => sum + value, 0) / batch.images;
      assert.ok(Math.abs(loss - (run.losses[step] ?? NaN)) < 1e-6, `step ${step + 1}: ${loss}`);
      assert.equal(
        correct.reduce((sum, value) => sum + value, 0),
        Math.round((run.accuracies[step] ?? NaN) * batch.images),
      );
      state = next;
    });
    assert.equal(state.steps, 10);
    state.parameters.forEach(({ weight, bias }, layer) => {
      assert.ok(relativeError(weight, run.final[layer]?.weight ?? []) < 1e-5);
      assert.ok(relativeError(bias, run.final[layer]?.bias ?? []) < 1e-5);
      weight.forEach((value, index) => {
        if (run.masks[layer]?.[index] === 0) assert.equal(value, 0);
      });
    });
  });

  Deno.test(`the comparison with ${name} notices a gradient without its 1 / N and one with the wrong sign`, () => {
    const [batch] = run.batches;
    assert.ok(batch);
    const { gradients } = backward(network, startTraining(run.initial, run.masks).parameters, batch, run.masks);
    gradients.forEach(({ weight }, layer) => {
      const wanted = run.firstGradients[layer]?.weight ?? [];
      assert.ok(relativeError(weight.map((value) => value * batch.images), wanted) > 1);
      assert.ok(relativeError(weight.map((value) => -value), wanted) > 1);
    });
  });
}
