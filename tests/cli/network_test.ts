/** Networks in words. */
import assert from "node:assert/strict";
import { describeLayers, layerLines } from "../../src/cli/network.ts";
import { Progress } from "../../src/cli/progress.ts";
import { networkOf, preset } from "../../src/lottery/config.ts";
import { architecture, type ArchitectureName } from "../../src/nn/architectures.ts";
import { layOut } from "../../src/nn/network.ts";
import { rememberingConsole } from "./console.ts";

const cifar = { name: "cifar10", channels: 3, height: 32, width: 32, classes: 10 } as const;

Deno.test("the paper's networks are told as its Figure 2 tells them", () => {
  const told = (name: ArchitectureName, dropout = 0): string =>
    describeLayers(architecture(name, cifar, 10, { dropout }));
  assert.equal(told("lenet"), "dense 300, dense 100, dense 10");
  assert.equal(told("conv4"), "2 × conv 64, max-pool, 2 × conv 128, max-pool, 2 × dense 256, dense 10");
  assert.equal(
    told("conv2", 0.5),
    "2 × conv 64, max-pool, dropout 0.5, dense 256, dropout 0.5, dense 256, dropout 0.5, dense 10",
  );
  assert.equal(
    told("resnet18"),
    "conv 16 + batch-norm, 3 × residual 16, 3 × residual 32, 3 × residual 64, global-average-pool, dense 10",
  );
  assert.match(told("vgg19"), /^2 × conv 64 \+ batch-norm, max-pool, .*, max-pool, 4 × conv 512 \+ batch-norm, global/);
  const odd = { layers: [{ type: "conv", channels: 4, size: 1, stride: 2, activation: "none" }] } as const;
  assert.equal(describeLayers(odd), "conv 4 of 1 × 1 stride 2");
});

Deno.test("the table of layers has their weights, shapes and rates", () => {
  const lines = (name: "conv2" | "resnet18"): string => {
    const config = preset(name);
    return layerLines(networkOf(config, cifar), config).join("\n");
  };
  assert.match(lines("conv2"), /conv1 +1,728 +3 × 3 × 3 → 64 +10 %/);
  assert.match(lines("conv2"), /dense1 +4,194,304 +16384 → 256 +20 %/);
  assert.match(lines("conv2"), /dense3 +2,560 +256 → 10 +10 %/);
  assert.match(lines("resnet18"), /conv2 +2,304 +16 × 3 × 3 → 16 +20 % of all together/);
  assert.match(lines("resnet18"), /downsample1 +512 +16 × 1 × 1 → 32 +never/);
  assert.match(lines("resnet18"), /dense1 +640 +64 → 10 +never/);
});

Deno.test("the start of a run of Conv-6 says that it has the 4,096 inputs, where the paper's count of weights has not", () => {
  const started = (name: "conv4" | "conv6", width = 1): string => {
    const console = rememberingConsole();
    const config = preset(name, { width });
    const { spec, weights } = layOut(networkOf(config, cifar));
    using progress = new Progress(console, config, { networksByLevel: [1], verbose: false });
    const adapter = { name: "paper and pencil", driver: "1.0", kind: "gpu" } as const;
    progress.show({
      type: "start",
      config,
      network: { spec, weights, layers: [] },
      adapter,
      memory: [],
      lockstep: 1,
      lockstepBy: "level",
      remaining: [1],
    });
    return console.errors();
  };
  assert.match(started("conv6"), /conv-6, 2,261,184 weights.*\n.*4,096 inputs.*the paper says 1\.7 million/);
  assert.doesNotMatch(started("conv6", 0.5), /1\.7 million/);
  assert.doesNotMatch(started("conv4"), /1\.7 million/);
});
