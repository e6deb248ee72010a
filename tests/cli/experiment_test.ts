/** The command `experiment`: in process with a stand-in for the training, and once at the smallest scale as it is. */
import assert from "node:assert/strict";
import { experimentCommand, type ExperimentTools, experimentTools } from "../../src/cli/experiment.ts";
import { lotteryTools } from "../../src/cli/lottery.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { runPlan } from "../../src/cli/experiment_lines.ts";
import { experiments } from "../../src/experiments/registry.ts";
import { layOut } from "../../src/nn/network.ts";
import { type PlanTable, planTable } from "../../src/nn/plan.ts";
import { listExperiments } from "../../src/store/experiments.ts";
import { runIds } from "../../src/store/index.ts";
import { isNightly } from "../nightly.ts";
import { fakeLottery, network, tinyConfig } from "../store/fake_lottery.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";
import { type Remembered, rememberingConsole } from "./console.ts";

const dataset = await syntheticDataset({ height: 4, width: 4, train: 600, test: 50 });
const small = ["--dataset", "synthetic", "--scale", "0.01", "--levels", "2", "--replicates", "1"];
const key = (name: string): string => `${name}-scale-0.01-levels-2-replicates-1-dataset-synthetic`;

interface Outcome extends Remembered {
  readonly code: number;
}

async function run(args: readonly string[], tools: Partial<ExperimentTools> = {}): Promise<Outcome> {
  const console = rememberingConsole();
  const code = await experimentCommand(args, {
    console,
    lottery: (config, { snapshot, signal }) =>
      fakeLottery(config, { ...(snapshot ? { snapshot } : {}), ...(signal ? { signal } : {}) }),
    loadDataset: () => Promise.resolve(dataset),
    measureLines: () => Promise.reject(new Error("no line is wanted")),
    signal: new AbortController().signal,
    ...tools,
  });
  return { ...console, code };
}

const noTraining: Partial<ExperimentTools> = {
  lottery: () => {
    throw new Error("trained again");
  },
};

async function textOf(path: string): Promise<string> {
  return await Deno.readTextFile(path);
}

Deno.test("experiment trains, draws and ends with the paper's values, tables, notes and the picture's path", async () => {
  using runs = new TemporaryFolder();
  const { code, output, errors } = await run(["fig4", ...small, "--runs", runs.path]);
  assert.equal(code, 0);
  assert.match(errors(), /^run +id +data +iterations +networks +there\nLeNet +lenet-\w+ +synthetic +500 +17 +none$/m);
  assert.match(errors(), /^Run 1 of 1: LeNet/m);
  assert.match(output(), /^Early stop\nweights +ticket +reinit +oneshot +oneshot-reinit$/m);
  assert.match(output(), /^ +50\.0 % +96\.10 % +90\.10 % \[90\.10–90\.10\] +90\.10 % +90\.10 % \[90\.10–90\.10\]$/m);
  assert.match(output(), /^LeNet: early stop, against dense +21\.1 % +38 % earlier +no level near$/m);
  assert.match(
    output(),
    /Scaled by 0\.01 \(LeNet: 500 iterations instead of 50,000, 15 training images instead of\s55,000\)/,
  );
  assert.match(output(), /Trained on synthetic instead of mnist\./);
  assert.match(output(), /Fewer than in the paper: replicates 1 instead of 5, levels 2 instead of 20\./);
  const picture = `${runs.path}/experiments/${key("fig4")}.svg`;
  assert.match(output(), new RegExp(`^Picture: ${picture}$`, "m"));
  const svg = await textOf(picture);
  assert.match(svg, /<svg [^>]*>.*Figure 4\. LeNet under iterative and one-shot pruning/s);
  assert.match(svg, /Scaled by 0\.01/);
  assert.match(svg, /Test accuracy at early stop, one-shot/, "the sixth panel's title");
  const markdown = await textOf(`${runs.path}/experiments/${key("fig4")}.md`);
  assert.match(markdown, /^# Figure 4\./);
  assert.match(markdown, /^\| 50\.0 % \| 25 \| 25 \[25–25\] \| 25 \| 25 \[25–25\] \|$/m);
});

Deno.test("the record names the runs, and what lists runs takes the folder of experiments for none", async () => {
  using runs = new TemporaryFolder();
  await run(["fig4", ...small, "--runs", runs.path]);
  const [record, ...others] = await listExperiments(runs.path);
  assert.deepEqual(others, [], "the numbers beside it are no record");
  const { updated, ...rest } = record ?? assert.fail("no record");
  assert.ok(Date.now() - Date.parse(updated) < 60_000);
  const ids = runIds(runs.path);
  assert.equal(ids.length, 1);
  assert.deepEqual(rest, {
    schema: 1,
    name: "fig4",
    key: key("fig4"),
    options: { scale: 0.01, levels: 2, replicates: 1, dataset: "synthetic" },
    runs: [{ name: "LeNet", id: ids[0] }],
  });
});

Deno.test("what is there is not trained again: by the same figure, by one that shares its run, or with fewer levels", async () => {
  using runs = new TemporaryFolder();
  const first = await run(["fig4", ...small, "--runs", runs.path]);
  const again = await run(["fig4", ...small, "--runs", runs.path], noTraining);
  assert.equal(again.output(), first.output());
  assert.match(again.errors(), /17 +all$/m);
  assert.equal((await run(["fig12", ...small, "--runs", runs.path], noTraining)).code, 0);
  const fewer = await run(["fig4", ...small.with(5, "1"), "--runs", runs.path], noTraining);
  assert.doesNotMatch(
    fewer.output(),
    /25\.0 %/,
    "a level that the run has and the experiment does not want is not shown",
  );
  assert.equal(runIds(runs.path).length, 1);
});

Deno.test("arms, levels and replicates are added to a run that is there", async () => {
  using runs = new TemporaryFolder();
  await run(["fig3", ...small, "--runs", runs.path]);
  const { errors } = await run(["fig4", ...small.with(7, "2"), "--runs", runs.path]);
  assert.match(errors(), /34 +9$/m, "17 networks of each replicate, and 9 of the first's are there");
  assert.doesNotMatch(errors(), /Level 0 of 2: .*2 × ticket/, "the first dense network is not trained again");
  assert.equal(runIds(runs.path).length, 1);
});

Deno.test("stopped in the middle it ends with 130, and the same command goes on to the same result", async () => {
  using runs = new TemporaryFolder();
  const controller = new AbortController();
  const { code, errors } = await run(["fig4", ...small, "--runs", runs.path], {
    signal: controller.signal,
    async *lottery(config, { signal }) {
      for await (const event of fakeLottery(config, signal ? { signal } : {})) {
        yield event;
        if (event.type === "progress" && event.level === 1) controller.abort(new DOMException("stop", "AbortError"));
      }
    },
  });
  assert.equal(code, 130);
  assert.match(errors(), /the same command goes on from the last finished level/);
  assert.equal((await listExperiments(runs.path)).length, 1, "pages can show what is there");
  const partial = await run(["fig4", ...small, "--runs", runs.path, "--draw"], noTraining);
  assert.match(partial.output(), /Not finished: LeNet has 1 of 17 networks\. What is shown is what is there\./);
  assert.match(partial.output(), /^ +100 % +95\.10 %$/m);
  const resumed = await run(["fig4", ...small, "--runs", runs.path]);
  using whole = new TemporaryFolder();
  const undisturbed = await run(["fig4", ...small, "--runs", whole.path]);
  assert.equal(resumed.output().replaceAll(runs.path, ""), undisturbed.output().replaceAll(whole.path, ""));
});

Deno.test("--only trains some of the runs, and the others' gaps are told", async () => {
  using runs = new TemporaryFolder();
  const { output, errors } = await run(["fig26", ...small, "--runs", runs.path, "--only", "lr 0.0002,lr 0.002"]);
  assert.match(errors(), /^Run 2 of 2: lr 0\.002 /m);
  assert.match(output(), /Not finished: lr 0\.000025 is not trained; lr 0\.0006 is not trained;/);
  assert.match(output(), /^lr 0\.0002: early stop$/m);
  const [record] = await listExperiments(runs.path);
  assert.deepEqual(record?.runs.map(({ id }) => id === null), [true, false, true, true, false, true]);
});

Deno.test("--only takes names that hold commas", async () => {
  using runs = new TemporaryFolder();
  const only = ["--only", "lr 0.03, warmup 20K,lr 0.01", "--draw"];
  await run(["fig8", ...small, "--runs", runs.path, ...only], noTraining);
  const [record] = await listExperiments(runs.path);
  assert.deepEqual(record?.runs.map(({ id }) => id === null), [true, false, false]);
});

Deno.test("--draw of nothing is a figure without networks", async () => {
  using runs = new TemporaryFolder();
  const { code, output } = await run(["fig8", ...small, "--runs", runs.path, "--draw"], noTraining);
  assert.equal(code, 0);
  assert.match(output(), /Not finished: lr 0\.1 is not trained; lr 0\.01 is not trained;/);
  assert.deepEqual(runIds(runs.path), []);
});

Deno.test("--json leaves one object on standard output: the numbers, and the panels in words", async () => {
  using runs = new TemporaryFolder();
  const { output, errors } = await run([
    "fig4",
    ...small,
    "--runs",
    runs.path,
    "--json",
    "--out",
    `${runs.path}/figures`,
  ]);
  const numbers = JSON.parse(output());
  assert.deepEqual(numbers, JSON.parse(await textOf(`${runs.path}/figures/${key("fig4")}-numbers.json`)));
  assert.equal(numbers.levels[0].rows.length, 3);
  assert.equal(numbers.panels.length, 6);
  assert.doesNotMatch(output(), /<svg/);
  assert.match(errors(), /^Picture: .*figures/m);
});

Deno.test("figures of weights, curves, shares of the training and densities are drawn from the runs' files", async () => {
  using runs = new TemporaryFolder();
  const wordsOf = async (name: string): Promise<string[]> => {
    const { output } = await run([name, ...small.with(3, "0.001").with(5, "1"), "--runs", runs.path, "--json"]);
    return JSON.parse(output()).panels.map(({ words }: { readonly words: string }) => words);
  };
  const [curves = ""] = await wordsOf("fig3");
  assert.match(curves, /dense 95\.10 % at iteration 50, early stop at iteration 20; 50\.0 % 96\.10 % at iteration 50/);
  const [middle = "", , end = ""] = await wordsOf("fig8");
  assert.match(middle, /^Test accuracy at 10K iterations: lr 0\.1 95\.10 % with 100 % of the weights/);
  assert.match(end, /^Test accuracy at 30K iterations: lr 0\.1 95\.10 % with 100 %/);
  const [distances = ""] = await wordsOf("fig19");
  assert.match(distances, /^Distance moved: no histogram is recorded yet/, "no level near 21.1 %");
  const [initial = ""] = await wordsOf("fig15");
  assert.match(initial, /dense1 100 %: /);
  const [incoming = ""] = await wordsOf("fig21");
  assert.match(
    incoming,
    /^Incoming connections, first hidden layer: no histogram is recorded yet/,
    "no level near 41 %",
  );
});

Deno.test("lines between tickets and twins are measured of the levels that are drawn", async () => {
  using runs = new TemporaryFolder();
  const asked: string[] = [];
  const { output } = await run(["connectivity", ...small, "--runs", runs.path], {
    measureLines: ({ id, levels, config }) => {
      asked.push(`${id.slice(0, 6)} ${levels.join()} of ${config.levels}`);
      return Promise.resolve();
    },
  });
  assert.deepEqual(asked, ["lenet- 0,1 of 2"]);
  assert.match(
    output(),
    /The errors along any of the 2 lines of LeNet are not measured yet: the command without --draw/,
  );
});

Deno.test("a run that did not keep what a figure needs is not trained again, and how to get it is said", async () => {
  using runs = new TemporaryFolder();
  const deep = small.with(5, "4");
  const folder = (): string => `${runs.path}/${runIds(runs.path)[0]}`;
  const whole = await run(["fig20", ...deep, "--runs", runs.path, "--json"]);
  const [panel] = JSON.parse(whole.output()).panels;
  const layers = new Set(panel.histograms.map(({ layer }: { readonly layer: string }) => layer));
  assert.deepEqual([...layers], ["dense1", "dense2"]);
  assert.doesNotMatch(whole.errors(), /--save-finals/);
  // As `lottery --save-finals last` leaves it.
  for (const level of [0, 1, 2, 3]) {
    await Deno.remove(`${folder()}/finals/ticket-level-0${level}-replicate-1.safetensors`);
  }
  const lost = await run(["fig20", ...deep, "--runs", runs.path], noTraining);
  assert.match(
    lost.output().replaceAll(/\s+/g, " "),
    new RegExp(
      "LeNet did not keep the trained weights of the dense network \\(that takes --save-finals all\\), so that no distance can be " +
        `told\\. .* remove it \\(\`runs remove ${runIds(runs.path)[0]}\`\\), or give another folder with --runs`,
    ),
  );
  assert.match(
    await textOf(`${runs.path}/experiments/${key("fig20").replace("levels-2", "levels-4")}.svg`),
    /did not keep/,
  );
  const lines = await run(["connectivity", ...deep, "--runs", runs.path], { measureLines: () => Promise.resolve() });
  assert.match(
    lines.output().replaceAll(/\s+/g, " "),
    /of LeNet cannot be measured: it did not keep the trained weights of both/,
  );
});

Deno.test("the ends of a line are planned as the run planned its layers: by the pool that it prunes, and by its own table", () => {
  const layout = layOut(network);
  const [first = 0, second = 0] = layout.layers.map(({ inputs, outputs }) => inputs * outputs);
  const kept = [first, 0];
  const row = { tiles: "register", compactBelow: (first + 1) / (first + second) } as const;
  const table: PlanTable = {
    version: planTable.version,
    software: [{ ...row, type: "dense", fromWeights: 0 }],
    gpu: [{ ...row, type: "dense", fromWeights: 0, compactBelow: 0 }],
  };
  const weightsOf = (scope: "layer" | "global", kind: "software" | "gpu"): string[] =>
    runPlan(tinyConfig({ scope }), layout, kept, kind, table).map(({ weights }) => weights);
  assert.deepEqual(weightsOf("layer", "software"), ["masked-dense", "compact"]);
  assert.deepEqual(weightsOf("global", "software"), ["compact", "compact"], "both are of the pool's density");
  assert.deepEqual(weightsOf("global", "gpu"), ["masked-dense", "masked-dense"]);
});

Deno.test("without a name the experiments are listed, and --help names every flag", async () => {
  const { code, output } = await run([]);
  assert.equal(code, 0);
  for (const { name } of experiments) assert.match(output(), new RegExp(`^ {2}${name} `, "m"));
  assert.equal((await run(["--list"])).output(), output());
  const help = (await run(["--help"])).output();
  for (const flag of ["--scale", "--levels", "--replicates", "--only", "--dataset", "--out", "--draw", "--json"]) {
    assert.match(help, new RegExp(`^ {2}${flag}\\b`, "m"));
  }
  assert.ok((output() + help).split("\n").every((line) => line.length <= 110));
});

Deno.test("wrong arguments get one line that says what is wanted, and nothing is written", async () => {
  using runs = new TemporaryFolder();
  const refusal = async (...args: string[]): Promise<string> => {
    let message = "";
    await assert.rejects(run([...args, "--runs", runs.path]), (error) => {
      assert.ok(error instanceof Error);
      assert.equal(error.name, "UsageError");
      message = error.message;
      return true;
    });
    assert.deepEqual([...Deno.readDirSync(runs.path)], []);
    return message;
  };
  assert.match(await refusal("fig2"), /no experiment "fig2"\. Did you mean fig1\?|no experiment "fig2"/);
  assert.match(await refusal("fig4", "--scale", "0"), /--scale is "0", .* above 0 and at most 1/);
  assert.match(await refusal("fig4", "--scale", "2"), /--scale is "2"/);
  assert.match(await refusal("fig4", "--replicates", "1.5"), /--replicates is "1\.5", .* whole number/);
  assert.match(await refusal("fig4", "--dataset", "mnst"), /--dataset is "mnst"\. Did you mean mnist\?/);
  assert.match(await refusal("fig5", "--only", "Conv-2,Conv-3"), /the run "Conv-3" of fig5: .* Did you mean Conv-2/);
  assert.match(
    await refusal("fig1", "--data-dir", "/data"),
    /--data-dir "\/data" for mnist and cifar10 at once.*: --data-dir mnist=DIR,cifar10=DIR\.$/,
  );
  assert.match(await refusal("fig4", "--dataset", "synthetic"), /--train-size 1500.*has 600/);
});

const smallest = ["--dataset", "synthetic", "--scale", "0.00002", "--levels", "1", "--replicates", "1"].concat([
  "--reinit-draws",
  "1",
  "--width",
  "0.05",
]);

/** Every figure's command at its smallest scale, or one; runs are shared, as they are at any scale. */
for (const names of isNightly ? [experiments.map(({ name }) => name)] : [["fig4"]]) {
  Deno.test(`${names.length === 1 ? names[0] : "every experiment"} at its smallest scale ends with its picture`, async () => {
    using runs = new TemporaryFolder();
    for (const name of names) {
      const console = rememberingConsole();
      const code = await experimentCommand([name, ...smallest, "--runs", runs.path], {
        console,
        signal: new AbortController().signal,
        ...lotteryTools,
        ...experimentTools,
      });
      assert.equal(code, 0, name);
      assert.doesNotMatch(console.output(), /Not finished/, name);
      const path = /^Picture: (.*)$/m.exec(console.output())?.[1] ?? assert.fail(`${name} names no picture`);
      assert.match(await textOf(path), /<svg [^]*<\/svg>/, name);
    }
    const pictures = [...(await filesBelow(`${runs.path}/experiments`)).keys()].filter((name) => name.endsWith(".svg"));
    assert.equal(pictures.length, names.length);
  });
}
