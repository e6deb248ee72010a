/** Records of experiments and lines between networks, as files. */
import assert from "node:assert/strict";
import { listExperiments, readExperiment, writeExperiment } from "../../src/store/experiments.ts";
import { readLines, writeLines } from "../../src/store/lines.ts";
import { TemporaryFolder } from "../store/folders.ts";

const record = {
  name: "fig5",
  key: "fig5-scale-0.1-width-0.25",
  options: { scale: 0.1, width: 0.25 },
  runs: [{ name: "Conv-2", id: "conv2-0123456789" }, { name: "Conv-4", id: null }],
} as const;

Deno.test("a record is read as it was written, and listed", async () => {
  using runs = new TemporaryFolder();
  assert.deepEqual(await listExperiments(runs.path), []);
  await writeExperiment(runs.path, record);
  const read = await readExperiment(runs.path, record.key);
  const { updated, ...rest } = read ?? assert.fail("no record");
  assert.deepEqual(rest, { schema: 1, ...record });
  assert.ok(!Number.isNaN(Date.parse(updated)));
  assert.deepEqual(await listExperiments(runs.path), [read]);
});

Deno.test("what is no record is passed over: numbers, pictures, other keys, other options, damage", async () => {
  using runs = new TemporaryFolder();
  await writeExperiment(runs.path, record);
  const folder = `${runs.path}/experiments`;
  const text = await Deno.readTextFile(`${folder}/${record.key}.json`);
  await Deno.writeTextFile(`${folder}/fig5.json`, text);
  await Deno.writeTextFile(`${folder}/fig6.json`, "{");
  await Deno.writeTextFile(
    `${folder}/fig7.json`,
    text.replaceAll(record.key, "fig7").replace('"scale": 0.1', '"scale": "1"'),
  );
  await Deno.writeTextFile(`${folder}/fig5-numbers.json`, '{"schema": 1, "name": "fig5", "key": "fig5"}');
  await Deno.writeTextFile(`${folder}/fig5.svg`, "<svg/>");
  assert.deepEqual((await listExperiments(runs.path)).map(({ key }) => key), [record.key]);
  for (const key of ["../experiments/fig5", "", "fig5/..", "nothing"]) {
    assert.equal(await readExperiment(runs.path, key), undefined, key);
  }
});

Deno.test("lines are kept in order, and read for the levels and replicates that are wanted", async () => {
  using run = new TemporaryFolder();
  const points = [{ alpha: 0, testError: 0.02 }, { alpha: 1, testError: 0.03 }];
  const line = (level: number, replicate: number) => ({ level, replicate, points });
  assert.deepEqual(await readLines(run.path, { levels: 9, replicates: 9 }), []);
  await writeLines(run.path, [line(3, 1), line(0, 2), line(0, 1)]);
  assert.deepEqual(await readLines(run.path, { levels: 9, replicates: 9 }), [line(0, 1), line(0, 2), line(3, 1)]);
  assert.deepEqual(await readLines(run.path, { levels: 2, replicates: 1 }), [line(0, 1)]);
  await Deno.writeTextFile(`${run.path}/connectivity.json`, '{"lines": [{"level": 1}]}');
  assert.deepEqual(await readLines(run.path, { levels: 9, replicates: 9 }), []);
});
