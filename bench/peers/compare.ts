/**
 * Winnow's training step against its peers', in turn on the same adapter: absolute times are noise on a shared machine,
 * ratios within a turn are not.
 *
 * Run: `deno task bench:peers`
 *
 * @module
 */
import { Gpu } from "../../src/gpu/gpu.ts";
import { multiplyAddPeak, spread, trainingStep } from "../measure.ts";

const turns = 3;
const ratios: number[] = [];
for (let turn = 1; turn <= turns; turn++) {
  const ours = await winnow();
  const theirs = await tensorflow();
  ratios.push(theirs / ours);
  console.log(
    `turn ${turn}: Winnow ${ours.toFixed(1)} ms, TensorFlow.js ${theirs.toFixed(1)} ms per step, ${
      (theirs / ours).toFixed(1)
    } times`,
  );
}
const { median, minimum, maximum } = spread(ratios);
console.log(
  `LeNet-300-100, batch 60, Adam, dense: TensorFlow.js 4.22 (WebGPU) takes ${median.toFixed(1)} times as long ` +
    `(${minimum.toFixed(1)}–${maximum.toFixed(1)} over ${turns} turns)`,
);

async function winnow(): Promise<number> {
  await using gpu = await Gpu.open();
  const peak = await multiplyAddPeak(gpu);
  const { ms } = await trainingStep(gpu, peak, { replicates: 1, batchSize: 60, runs: 7, steps: 40 });
  return ms.median;
}

async function tensorflow(): Promise<number> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", new URL("tfjs.ts", import.meta.url).pathname],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`TensorFlow.js failed:\n${text.decode(stderr)}`);
  const result: { readonly stepMs: { readonly median: number } } = JSON.parse(text.decode(stdout));
  return result.stepMs.median;
}
