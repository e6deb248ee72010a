/**
 * Winnow's training step and evaluation against its peers', in turn on the same adapter: absolute times are noise on a shared
 * machine, ratios within a turn are not.
 *
 * Run: `deno task bench:peers` for LeNet-300-100, `deno task bench:peers conv2` for Conv-2, `conv4` for Conv-4, and `--json` for JSON
 *
 * @module
 */
import { type Spread, spread } from "../spread.ts";
import { batchSize, type NetworkName, networkName, networks, type PeerReport } from "./peer.ts";

/** Turns: the step of convolutional networks takes seconds in the peers. */
const plans: Readonly<Record<NetworkName, { readonly title: string; readonly turns: number }>> = {
  lenet: { title: "LeNet-300-100", turns: 3 },
  conv2: { title: "Conv-2", turns: 2 },
  conv4: { title: "Conv-4", turns: 1 },
};

const ours = { title: "Winnow", program: "winnow.ts" };
const peers = [
  { title: "jax-js 0.1.25", program: "jax.ts" },
  { title: "TensorFlow.js 4.22", program: "tfjs.ts" },
];

/** What is compared: milliseconds of something in a turn. */
const measures = [
  { name: "step", title: "training step", ms: ({ stepMs }: PeerReport) => stepMs.median },
  { name: "evaluation", title: "evaluation", ms: ({ evaluationMs }: PeerReport) => evaluationMs.median },
] as const;

const json = Deno.args.includes("--json");
const network = networkName(Deno.args.find((argument) => argument !== "--json"));
const { title, turns } = plans[network];
const reports: PeerReport[][] = [];
for (let turn = 1; turn <= turns; turn++) {
  const own: PeerReport[] = [];
  for (const { program, title } of [ours, ...peers]) own.push(await measured(program, title));
  reports.push(own);
  const words = measures.map(({ title, ms }) =>
    `${title} ` + [ours, ...peers].map((peer, index) => `${peer.title} ${msOf(own, index, ms).toFixed(1)}`).join(", ")
  );
  console.error(`turn ${turn} of ${turns}, ms: ${words.join("; ")}`);
}

/** How many times as long as Winnow a peer takes, over the turns. */
function ratio(peer: number, ms: (report: PeerReport) => number): Spread {
  return spread(reports.map((own) => msOf(own, peer + 1, ms) / msOf(own, 0, ms)));
}

// What an evaluation may take: 40 training steps.
const inSteps = spread(reports.map((own) => msOf(own, 0, measures[1].ms) / msOf(own, 0, measures[0].ms)));
if (json) {
  console.log(JSON.stringify(
    {
      network,
      adapter: reports[0]?.[0]?.adapter,
      batchSize,
      evaluationImages: networks[network].evaluation.images,
      evaluationInSteps: inSteps,
      ratios: Object.fromEntries(
        peers.map(({ title }, peer) => [
          title,
          Object.fromEntries(measures.map(({ name, ms }) => [name, ratio(peer, ms)])),
        ]),
      ),
      turns: reports,
    },
    null,
    2,
  ));
} else {
  console.log(
    `${title}, Adam, dense: a step of ${batchSize} images and an evaluation of ${
      networks[network].evaluation.images.toLocaleString("en")
    }, median and range over ${turns} turns`,
  );
  for (const [peer, { title }] of peers.entries()) {
    for (const { title: what, ms } of measures) {
      console.log(`- ${what}: ${title} (WebGPU) takes ${range(ratio(peer, ms))} times as long as Winnow`);
    }
  }
  console.log(`- Winnow's evaluation takes as long as ${range(inSteps)} of its training steps`);
}

function msOf(own: readonly PeerReport[], index: number, ms: (report: PeerReport) => number): number {
  const report = own[index];
  return report ? ms(report) : NaN;
}

function range({ median, minimum, maximum }: Spread): string {
  return `${median.toFixed(1)} (${minimum.toFixed(1)}–${maximum.toFixed(1)})`;
}

/** What a program measures, in a process of its own: no two of them share a device. */
async function measured(program: string, title: string): Promise<PeerReport> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", new URL(program, import.meta.url).pathname, network],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${title} failed:\n${text.decode(stderr)}`);
  return JSON.parse(text.decode(stdout));
}
