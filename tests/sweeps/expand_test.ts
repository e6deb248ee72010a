/** Experiments as sweeps, and as sweeps' files. */
import assert from "node:assert/strict";
import { experimentOf, experiments } from "../../src/experiments/registry.ts";
import { keyOf, scaledConfig, type ScaleOptions } from "../../src/experiments/scale.ts";
import { preset, runId } from "../../src/lottery/config.ts";
import { expandDefinition } from "../../src/sweeps/definition.ts";
import { definitionOf, expandExperiment, sweepNames } from "../../src/sweeps/expand.ts";
import { identifyRuns } from "../../src/sweeps/identify.ts";

const digests = new Map([["mnist", "m"], ["cifar10", "c"], ["synthetic", "s"]] as const);
const options: ScaleOptions = { scale: 0.1, levels: 2, replicates: 1, width: 0.5, seed: 3 };

Deno.test("an experiment is a sweep with the runs and under the key that `experiment` gives it", () => {
  for (const { name, title, runs } of experiments) {
    const sweep = expandExperiment(name, options);
    assert.equal(sweep.key, keyOf(name, options));
    assert.match(sweep.key, /^[a-z0-9.-]+$/);
    assert.ok(sweep.title.endsWith(title));
    assert.deepEqual(sweep.source, { type: "experiment", name, options });
    assert.deepEqual(sweep.runs, runs.map((run) => ({ name: run.name, config: scaledConfig(run, options) })));
  }
});

Deno.test("the paper is all figures, and its equal runs are one that wants what each of them wants", async () => {
  const paper = expandExperiment("paper");
  assert.equal(paper.key, "paper");
  const figures = experiments.filter(({ name }) => name.startsWith("fig"));
  assert.equal(paper.runs.length, figures.flatMap(({ runs }) => runs).length);
  assert.equal(new Set(paper.runs.map(({ name }) => name)).size, paper.runs.length);
  const runs = await identifyRuns(paper.runs, { digests, planHashOfRun: () => "p" });
  assert.equal(new Set(runs.map(({ id }) => id)).size, runs.length);
  const lenet = await runId(preset("lenet"), { dataDigest: "m", planHash: "p" });
  const shared = runs.find(({ id }) => id === lenet);
  const wanting = await Promise.all(
    figures.flatMap((figure) => figure.runs).map(async (run) => {
      const config = scaledConfig(run);
      return config.dataset === "mnist" && await runId(config, { dataDigest: "m", planHash: "p" }) === lenet
        ? [config]
        : [];
    }),
  );
  const configs = wanting.flat();
  assert.ok(shared && configs.length > 10);
  assert.match(shared.name, /^fig1 LeNet and \d+ more$/);
  assert.deepEqual(new Set(shared.config.controls), new Set(configs.flatMap(({ controls }) => controls)));
  assert.equal(shared.config.levels, Math.max(...configs.map(({ levels }) => levels)));
  assert.equal(shared.config.replicates, 5);
});

Deno.test("what `experiment` does not know is no sweep", () => {
  assert.throws(() => expandExperiment("fig2", {}), {
    name: "RangeError",
    message: `There is no experiment "fig2" to sweep. Choose one of ${sweepNames.join(", ")}.`,
  });
  assert.throws(() => expandExperiment("fig4", { scale: 2 }), /--scale is 2/);
});

Deno.test("every experiment as a sweep's file expands to the same runs", () => {
  for (const name of sweepNames) {
    for (const own of [{}, options, { dataset: "synthetic", scale: 0.01 } as const]) {
      const definition: unknown = JSON.parse(JSON.stringify(definitionOf(name, own)));
      const expanded = expandDefinition(definition, "file");
      assert.equal(expanded.key, `my-${name}`);
      assert.deepEqual(expanded.runs, expandExperiment(name, own).runs, name);
      assert.equal(expanded.title, expandExperiment(name, own).title);
    }
  }
});

Deno.test("a figure that is a grid is written as base and axes, with bare values where they say it all", () => {
  assert.deepEqual(definitionOf("fig26", { scale: 0.5 }), {
    name: "my-fig26",
    title: "Figure 26. Learning rates of Adam, LeNet",
    preset: "lenet",
    base: { controls: [], replicates: 3, saveFinals: "all" },
    axes: { lr: [2.5e-5, 2e-4, 6e-4, 1.2e-3, 2e-3, 6.4e-3] },
    scale: 0.5,
  });
  const axes = definitionOf("fig30")["axes"];
  assert.deepEqual(axes, {
    initScale: [0.25, 0.5, 1, 2, 4].map((initScale) => ({ label: `${initScale} σ`, initScale })),
  });
  for (let figure = 26; figure <= 45; figure++) assert.ok("axes" in definitionOf(`fig${figure}`), `fig${figure}`);
  assert.equal(experimentOf("fig4")?.grid, undefined);
  assert.deepEqual(definitionOf("fig4")["figures"], ["fig4"]);
});
