/**
 * Training step and evaluation of LeNet-300-100, Conv-2 or Conv-4 in Winnow, as a run does them: what ./jax.ts and ./tfjs.ts do in
 * their libraries. Run as a program it prints one line of JSON; ./README.md says how and what it means.
 *
 * Its evaluation is that of a run: it normalises the images from their bytes, which the peers have as floats already, sums
 * losses and correct counts of a validation and a test set, keeps the best weights and counts the survivors of every mask.
 *
 * @module
 */
import { RandomStream } from "../../src/data/random.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import { unitRange } from "../../src/data/normalization.ts";
import { Ensemble } from "../../src/nn/ensemble.ts";
import { denseMask } from "../../src/nn/mask.ts";
import { spread } from "../spread.ts";
import { networkLayout, randomExamples, startValues } from "../training.ts";
import { batchSize, fail, networkName, networks, report } from "./peer.ts";

/** Steps of one run: of LeNet as many as there are between two waits of a real run, 0.4 s; it is what 20 steps take the peers. */
const stepsOfRun = { lenet: 100, conv2: 2, conv4: 2 } as const;

const peer = "Winnow";
const { name, learningRate, batches: count, runs, evaluation } = networks[networkName(Deno.args[0])];
const steps = stepsOfRun[name];
const layout = networkLayout(name);
await using gpu = await Gpu.open();
const masks = [denseMask(layout)];

// A third of the images is the validation set, as 5,000 of LeNet's 15,000 are, and the rest the test set.
const validation = evaluation.images / 3;
using train = randomExamples(gpu, layout.spec.input, validation);
using test = randomExamples(gpu, layout.spec.input, evaluation.images - validation);
const indices = Uint32Array.from({ length: validation }, (_, index) => index);
using ensemble = await Ensemble.open(gpu, {
  layout,
  replicates: 1,
  batchSize,
  optimizer: { type: "adam", lr: learningRate },
  iterations: (runs + 1) * steps,
  train,
  test,
  splits: [{ train: indices, validation: indices }],
  normalization: [unitRange(layout.spec.input.channels)],
  masks,
});
ensemble.begin(startValues(layout, masks));
const random = new RandomStream(2, "synthetic");
// As few batches as the peers take in turn, so that the loss falls.
const drawn = Uint32Array.from({ length: count * batchSize }, () => random.below(validation));
const batches = Uint32Array.from({ length: steps * batchSize }, (_, index) => drawn[index % drawn.length] ?? 0);
const stepMs: number[] = [];
let before = NaN;
let after = NaN;
for (let run = 0; run <= runs; run++) {
  const started = performance.now();
  ensemble.steps([batches]);
  await ensemble.done();
  if (run > 0) stepMs.push((performance.now() - started) / steps);
  // The mean of all steps so far: what is asked for alone is whether it falls.
  const [loss = NaN] = await ensemble.runningLosses();
  if (run === 0) before = loss;
  after = loss;
}
if (!(after < before)) fail(peer, `its loss went from ${before} to ${after}.`);
const evaluationMs: number[] = [];
for (let run = 0; run <= evaluation.runs; run++) {
  const started = performance.now();
  const { records } = await ensemble.evaluate();
  if (run > 0) evaluationMs.push(performance.now() - started);
  const [record] = records;
  const correct = (record?.validationCorrect ?? NaN) + (record?.testCorrect ?? NaN);
  if (!(correct > 0 && correct <= evaluation.images)) {
    fail(peer, `${correct} of ${evaluation.images} images are correct by its evaluation.`);
  }
}
const times = { stepMs: spread(stepMs), evaluationMs: spread(evaluationMs) };
report({
  peer,
  network: name,
  adapter: gpu.adapter.name,
  batch: batchSize,
  ...times,
  images: evaluation.images,
  variants: { "as a run does them": times },
  loss: { before, after },
});
