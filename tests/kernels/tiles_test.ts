import assert from "node:assert/strict";
import type { Launch } from "../../src/gpu/program.ts";
import { architecture, architectureNames } from "../../src/nn/architectures.ts";
import { backwardPass, forwardPass, type PassShape } from "../../src/nn/graph.ts";
import { layOut, type NetworkLayout } from "../../src/nn/network.ts";
import { type LayerPlan, planOf } from "../../src/nn/plan.ts";
import { closeTestGpu, Scratch, testGpu } from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/** What a step launches for layers with weights. */
async function launchesOf(layout: NetworkLayout, plan: readonly LayerPlan[]): Promise<Launch[]> {
  using scratch = new Scratch(await testGpu());
  const small = scratch.output(4);
  const shape: PassShape = { layout, replicates: 1, images: 60, plan };
  const buffers = {
    ...{ parameters: small, partials: small, dropoutKeys: small, state: small, mask: small, gradient: small },
    activation: () => small,
    saved: () => small,
    gradientOf: () => small,
  };
  return [...forwardPass(shape, buffers), ...backwardPass(shape, buffers)]
    .filter(({ kernel: { name } }) => /^(dense|convolution)_/.test(name));
}

const lenet = layOut(architecture("lenet", { channels: 1, height: 28, width: 28 }, 10));
const networks = architectureNames.map((name) =>
  name === "lenet" ? lenet : layOut(architecture(name, { channels: 3, height: 32, width: 32 }, 10))
);

Deno.test("a step launches, layer by layer, the tiles that its plan says", async () => {
  const plan = (["register", "workgroup", "register"] as const).map((tiles) => ({
    weights: "masked-dense" as const,
    tiles,
  }));
  const names = (await launchesOf(lenet, plan)).map(({ kernel, label }) => `${label?.split(" ")[0]} ${kernel.name}`);
  assert.deepEqual(names, [
    "dense1 dense_forward",
    "dense2 dense_forward_workgroup",
    "dense2 dense_forward_sum",
    "dense3 dense_forward",
    "dense3 dense_input_gradient",
    "dense3 dense_weight_gradient",
    "dense2 dense_input_gradient_workgroup",
    "dense2 dense_input_gradient_sum",
    "dense2 dense_weight_gradient_workgroup",
    "dense1 dense_weight_gradient",
  ]);
});

Deno.test("the shipped table gives graphics cards workgroup tiles in every layer, and software adapters none", async () => {
  for (const layout of networks) {
    for (const kind of ["gpu", "software"] as const) {
      const launches = await launchesOf(layout, planOf(layout, [], kind));
      const wanted = kind === "gpu" ? /_(workgroup|sum)$/ : /_(forward|gradient|sum)$/;
      for (const { kernel } of launches) assert.match(kernel.name, wanted);
    }
  }
});

/** Workgroup memory that a kernel declares. */
function workgroupBytes(code: string): number {
  return [...code.matchAll(/var<workgroup> \w+: array<vec4f, (\d+)>/g)].reduce(
    (sum, [, count]) => sum + Number(count) * 16,
    0,
  );
}

Deno.test("workgroup tiles keep to what WebGPU guarantees, and have at least 2,000 invocations in all but the smallest layers", async () => {
  for (const layout of networks) {
    for (
      const { kernel: { name, code }, workgroups, buffers, label } of await launchesOf(
        layout,
        planOf(layout, [], "gpu"),
      )
    ) {
      if (!name.endsWith("_workgroup")) continue;
      const [, width = "", height = "1"] = /@workgroup_size\((\d+)(?:, (\d+))?\)/.exec(code) ?? [];
      const size = Number(width) * Number(height);
      assert.ok(size > 0 && size <= 256, name);
      assert.ok(workgroupBytes(code) > 0 && workgroupBytes(code) <= 16_384, name);
      assert.ok(buffers.length <= 8 && workgroups.every((count) => count <= 65_535), name);
      const invocations = size * workgroups.reduce((product, count) => product * count, 1);
      const layer = layout.layers.find((layer) => label?.startsWith(`${layer.name} `));
      assert.ok(layer && (invocations >= 2000 || layer.outputs === 10), `${label}: ${invocations}`);
    }
  }
});
