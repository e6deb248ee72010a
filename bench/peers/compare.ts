/**
 * Winnow's training step against its peers', in turn on the same adapter: absolute times are noise on a shared machine,
 * ratios within a turn are not.
 *
 * Run: `deno task bench:peers` for LeNet-300-100, `deno task bench:peers conv2` for Conv-2
 *
 * @module
 */
import { Gpu } from "../../src/gpu/gpu.ts";
import { multiplyAddPeak, trainingStep } from "../measure.ts";
import { spread } from "../spread.ts";
import { batchSize, type NetworkName, networkName } from "./peer.ts";

/** Turns, and how Winnow's step is timed: Conv-2's takes seconds in the peers. */
const plans: Readonly<
  Record<NetworkName, { readonly title: string; readonly turns: number; readonly runs: number; readonly steps: number }>
> = {
  lenet: { title: "LeNet-300-100", turns: 3, runs: 7, steps: 40 },
  conv2: { title: "Conv-2", turns: 2, runs: 3, steps: 2 },
};

const peers = [
  { title: "jax-js 0.1.25", program: "jax.ts" },
  { title: "TensorFlow.js 4.22", program: "tfjs.ts" },
];

const network = networkName(Deno.args[0]);
const { title, turns, runs, steps } = plans[network];
const ratios = new Map(peers.map(({ title }): [string, number[]] => [title, []]));
for (let turn = 1; turn <= turns; turn++) {
  const ours = await winnow();
  const words = [`Winnow ${ours.toFixed(1)} ms per step`];
  for (const { title, program } of peers) {
    const theirs = await stepOf(program, title);
    ratios.get(title)?.push(theirs / ours);
    words.push(`${title} ${theirs.toFixed(1)} ms, ${(theirs / ours).toFixed(1)} times`);
  }
  console.log(`turn ${turn}: ${words.join("; ")}`);
}
console.log(`${title}, batch ${batchSize}, Adam, dense, median and range over ${turns} turns:`);
for (const [title, values] of ratios) {
  const { median, minimum, maximum } = spread(values);
  console.log(
    `- ${title} (WebGPU) takes ${median.toFixed(1)} times as long as Winnow (${minimum.toFixed(1)}–${
      maximum.toFixed(1)
    })`,
  );
}

async function winnow(): Promise<number> {
  await using gpu = await Gpu.open();
  const peak = await multiplyAddPeak(gpu);
  const { ms } = await trainingStep(gpu, peak, { network, replicates: 1, batchSize, runs, steps });
  return ms.median;
}

/** Milliseconds of one step of a peer, in a process of its own: no two of them share a device. */
async function stepOf(program: string, title: string): Promise<number> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", new URL(program, import.meta.url).pathname, network],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${title} failed:\n${text.decode(stderr)}`);
  const result: { readonly stepMs: { readonly median: number } } = JSON.parse(text.decode(stdout));
  return result.stepMs.median;
}
