/** The experiments as data: complete, consistent, and sharing the runs that are equal. */
import assert from "node:assert/strict";
import { type Measure, measures, nearestLevel } from "../../src/analysis/claims.ts";
import type { Experiment, ExperimentRun, Panel } from "../../src/experiments/experiment.ts";
import { runsOf } from "../../src/experiments/loaded_run.ts";
import { experimentOf, experiments } from "../../src/experiments/registry.ts";
import { scaledConfig } from "../../src/experiments/scale.ts";
import { maskOwner } from "../../src/lottery/arms/names.ts";
import { type LotteryConfig, networkOf, runId } from "../../src/lottery/config.ts";
import { plannedWeights, ratesOf } from "../../src/lottery/schedule.ts";
import type { ArmName } from "../../src/lottery/types.ts";
import { layOut } from "../../src/nn/network.ts";

const images = {
  mnist: { name: "mnist", channels: 1, height: 28, width: 28, classes: 10 },
  cifar10: { name: "cifar10", channels: 3, height: 32, width: 32, classes: 10 },
} as const;

function layoutOf(config: LotteryConfig): ReturnType<typeof layOut> {
  const { dataset } = config;
  assert.ok(dataset === "mnist" || dataset === "cifar10");
  return layOut(networkOf(config, images[dataset]));
}

/** Planned surviving fractions. */
function levelsOf(run: ExperimentRun): { level: number; remaining: number }[] {
  const config = scaledConfig(run);
  const weights = plannedWeights(layoutOf(config), config.levels, ratesOf(config));
  return weights.map((own, level) => ({ level, remaining: own / (weights[0] ?? 1) }));
}

function runOf({ name, runs }: Experiment, wanted: string): ExperimentRun {
  const run = runs.find((own) => own.name === wanted);
  assert.ok(run, `${name} has a run ${wanted}`);
  return run;
}

function idOf(name: string, run: string): Promise<string> {
  const experiment = experimentOf(name);
  assert.ok(experiment);
  return runId(scaledConfig(runOf(experiment, run)), { dataDigest: "data", planHash: "plan" });
}

/** Arms that a panel shows of a run. */
function armsIn(panel: Panel, run: string): ArmName[] {
  if (panel.type === "levels") return panel.lines.filter((line) => line.run === run).map(({ arm }) => arm);
  if (panel.type === "connectivity") return ["ticket", "twin"];
  return "arms" in panel ? [...panel.arms] : ["ticket"];
}

Deno.test("there is an experiment for each figure of the paper, and words name the others", () => {
  const numbers = [1, ...Array.from({ length: 43 }, (_, index) => index + 3)];
  const names = experiments.map(({ name }) => name);
  assert.deepEqual(names.filter((name) => name.startsWith("fig")), numbers.map((number) => `fig${number}`));
  assert.equal(new Set(names).size, names.length);
  for (const { name, title, about, reading, panels } of experiments) {
    assert.match(name, /^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    assert.ok(panels.length > 0, name);
    assert.doesNotMatch(title, /\.$/, name);
    for (const text of [about, reading]) assert.match(text, /^[A-Z].*\.$/, name);
  }
});

Deno.test("every run has settings, at full scale with the paper's replicates and at the smallest", () => {
  for (const experiment of experiments) {
    const names = experiment.runs.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, experiment.name);
    for (const run of experiment.runs) {
      const config = scaledConfig(run);
      assert.ok([3, 5].includes(config.replicates), `${experiment.name}, ${run.name}`);
      layoutOf(config);
      const least = scaledConfig(run, { scale: 1e-6, levels: 1, replicates: 1, reinitDraws: 1, width: 0.05 });
      assert.equal(least.iterations, 1);
    }
  }
});

Deno.test("every panel shows runs and arms that are trained, and every claim measures them", () => {
  for (const experiment of experiments) {
    const trained = (run: string): ArmName[] => ["ticket", ...runOf(experiment, run).changes.controls ?? ["reinit"]];
    for (const panel of experiment.panels) {
      for (const run of runsOf(panel)) {
        for (const arm of armsIn(panel, run)) {
          assert.ok(trained(run).includes(arm), `${experiment.name}: ${arm} of ${run}`);
        }
      }
      if (panel.type === "connections") {
        const { layers } = layoutOf(scaledConfig(runOf(experiment, panel.run)));
        assert.ok(layers.some(({ name }) => name === panel.layer), panel.layer);
      }
      if (panel.type === "distances" || panel.type === "connectivity") {
        assert.equal(scaledConfig(runOf(experiment, panel.run)).saveFinals, "all", experiment.name);
      }
    }
    for (const { run, measure, arm = "ticket", against, againstRun } of experiment.paper) {
      const { against: wanted }: Measure = measures[measure];
      if (againstRun !== undefined) {
        assert.notEqual(wanted, "nothing", `${experiment.name}: ${measure} against ${againstRun}`);
        const { seed, replicates } = scaledConfig(runOf(experiment, againstRun));
        const own = scaledConfig(runOf(experiment, run));
        assert.deepEqual([seed, replicates], [own.seed, own.replicates], "replicates are pairs");
      }
      assert.ok(trained(run).includes(arm), `${experiment.name}: ${arm} of ${run}`);
      assert.equal(against !== undefined, wanted === "arm", `${experiment.name}: ${measure}`);
      if (against !== undefined) assert.ok(trained(run).includes(against), `${experiment.name}: ${against}`);
    }
    for (const { name } of experiment.runs) {
      for (const arm of trained(name)) {
        const owner = maskOwner(arm);
        if (owner !== undefined) assert.ok(trained(name).includes(owner), `${experiment.name}: ${owner} for ${arm}`);
      }
    }
  }
});

Deno.test("every remaining fraction that is drawn or stated has a level near it at full scale", () => {
  for (const experiment of experiments) {
    const wanted = [
      ...experiment.paper.flatMap(({ run, remaining }) => remaining === "best" ? [] : [{ run, remaining }]),
      ...experiment.panels.flatMap((panel) =>
        "remaining" in panel ? panel.remaining.map((remaining) => ({ run: panel.run, remaining })) : []
      ),
    ];
    for (const { run, remaining } of wanted) {
      const near = nearestLevel(levelsOf(runOf(experiment, run)), remaining);
      assert.ok(near, `${experiment.name}: ${run} at ${remaining}`);
    }
  }
});

Deno.test("figures with equal recipes share runs, and runs within a figure are different ones", async () => {
  const lenet = await idOf("fig4", "LeNet");
  for (
    const figure of ["fig1", "fig3", "fig9", "fig11", "fig12", "fig14", "fig15", "fig17", "fig19", "fig23", "fig25"]
  ) {
    assert.equal(await idOf(figure, "LeNet"), lenet, figure);
  }
  for (const name of ["connectivity", "pruning-at-init", "missing-the-mark"]) {
    assert.equal(await idOf(name, "LeNet"), lenet, name);
  }
  assert.equal(await idOf("fig26", "lr 0.0012"), lenet);
  assert.equal(await idOf("fig29", "20 % a round"), lenet);
  assert.equal(await idOf("fig30", "1 σ"), lenet);
  assert.equal(await idOf("fig31", "300-100"), lenet);
  assert.equal(await idOf("fig27", "lr 0.8"), await idOf("fig16", "LeNet, SGD 0.8"));
  for (const network of ["Conv-2", "Conv-4", "Conv-6"]) {
    const own = await idOf("fig5", network);
    for (const figure of ["fig1", "fig6", "fig10", "fig13", "fig14"]) assert.equal(await idOf(figure, network), own);
    assert.equal(await idOf("fig37", `${network}, both`), own);
  }
  assert.equal(await idOf("fig36", "Conv-2, lr 0.0003"), await idOf("fig6", "Conv-2, dropout"));
  assert.equal(await idOf("fig38", "lr 0.01, global"), await idOf("fig7", "lr 0.01"));
  assert.equal(await idOf("fig38", "lr 0.01, layer-wise"), await idOf("fig40", "lr 0.01"));
  assert.equal(await idOf("fig43", "lr 0.1"), await idOf("fig7", "lr 0.1"));
  assert.equal(await idOf("fig44", "warmup 20K"), await idOf("fig8", "lr 0.03, warmup 20K"));
  for (const { name, runs } of experiments) {
    const ids = await Promise.all(runs.map((run) => idOf(name, run.name)));
    assert.equal(new Set(ids).size, ids.length, name);
  }
});

Deno.test("an experiment that there is not is undefined", () => {
  assert.equal(experimentOf("fig2"), undefined);
  assert.equal(experimentOf("constructor"), undefined);
});
