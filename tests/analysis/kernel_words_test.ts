import assert from "node:assert/strict";
import { kernelsByLevel, kernelWords } from "../../src/analysis/kernel_words.ts";

Deno.test("kernels are told once where all layers ran the same, and by layer where they differ", () => {
  assert.equal(kernelWords({ dense1: "compact", dense2: "compact" }), "compact");
  assert.equal(
    kernelWords({ conv1: "masked-dense", dense1: "compact", dense2: "masked-dense" }),
    "masked-dense: conv1, dense2; compact: dense1",
  );
  const layers = ["conv1", "conv2", "conv3", "conv4"].map((name) => [name, "masked-dense"]);
  assert.equal(
    kernelWords({ ...Object.fromEntries(layers), dense1: "compact", dense2: "compact" }),
    "compact: dense1, dense2; else masked-dense",
  );
  assert.equal(kernelWords({}), "");
});

Deno.test("neighbouring levels that ran the same are told together, unknown ones not at all", () => {
  const dense = { dense1: "masked-dense" };
  const compact = { dense1: "compact" };
  const levels = [dense, dense, compact, {}, compact].map((plan, level) => ({ level, plan }));
  assert.deepEqual(kernelsByLevel(levels), [
    { levels: "levels 0 to 1", kernels: "masked-dense" },
    { levels: "level 2", kernels: "compact" },
    { levels: "level 4", kernels: "compact" },
  ]);
  assert.deepEqual(kernelsByLevel([]), []);
});
