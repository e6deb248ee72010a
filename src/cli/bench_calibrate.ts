/**
 * `bench calibrate`: measures a plan table for the user's adapter, and writes it where `lottery --plan` takes it from.
 *
 * @module
 */
import {
  calibrate,
  type CalibratedLayer,
  type CalibratedLockstep,
  type CalibratedNetwork,
  densities,
  margin,
} from "../../bench/calibrate.ts";
import { networkLayout } from "../../bench/training.ts";
import { quoted } from "../data/quoted.ts";
import { presets } from "../lottery/config.ts";
import { optimizerOf } from "../lottery/optimizer.ts";
import { ratesOf } from "../lottery/schedule.ts";
import { type ArchitectureName, architectureNames } from "../nn/architectures.ts";
import type { SpeedRow } from "../nn/plan.ts";
import { suggestion, UsageError, userPath } from "./arguments.ts";
import {
  type BenchForm,
  mediansOf,
  runsFlag,
  sharedFlags,
  weightsLabel,
  wholeNumber,
  wholeNumbers,
  widthOf,
} from "./bench_form.ts";
import { sampleMs } from "./bench_levels.ts";
import { quote } from "./lottery_command_line.ts";
import { formatTable } from "./table.ts";

const usualRuns = 15;

/** How long a layer may take: with both usual networks the command stays under two minutes on two cores without a GPU. */
const secondsEach = 5;

/** Networks that say something of sizes from LeNet's to Conv-2's. */
const usualNetworks = ["lenet", "conv2"] as const;

/** A convolutional network is as wide as this for lockstep: what is gained there is gained by networks that leave cores idle. */
const lockstepWidth = 0.25;

/** The form. */
export const calibrateForm: BenchForm = {
  name: "calibrate",
  description: "which kernels are faster on this adapter, as a plan table for `lottery --plan`",
  what: [
    "Measures on this adapter, for each kind and size of layer of some networks, which tiles of masked-dense kernels are",
    "faster and below which density compact kernels overtake them, how many networks in lockstep still pay, and how long",
    "whole networks take, which says how long runs will (`sweep --dry-run`). Writes what",
    `it found as a plan table; a gain of less than ${
      margin * 100
    } % changes nothing. Takes up to two minutes on a software`,
    "adapter with two cores; leave the machine alone meanwhile. No run ever measures by itself: the table is used where",
    "`lottery --plan` names it, is part of the run's name then, and is kept in the run.",
  ],
  flags: [
    {
      flag: "--network",
      value: "LIST",
      description: `whose layers, of ${architectureNames.join(", ")} (${usualNetworks.join(",")})`,
    },
    sharedFlags.width,
    { flag: "--replicates", value: "LIST", description: "networks in lockstep, one measurement for each (1,2,4,8)" },
    sharedFlags.batchSize,
    {
      flag: "--runs",
      value: "N",
      description: `${runsFlag(usualRuns).description}; fewer where ${secondsEach} s are over`,
    },
    { flag: "--out", value: "FILE", description: "where to write the table (plan.json)" },
  ],
  examples: ["bench calibrate", "bench calibrate --network vgg19 --out vgg19-plan.json"],
  prepare(values) {
    const names = networksOf(values.get("--network") ?? usualNetworks.join());
    const width = widthOf(values);
    const replicates = wholeNumbers("--replicates", values.get("--replicates") ?? "1,2,4,8", { most: 64 });
    const asked = values.get("--batch-size");
    const batchSize = asked === undefined ? undefined : wholeNumber("--batch-size", asked, { most: 4096 });
    const runs = wholeNumber("--runs", values.get("--runs") ?? `${usualRuns}`, { most: 1000 });
    const out = values.get("--out") ?? "plan.json";
    const networks = names.map((name): CalibratedNetwork => {
      const { config } = presets[name];
      return {
        layout: networkLayout(name, width),
        inLockstep: networkLayout(name, name === "lenet" ? width : width * lockstepWidth),
        rates: ratesOf(config),
        optimizer: optimizerOf(config),
        batchSize: batchSize ?? config.batchSize,
        iterations: config.iterations,
      };
    });
    return {
      settings: { network: names.join(), width, batchSize: batchSize ?? "the presets'" },
      file: userPath(out),
      async measure(gpu, signal, tell) {
        const ascending = replicates.toSorted((a, b) => a - b);
        const { table, layers, lockstep, speed } = await calibrate(gpu, {
          networks,
          replicates: ascending,
          runs,
          secondsEach,
          sampleMs,
          tell,
          signal,
        });
        return {
          details: { runs, table, layers, lockstep, speed },
          medians: mediansOf(layers.map(({ type, shape, registerMs }) => [`${type} ${shape}`, registerMs])),
          lines: [
            "Layers, all passes of a step together: workgroup tiles by register tiles, compact by the better of them",
            "",
            ...formatLayers(layers),
            "",
            "Networks in lockstep: time of one network by that of one that trains alone",
            "",
            ...formatLockstep(lockstep, ascending),
            "",
            "Whole networks with these kernels, all in lockstep together: what `sweep --dry-run` estimates by",
            "",
            ...formatSpeed(speed),
            "",
            `Written to ${userPath(out)}. A run goes by it with: deno task lottery --plan ${quote(out)}`,
          ],
          text: `${JSON.stringify(table, null, 2)}\n`,
        };
      },
    };
  },
};

function networksOf(text: string): ArchitectureName[] {
  const names = text.split(",").map((part) => {
    const network = architectureNames.find((candidate) => candidate === part);
    if (network) return network;
    throw new UsageError(
      `--network is ${quoted(text)}.${suggestion(part, architectureNames)} Give some of ${
        architectureNames.join(", ")
      }, with commas between.`,
    );
  });
  return [...new Set(names)];
}

function formatLayers(layers: readonly CalibratedLayer[]): string[] {
  return formatTable(
    [
      { title: "layer", align: "left" },
      { title: "ms", align: "right" },
      { title: "workgroup", align: "right" },
      ...densities.map((density) => ({ title: weightsLabel(density), align: "right" as const })),
      { title: "rounds", align: "right" },
      { title: "tiles", align: "left" },
      { title: "compact", align: "left" },
    ],
    layers.map(({ type, shape, registerMs, workgroup, compact, rounds, tiles, compactBelow }) => [
      `${type} ${shape}`,
      registerMs.toFixed(3),
      workgroup.toFixed(2),
      ...compact.map(({ ratio }) => ratio.toFixed(2)),
      String(rounds),
      tiles,
      compactBelow === 0 ? "never" : `below ${Math.round(compactBelow * 100)} %`,
    ]),
  );
}

function formatSpeed(rows: readonly SpeedRow[]): string[] {
  return formatTable(
    [
      { title: "network", align: "left" },
      { title: "in lockstep", align: "right" },
      { title: "weights", align: "right" },
      { title: "ms per step", align: "right" },
      { title: "ms per 1,000 images evaluated", align: "right" },
    ],
    rows.map(({ network, networks, remaining, stepMs, evaluationMsPerThousandImages }) => [
      network,
      String(networks),
      weightsLabel(remaining),
      stepMs.toFixed(3),
      evaluationMsPerThousandImages.toFixed(2),
    ]),
  );
}

function formatLockstep(found: readonly CalibratedLockstep[], replicates: readonly number[]): string[] {
  return formatTable(
    [
      { title: "network", align: "left" },
      ...replicates.map((count) => ({ title: String(count), align: "right" as const })),
      { title: "in lockstep", align: "left" },
    ],
    found.map(({ network, costs, atMost }) => [
      network,
      ...costs.map(({ cost }) => cost.toFixed(2)),
      atMost === null ? "as many as memory allows" : `at most ${atMost}`,
    ]),
  );
}
