/**
 * Dead structure: units, channels and pixels from which no surviving weight leads on to the logits. Nothing reads them, so their
 * gradients are exactly zero and their weights stay as a level found them: training may leave them out, and every number stays
 * the same. A unit that is read but reads nothing stays: its output is a constant, whose bias still trains.
 *
 * @module
 */
import { densePartialWords } from "./dense.ts";
import { unpackMask } from "./mask.ts";
import { flat, type LayerLayout, type NetworkLayout, type Operation, roundUp, sizeOf, type Tensor } from "./network.ts";
import { type LayerPlan, plainPlan } from "./plan.ts";

/**
 * Which units of each tensor are read, by its index, 1 where one is. The units of a tensor are its channels, which after a dense
 * layer are single values; of images that a dense layer reads, the pixels.
 *
 * @param mask one bit per parameter
 * @example
 * ```ts
 * import { readUnits } from "./dead_structure.ts";
 * import { packMask } from "./mask.ts";
 * import { flat, layOut } from "./network.ts";
 * const layout = layOut({
 *   name: "small",
 *   input: flat(3),
 *   layers: [{ type: "dense", units: 2, activation: "relu" }, { type: "dense", units: 2, activation: "none" }],
 * });
 * // The first unit of the hidden layer is not read, so that the pixel that it alone reads is not either.
 * const mask = packMask(layout, [Uint8Array.of(1, 0, 1, 1, 0, 1), Uint8Array.of(0, 0, 1, 1)]);
 * console.log(readUnits(layout, mask).map((units) => units.join(" "))); // [ "0 1 1", "0 1", "1 1" ]
 * ```
 */
export function readUnits(layout: NetworkLayout, mask: Uint32Array): Uint8Array<ArrayBuffer>[] {
  const masks = unpackMask(layout, mask);
  const read = layout.tensors.map((_, tensor) => new Uint8Array(unitsOf(layout, tensor)));
  read.at(-1)?.fill(1);
  for (const operation of layout.operations.toReversed()) {
    const output = read[operation.output] ?? new Uint8Array(0);
    const input = read[operation.input] ?? new Uint8Array(0);
    if (operation.type === "dense" || operation.type === "conv") {
      const { inputs, outputs } = layerOf(layout, operation.layer);
      const own = masks[operation.layer] ?? new Uint8Array(0);
      const rows = inputs / input.length;
      for (let i = 0; i < inputs; i++) {
        const unit = Math.floor(i / rows);
        for (let o = 0; o < outputs && input[unit] === 0; o++) {
          input[unit] = (output[o] ?? 0) & (own[i * outputs + o] ?? 0);
        }
      }
      continue;
    }
    // What works on each channel by itself reads it where it is read itself; a sum has two inputs.
    const inputs = operation.type === "add" ? [input, read[operation.shortcut] ?? input] : [input];
    for (const own of inputs) output.forEach((isRead, unit) => own[unit] = (own[unit] ?? 0) | isRead);
  }
  return read;
}

/**
 * Which units of each tensor stay, ascending: per tensor one list per network, all of a tensor equally long. Where networks
 * differ in how much is dead, dead units fill up the others. Undefined when nothing can be dropped.
 *
 * Only what changes no bit is dropped. So units go by four where a kernel adds up four of them before it goes on, and pixels by
 * four because a word of images holds so many; in front of a dense layer that sums in parts, in front of and behind tiles in
 * workgroup memory and dropouts, whose random numbers go by place, everything stays, as it does in networks with batch norms or
 * sums.
 *
 * @param masks per network, one bit per parameter
 * @param plan which kernels each layer runs
 */
export function keptUnits(
  layout: NetworkLayout,
  masks: readonly Uint32Array[],
  plan: readonly LayerPlan[],
): Uint32Array<ArrayBuffer>[][] | undefined {
  if (layout.norms.length > 0 || layout.operations.some(({ type }) => type === "add")) return undefined;
  const read = masks.map((mask) => readUnits(layout, mask));
  const kept: Uint32Array<ArrayBuffer>[][] = [];
  for (const tensor of layout.tensors.keys()) {
    const producer = layout.operations.find(({ output }) => output === tensor);
    const before = producer && isChannelwise(producer) ? kept[producer.input] : undefined;
    kept.push(before ?? chosen(read.map((own) => own[tensor] ?? new Uint8Array(0)), stepOf(layout, plan, tensor)));
  }
  const isWhole = kept.every((lists, tensor) => lists.every(({ length }) => length === unitsOf(layout, tensor)));
  return isWhole ? undefined : kept;
}

/** The network with the kept units of each tensor alone, in an arena of its own. */
export function shrunkLayout(layout: NetworkLayout, kept: readonly (readonly Uint32Array[])[]): NetworkLayout {
  const tensors = layout.tensors.map((tensor, index): Tensor => {
    const units = kept[index]?.[0]?.length ?? 0;
    if (units === unitsOf(layout, index)) return tensor;
    return { ...tensor, extent: arePixels(layout, index) ? flat(units) : { ...tensor.extent, channels: units } };
  });
  let arena = 0;
  const take = (values: number): number => {
    const at = arena;
    arena += roundUp(values, 64);
    return at;
  };
  const layers = layout.layers.map((layer, index): LayerLayout => {
    const operation = layout.operations.find((operation) => "layer" in operation && operation.layer === index);
    const input = tensors[operation?.input ?? -1]?.extent ?? layer.input;
    const output = tensors[operation?.output ?? -1]?.extent ?? layer.output;
    const inputs = layer.type === "conv" ? input.channels * layer.size ** 2 : sizeOf(input);
    const outputQuads = Math.ceil(output.channels / 4);
    return {
      ...layer,
      whole: layer,
      input,
      output,
      inputs,
      outputs: output.channels,
      outputQuads,
      weight: take(inputs * outputQuads * 4),
      bias: take(outputQuads * 4),
    };
  });
  return {
    ...layout,
    layers,
    tensors,
    arena,
    trained: arena,
    weights: layers.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0),
  };
}

/** How many units a tensor has: see {@linkcode readUnits}. */
export function unitsOf(layout: NetworkLayout, tensor: number): number {
  const { extent } = layout.tensors[tensor] ?? { extent: flat(0) };
  return arePixels(layout, tensor) ? sizeOf(extent) : extent.channels;
}

/** Whether a tensor is the images, and a dense layer reads them. */
function arePixels({ operations }: NetworkLayout, tensor: number): boolean {
  return tensor === 0 && operations[0]?.type === "dense";
}

/** How many neighbours stay or go together; 0 where all stay. */
function stepOf(layout: NetworkLayout, plan: readonly LayerPlan[], tensor: number): 0 | 1 | 4 {
  const reader = readerOf(layout, tensor);
  if (!reader || reader.type === "dropout") return 0;
  if ("layer" in reader) {
    const layer = layerOf(layout, reader.layer);
    const { weights, tiles } = plan[reader.layer] ?? plainPlan;
    if (weights === "masked-dense") {
      if (tiles !== "register") return 0;
      // The parts are cut by place.
      if (layer.type === "dense" && densePartialWords({ layout, layer, replicates: 1, batch: 8 }) > 0) return 0;
    }
  }
  const producer = layout.operations.find(({ output }) => output === tensor);
  if (!producer) return arePixels(layout, tensor) ? 4 : 0;
  if (!("layer" in producer)) return 0;
  const { weights, tiles } = plan[producer.layer] ?? plainPlan;
  if (weights === "compact") return 1;
  if (tiles !== "register") return 0;
  // The input gradient of a dense layer, which the first one does not have, adds up four outputs at a time.
  return producer.type === "dense" && producer.input !== 0 ? 4 : 1;
}

/** What reads a tensor in the end: a layer with weights or a dropout; undefined for the logits. */
function readerOf({ operations }: NetworkLayout, tensor: number): Operation | undefined {
  let at = tensor;
  for (const operation of operations) {
    if (operation.input !== at) continue;
    if (!isChannelwise(operation) || operation.type === "dropout") return operation;
    at = operation.output;
  }
  return undefined;
}

/** Whether each channel that goes out is made of the one that comes in. */
function isChannelwise({ type }: Operation): boolean {
  return type === "max-pool" || type === "global-average-pool" || type === "dropout";
}

/** Per network the units that stay: those that are read, with their neighbours of a step, and as many dead ones as it takes. */
function chosen(read: readonly Uint8Array[], step: 0 | 1 | 4): Uint32Array<ArrayBuffer>[] {
  const units = read[0]?.length ?? 0;
  const all = Uint32Array.from({ length: units }, (_, unit) => unit);
  if (step === 0) return read.map(() => all);
  const groups = Math.ceil(units / step);
  const wanted = read.map((own) =>
    Uint8Array.from({ length: groups }, (_, group) => {
      const members = own.subarray(group * step, (group + 1) * step);
      // A last group of fewer stays, so that all lists are equally long.
      return Number(members.length < step || members.includes(1));
    })
  );
  const most = Math.max(1, ...wanted.map((own) => own.reduce((sum, isWanted) => sum + isWanted, 0)));
  return wanted.map((own) => {
    let fill = most - own.reduce((sum, isWanted) => sum + isWanted, 0);
    return all.filter((unit) => {
      const group = Math.floor(unit / step);
      if (own[group] === 1) return true;
      // A group's members are all asked before the next group's.
      if (fill === 0) return false;
      if (unit % step === step - 1) fill--;
      return true;
    });
  });
}

function layerOf(layout: NetworkLayout, index: number): LayerLayout {
  const layer = layout.layers[index];
  if (!layer) throw new Error(`unreachable: layer ${index} of ${layout.layers.length}`);
  return layer;
}
