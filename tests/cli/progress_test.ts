/** What stands in a log while a run goes on. */
import assert from "node:assert/strict";
import { Progress } from "../../src/cli/progress.ts";
import { preset } from "../../src/lottery/config.ts";
import { type ArmName, controlNames } from "../../src/lottery/arms/names.ts";
import { rememberingConsole } from "./console.ts";

/** What is said when a level with these arms begins, of two networks each. */
function levelLines(arms: readonly ArmName[]): string[] {
  const console = rememberingConsole();
  using progress = new Progress(console, preset("lenet-quick", { levels: 2 }), {
    networksByLevel: [1],
    verbose: false,
  });
  const networks = arms.flatMap((arm) => [1, 2].map((replicate) => ({ arm, level: 1, replicate, draw: 1, seed: 1 })));
  progress.show({ type: "level-start", level: 1, networks, iteration: 0, remaining: 0.8, layers: [] });
  return console.errors().trimEnd().split("\n");
}

Deno.test("a level begins with a line that names its arms, and takes more lines where they are many", () => {
  assert.deepEqual(levelLines(["ticket", "reinit"]), ["Level 1 of 2: 80.0 % of the weights, 2 × ticket, 2 × reinit"]);
  const [first, ...others] = levelLines(["ticket", ...controlNames]);
  assert.equal(first, "Level 1 of 2: 80.0 % of the weights, 62 networks of 31 arms");
  assert.ok(others.length > 1 && others.every((line) => line.length <= 100));
  const names = others.map((line) => line.trim()).join(" ").split(", ");
  assert.deepEqual(names, ["ticket", ...controlNames].map((arm) => `2 × ${arm}`));
});
