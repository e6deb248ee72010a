/** What `sweep --dry-run` prints. */
import assert from "node:assert/strict";
import { cards } from "../../bench/roofline.ts";
import { cardNamed, cardTimes, dryRunLines, timesFor, timeWords } from "../../src/cli/sweep_estimate.ts";
import { publishedSizes } from "../../src/data/sizes.ts";
import { type LotteryConfig, preset, type PresetName } from "../../src/lottery/config.ts";
import { architecture } from "../../src/nn/architectures.ts";
import { layOut } from "../../src/nn/network.ts";
import { forwardWork, type PlanTable, planTable } from "../../src/nn/plan.ts";
import { estimateRun, makespan, usualTimes } from "../../src/sweeps/estimate.ts";
import type { SweepRun } from "../../src/sweeps/sweep.ts";

function runOf(
  name: string,
  changes: Partial<Omit<LotteryConfig, "preset">> = {},
  from: PresetName = "lenet-quick",
): SweepRun {
  return { name, id: `${from}-${name}`, config: preset(from, changes) };
}

const runs: readonly SweepRun[] = [
  runOf("a"),
  runOf("b", { iterations: 4800 }),
  runOf("c", { replicates: 3 }),
  runOf("d", { iterations: 600 }),
];

const nothing = { done: () => 0 };

function line(lines: readonly string[], pattern: RegExp): string {
  const found = lines.find((own) => pattern.test(own));
  assert.ok(found !== undefined, `${pattern} is not in:\n${lines.join("\n")}`);
  return found;
}

Deno.test("a dry run says of each run what it takes, and of all together", () => {
  const lines = dryRunLines(runs, { ...nothing, atOnce: 2 });
  const seconds = runs.map(({ config }) => estimateRun(config, usualTimes()).seconds);
  assert.match(lines[0] ?? "", /^run +id +networks +iterations +memory +time +there$/);
  for (const [index, { name, id }] of runs.entries()) {
    const own = line(lines, new RegExp(`^${name} +${id} `));
    assert.ok(own.includes(timeWords(seconds[index] ?? NaN)), own);
  }
  // The quick preset has a dense network, and three levels with a control: 7 networks; three replicates 21.
  line(lines, /^a +lenet-quick-a +7 +2,400 +[\d.]+ MB /);
  line(lines, /^4 runs; 42 networks\.$/);
  const all = seconds.reduce((sum, own) => sum + own, 0);
  const together = timeWords(makespan(seconds, 2));
  const totals = line(lines, / one after the other/);
  assert.ok(
    totals.startsWith(`${timeWords(all)} one after the other, ${together} with 2 at once on a device each;`),
    totals,
  );
  line(lines, /^Times are those of llvmpipe on two cores, measured on 20\d\d-\d\d-\d\d/);
});

Deno.test("what is there of a run takes nothing", () => {
  const done = new Map([["a", 1], ["b", 0.5]]);
  const lines = dryRunLines(runs, { done: ({ name }) => done.get(name) ?? 0, atOnce: 1 });
  assert.match(line(lines, /^a /), / – +finished$/);
  const half = estimateRun(runOf("b", { iterations: 4800 }).config, usualTimes()).seconds / 2;
  assert.ok(line(lines, /^b /).endsWith(`${timeWords(half)}  50 %`), line(lines, /^b /));
  line(lines, /^4 runs, 1 of them finished; 42 networks\.$/);
  const finished = dryRunLines(runs, { done: () => 1 });
  line(finished, /^0 s one after the other, 0 s with 4 at once on a device each; the longest run takes 0 s\.$/);
});

Deno.test("many runs are shown by network, with the totals of all", () => {
  const many = Array.from({ length: 50 }, (_, index) => runOf(`${index}`, { seed: index + 1 }));
  const lines = dryRunLines([...many, runOf("wide", { width: 2 })], { done: ({ name }) => Number(name === "0") });
  assert.ok(lines.length < 12, lines.join("\n"));
  line(lines, /^network +runs +there +networks +memory +time +longest run$/);
  line(lines, /^lenet on mnist +50 +1 +350 /);
  line(lines, /^lenet, width 2 on mnist +1 +0 +7 /);
  line(lines, /^51 runs, 1 of them finished; 357 networks\.$/);
  line(lines, /^Not measured, and scaled by .*: lenet, width 2\. /);
});

Deno.test("a plan table's own speeds go before what ships, and its networks in lockstep count", () => {
  const layout = layOut(architecture("lenet", { channels: 1, height: 28, width: 28 }, 10));
  const row = {
    network: "lenet-300-100",
    work: forwardWork(layout, 60),
    batchSize: 60,
    networks: 1,
    remaining: 1,
    stepMs: 1,
    evaluationMsPerThousandImages: 1e-3,
  };
  const table: PlanTable = { ...planTable, adapter: "mine", speed: { gpu: [row] } };
  const times = timesFor({ table });
  assert.equal(times.device.kind, "gpu");
  const lines = dryRunLines(runs, { ...nothing, table });
  line(lines, /^Times are calibrated on mine\.$/);
  // A step of 1 ms for each network.
  const config = preset("lenet", { iterations: 100_000, levels: 0, replicates: 2 });
  const { seconds } = estimateRun(config, times);
  assert.ok(seconds > 200 && seconds < 250, `${seconds} s`);
});

Deno.test("where a plan table has no rows for what the times are of, the shipped one's hold", () => {
  const { software, gpu, ...rest } = planTable;
  const onlyGpu: PlanTable = { version: rest.version, gpu };
  assert.deepEqual(dryRunLines(runs, { ...nothing, table: onlyGpu }), dryRunLines(runs, nothing));
  const onlySoftware: PlanTable = { version: rest.version, software };
  const card = cards[0]?.name;
  assert.deepEqual(
    dryRunLines(runs, { ...nothing, card, table: onlySoftware }),
    dryRunLines(runs, { ...nothing, card }),
  );
});

Deno.test("cards are found by what they are called, and others are refused with what there is", () => {
  for (const card of cards) assert.equal(cardNamed(card.name), card);
  for (
    const [text, name] of [["a100", "A100 40 GB"], ["rtx-4090", "RTX 4090"], ["Iris XE", "Iris Xe, 96 EU"]] as const
  ) {
    assert.equal(cardNamed(text).name, name);
  }
  assert.throws(() => cardNamed("RTX 4091"), {
    name: "UsageError",
    message: /^--card is "RTX 4091"\. Did you mean RTX 4090\? Name one of "RTX 4090", "A100 40 GB", /,
  });
  assert.throws(() => cardNamed("e"), /--card is "e", which could be .* or .*\. Name one of/);
  assert.throws(() => cardNamed(""), /--card is ""/);
  assert.throws(() => dryRunLines(runs, { ...nothing, card: "B200" }), /--card is "B200"/);
});

Deno.test("a card's times follow its figures, and more networks in lockstep cost less for each where launches decide", () => {
  const config = preset("lenet");
  const layout = layOut(architecture("lenet", { channels: 1, height: 28, width: 28 }, 10));
  for (const card of cards) {
    const { at, basis } = cardTimes(card).of(config, layout, publishedSizes.mnist);
    assert.equal(basis, "expected");
    const one = at({ networks: 1, remaining: 1, isCompact: false });
    const ten = at({ networks: 10, remaining: 1, isCompact: false });
    assert.ok(one.stepMs < ten.stepMs + 1e-9 && ten.stepMs < 10 * one.stepMs, card.name);
    assert.deepEqual(at({ networks: 1, remaining: 0.01, isCompact: true }), one, "masked-dense at all levels");
    // LeNet has 12 launches of 5 µs at least.
    assert.ok(one.stepMs >= 0.06, `${card.name}: ${one.stepMs} ms`);
  }
  const lines = dryRunLines([runOf("e", {}, "vgg19")], { ...nothing, card: "4090" });
  line(lines, /^Times are expected of RTX 4090 by its published figures and 5 µs for each launch at least/);
});

Deno.test("a run that no device could hold is told, and the others are estimated", () => {
  const wide = runOf("wide", { width: 16, network: "conv2", dataset: "cifar10" });
  const lines = dryRunLines([...runs, wide], nothing);
  line(lines, /^wide +lenet-quick-wide +– +2,400 +– +–$/);
  line(lines, /^wide: Cannot train conv-2 in batches of 60: /);
  line(lines, /^5 runs; 42 networks\.$/);
});
