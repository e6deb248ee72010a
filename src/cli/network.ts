/**
 * A network in words: one line for the start of a run, a table for `--verbose`.
 *
 * @module
 */
import type { LotteryConfig } from "../lottery/config.ts";
import { ratesOf } from "../lottery/schedule.ts";
import { pruningGroups } from "../lottery/schedule.ts";
import { type LayerSpec, layOut, type NetworkSpec } from "../nn/network.ts";
import { percent } from "../analysis/outcome.ts";
import { formatTable } from "./table.ts";

/** A network's layers in one line: "2 × conv 64, max-pool, 2 × dense 256, dense 10". */
export function describeLayers({ layers }: Pick<NetworkSpec, "layers">): string {
  const parts: { readonly text: string; count: number }[] = [];
  layers.forEach((layer, index) => {
    // A batch norm is named with the layer before it.
    if (layer.type === "batch-norm" && index > 0) return;
    const isNormed = layers[index + 1]?.type === "batch-norm";
    const text = isNormed ? `${describeLayer(layer)} + batch-norm` : describeLayer(layer);
    const last = parts.at(-1);
    if (last?.text === text) last.count++;
    else parts.push({ text, count: 1 });
  });
  return parts.map(({ text, count }) => count === 1 ? text : `${count} × ${text}`).join(", ");
}

/** A table of the layers with weights: what they are, how many weights, and what a round prunes of them. */
export function layerLines(spec: NetworkSpec, config: LotteryConfig): string[] {
  const layout = layOut(spec);
  const groups = pruningGroups(layout, ratesOf(config));
  return formatTable(
    [
      { title: "layer", align: "left" },
      { title: "weights", align: "right" },
      { title: "shape", align: "left" },
      { title: "pruned", align: "left" },
    ],
    layout.layers.map((layer, index) => {
      const { name, type, inputs, outputs, input, size } = layer;
      const group = groups.find(({ layers }) => layers.includes(index));
      return [
        name,
        (inputs * outputs).toLocaleString("en"),
        type === "conv" ? `${input.channels} × ${size} × ${size} → ${outputs}` : `${inputs} → ${outputs}`,
        group ? `${percent(group.rate, 0)}${group.layers.length > 1 ? " of all together" : ""}` : "never",
      ];
    }),
  );
}

function describeLayer(layer: LayerSpec): string {
  switch (layer.type) {
    case "dense":
      return `dense ${layer.units}`;
    case "conv": {
      const { channels, size = 3, stride = 1 } = layer;
      return `conv ${channels}${size === 3 ? "" : ` of ${size} × ${size}`}${stride === 1 ? "" : ` stride ${stride}`}`;
    }
    case "dropout":
      return `dropout ${layer.rate}`;
    case "residual": {
      const channels = layer.branch.findLast((own) => own.type === "conv")?.channels;
      return `residual ${channels ?? ""}`;
    }
    default:
      return layer.type;
  }
}
