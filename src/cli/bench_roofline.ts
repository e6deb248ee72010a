/**
 * `bench roofline`: what each kernel of a training step has to do, and how long graphics cards that are not at hand would take.
 *
 * @module
 */
import { type Card, cards, type Expectation, expectation, type KernelWork, stepWork } from "../../bench/roofline.ts";
import { networkLayout, plannedLevel, randomExamples, randomMasks, Training } from "../../bench/training.ts";
import { quoted } from "../data/quoted.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import { optimizerOf } from "../lottery/optimizer.ts";
import { ratesOf } from "../lottery/schedule.ts";
import { type LayerPlan, planWords, type TilesPlan } from "../nn/plan.ts";
import { suggestion, UsageError } from "./arguments.ts";
import { type BenchForm, networkOf, sharedFlags, weightsLabel, wholeNumber, widthOf } from "./bench_form.ts";
import { formatTable } from "./table.ts";

/** A launch, and what is expected of it. */
interface Row extends KernelWork {
  /** One entry per card; none where its work is not known. */
  readonly expected: readonly Expectation[];
}

const kinds: readonly AdapterInfo["kind"][] = ["gpu", "software"];

/** Whose tiles masked-dense layers have. */
const tileChoices: readonly (TilesPlan | "planned")[] = ["planned", "register", "workgroup"];

/** The form. */
export const rooflineForm: BenchForm = {
  name: "roofline",
  description: "what each kernel of a step computes and moves, and the bound that is expected of it on graphics cards",
  what: [
    "Counts what each kernel of a training step computes and moves, and sets it beside the published figures of graphics cards:",
    "the time expected of each launch, and whether launching, idle lanes, memory or arithmetic decides it. Nothing is timed, so",
    "that it says something of cards that are not at hand; `bench` measures the one that is.",
  ],
  flags: [
    sharedFlags.network,
    sharedFlags.width,
    { flag: "--replicates", value: "N", description: "networks in lockstep (1)" },
    { flag: "--level", value: "N", description: "at this level of the paper's schedule; 0 is dense (0)" },
    sharedFlags.batchSize,
    { flag: "--plan", value: "KIND", description: "with the kernels that are planned for gpu or software (gpu)" },
    { flag: "--tiles", value: "KIND", description: "of masked-dense layers: planned, register or workgroup (planned)" },
  ],
  examples: [
    "bench roofline",
    "bench roofline --network conv2 --replicates 5",
    "bench roofline --level 15 --tiles register",
  ],
  prepare(values) {
    const { network, config } = networkOf(values);
    const width = widthOf(values);
    const replicates = wholeNumber("--replicates", values.get("--replicates") ?? "1", { most: 64 });
    const level = wholeNumber("--level", values.get("--level") ?? "0", { least: 0, most: 60 });
    const batchSize = wholeNumber("--batch-size", values.get("--batch-size") ?? `${config.batchSize}`, { most: 4096 });
    const kind = oneOf("--plan", kinds, values.get("--plan") ?? "gpu");
    const tiles = oneOf("--tiles", tileChoices, values.get("--tiles") ?? "planned");
    return {
      settings: { network, width, replicates, level, batchSize, plan: kind, tiles },
      async measure(gpu, signal) {
        const layout = networkLayout(network, width);
        const { kept, plan: planned, remaining } = plannedLevel(layout, level, ratesOf(config), kind);
        const plan = tiles === "planned" ? planned : planned.map((layer): LayerPlan => ({ ...layer, tiles }));
        const masks = randomMasks(layout, { level, kept }, replicates);
        using examples = randomExamples(gpu, layout.spec.input);
        signal.throwIfAborted();
        // Recorded as a run records it, and not run.
        using training = await Training.open(gpu, {
          layout,
          examples,
          optimizer: optimizerOf(config),
          batchSize,
          masks,
          plan,
        });
        const rows = stepWork(training.ensemble.program.launches, { layout, replicates, images: batchSize, kept })
          .map((row): Row => {
            const { work } = row;
            return { ...row, expected: work ? cards.map((card) => expectation(row, work, card)) : [] };
          });
        const title = `${layout.spec.name}, batch ${batchSize}, ${replicates} in lockstep, level ${level} with ${
          weightsLabel(remaining)
        } of the weights`;
        return {
          details: { remaining, plan: planWords(layout, plan), cards, launches: rows, steps: stepTimes(rows) },
          medians: {},
          lines: [
            title,
            `As planned for ${kind === "gpu" ? "a graphics card" : "a software adapter"}${
              tiles === "planned" ? "" : `, but with ${tiles} tiles`
            }: ${Object.entries(planWords(layout, plan)).map(([name, words]) => `${name} ${words}`).join("; ")}`,
            "",
            ...formatWork(rows),
            "",
            ...formatExpected(rows),
          ],
        };
      },
    };
  },
};

function oneOf<Choice extends string>(flag: string, choices: readonly Choice[], text: string): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice) return choice;
  throw new UsageError(
    `${flag} is ${quoted(text)}.${suggestion(text, choices)} Choose one of ${choices.join(", ")}.`,
  );
}

/** Per card, the microseconds of a step: those of its launches. */
function stepTimes(rows: readonly Row[]): { readonly card: string; readonly microseconds: number }[] {
  return cards.map(({ name }, card) => ({
    card: name,
    microseconds: rows.reduce((sum, { expected }) => sum + (expected[card]?.microseconds ?? 0), 0),
  }));
}

function formatWork(rows: readonly Row[]): string[] {
  return formatTable(
    [
      { title: "launch", align: "left" },
      { title: "kernel", align: "left" },
      { title: "Mop", align: "right" },
      { title: "least kB", align: "right" },
      { title: "tiles kB", align: "right" },
      { title: "op/byte", align: "right" },
      { title: "in tiles", align: "right" },
      { title: "workgroups", align: "right" },
      { title: "of", align: "right" },
      { title: "invocations", align: "right" },
    ],
    rows.map(({ label, kernel, work, workgroups, workgroupSize, invocations }) => [
      label,
      kernel,
      work ? short(work.operations / 1e6) : "–",
      work ? short(work.leastBytes / 1e3) : "–",
      work ? short(work.tileBytes / 1e3) : "–",
      work ? short(work.operations / work.leastBytes) : "–",
      work ? short(work.operations / work.tileBytes) : "–",
      String(workgroups),
      String(workgroupSize),
      String(invocations),
    ]),
  );
}

function formatExpected(rows: readonly Row[]): string[] {
  const cell = (found: Expectation | undefined): string => found ? `${short(found.microseconds)} ${words(found)}` : "–";
  return formatTable(
    [
      { title: "expected µs", align: "left" },
      ...cards.map(({ name }: Card) => ({ title: name, align: "right" as const })),
    ],
    [
      ...rows.map(({ label, expected }) => [label, ...cards.map((_, card) => cell(expected[card]))]),
      ["step", ...stepTimes(rows).map(({ microseconds }) => short(microseconds))],
    ],
  );
}

/** What decides, and where it is idle lanes, how many are busy. */
function words({ bound, busy }: Expectation): string {
  return bound === "lanes" ? `lanes ${short(busy * 100)} %` : bound;
}

/** Three digits, and no more than one behind the point from 10 on. */
function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
