/** The controls, as help lists them. */
import assert from "node:assert/strict";
import { describeControls } from "../../src/cli/controls.ts";
import { controlGroups } from "../../src/lottery/arms/groups.ts";
import { controlNames, maskOwner } from "../../src/lottery/arms/names.ts";
import { arms } from "../../src/lottery/arms/registry.ts";

Deno.test("every control is in one group, and has a line of help with its title", () => {
  assert.deepEqual(controlGroups.flatMap(({ controls }) => controls).toSorted(), controlNames.toSorted());
  const lines = describeControls(100).split("\n");
  assert.equal(lines.length, controlGroups.length + controlNames.length);
  for (const name of controlNames) {
    const line = lines.find((own) => own.startsWith(`    ${name} `)) ?? "";
    assert.ok(line.includes(arms[name].title), name);
    const owner = maskOwner(name);
    if (owner !== undefined) assert.ok(line.endsWith(`with the masks of ${owner}: name both`), name);
  }
});

Deno.test("titles are broken where a terminal is narrow, and go on below themselves", () => {
  const lines = describeControls(45).split("\n");
  assert.ok(lines.every((line) => line.length <= 45));
  const first = lines.findIndex((line) => line.startsWith("    continued "));
  const column = lines[first]?.indexOf("continued training") ?? -1;
  assert.match(lines[first + 1] ?? "", new RegExp(`^ {${column}}\\S`));
});
