/**
 * docs/performance.md shows what `bench roofline` prints. Before each of its blocks stands the command. When kernels or tiles
 * have changed, this writes the blocks once more:
 *
 *     deno test --no-prompt --allow-read --allow-write=docs tests/bench/performance_test.ts -- --write
 *
 * @module
 */
import assert from "node:assert/strict";
import { benchCommand } from "../../src/cli/bench.ts";
import { rememberingConsole } from "../cli/console.ts";

const path = new URL("../../docs/performance.md", import.meta.url);
const block = /^`deno task bench (roofline[^`]*)`(, its second table)?:\n\n```text\n.*?\n```/gms;

/** What the command prints, without the adapter at hand, on which it does not depend. */
async function printed(command: string, isExpected: boolean): Promise<string> {
  const console = rememberingConsole();
  const { signal } = new AbortController();
  assert.equal(await benchCommand(command.split(" "), { console, signal }), 0);
  const [title = "", ...rest] = console.output().trimEnd().split("\n").slice(1);
  if (!isExpected) return [title, ...rest].join("\n");
  return [title, "", ...rest.slice(rest.findIndex((line) => line.startsWith("expected µs")))].join("\n");
}

Deno.test("docs/performance.md shows what bench roofline prints", async () => {
  const text = await Deno.readTextFile(path);
  const blocks = [...text.matchAll(block)];
  assert.ok(blocks.length >= 10, `${blocks.length} blocks are found`);
  let now = text;
  for (const [whole, command = "", expected] of blocks) {
    const [heading = ""] = whole.split("\n");
    const wanted = await printed(command, expected !== undefined);
    now = now.replace(whole, () => `${heading}\n\n\`\`\`text\n${wanted}\n\`\`\``);
  }
  if (Deno.args.includes("--write")) await Deno.writeTextFile(path, now);
  else assert.equal(text, now, "Kernels have changed: this file's head says how its blocks are written once more.");
});
