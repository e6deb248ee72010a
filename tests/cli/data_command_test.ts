/** The command `data`. */
import assert from "node:assert/strict";
import { dataCommand } from "../../src/cli/data.ts";
import { rememberingConsole } from "./console.ts";

Deno.test("data prints files with their SHA-256 and how many examples each class has", async () => {
  const console = rememberingConsole();
  assert.equal(await dataCommand(["synthetic"], { console }), 0);
  assert.match(console.output(), /^synthetic-train-images +1,568,000 +[0-9a-f]{64}$/m);
  assert.match(console.output(), /^ +9 +200 +50$/m);
  assert.match(console.output(), /^ +all +2,000 +500$/m);
});

Deno.test("data --json prints the same as one object", async () => {
  const console = rememberingConsole();
  await dataCommand(["synthetic", "--json"], { console });
  const { shape, train, files } = JSON.parse(console.output());
  assert.deepEqual(shape, [1, 28, 28]);
  assert.equal(train.perClass.length, 10);
  assert.equal(files.length, 4);
});

Deno.test("data without a name, or with a wrong one, says which there are", async () => {
  const console = rememberingConsole();
  await assert.rejects(dataCommand([], { console }), { name: "UsageError", message: /Name a data set.*mnist/ });
  await assert.rejects(dataCommand(["mnits"], { console }), { name: "UsageError", message: /Did you mean mnist\?/ });
});
