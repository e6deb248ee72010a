/**
 * Tickets without what they prune: values and positions of the survivors only, as safetensors.
 *
 * Per layer `dense1.gaps` (U8) says where the survivors stand in the row-major weights: each byte is the distance to the
 * survivor before (the first one's is its index plus 1), and 255 means "255 further, and go on with the next byte". A byte
 * per survivor is less than a bitmask as soon as seven weights in eight are pruned, and never more than the dense ticket's
 * mask. `dense1.values` and `dense1.bias` (F32) are the survivors' initial values and the layer's.
 *
 * A rewound ticket has `dense1.rewind.values` where a survivor is rewound to something else than its initial value: one per
 * survivor, or only for those that `dense1.rewind.gaps` names among the survivors (counted like the gaps above), or not at
 * all. `dense1.rewind.bias` and the batch norms' `norm1.rewind.scale`, `.shift`, `.mean`, `.variance` are as in a dense ticket.
 *
 * The initial values of pruned weights are not kept: a ticket does not use them. They come back as zeros.
 *
 * @module
 */
import { legible, quoted } from "../data/quoted.ts";
import {
  float32,
  formatSafetensors,
  parseSafetensors,
  type Safetensors,
  type StoredTensor,
  storeTensor,
  uint8,
} from "../data/safetensors.ts";
import { parseNetwork } from "../lottery/network_schema.ts";
import type { RewindValues, Ticket } from "../lottery/ticket.ts";
import { type LayerLayout, type LayerValues, layOut, type NetworkSpec, type NormValues } from "../nn/network.ts";

const format = "winnow-compact-ticket";
const version = "1";

/**
 * How many weights a file may claim: what is pruned takes no bytes in it, so nothing else bounds what it grows to. A gigabyte
 * of values, thirteen times VGG-19.
 */
const mostWeights = 2 ** 28;

/** The byte that says "this far, and further". */
const further = 255;

/**
 * A ticket without what it prunes, as a safetensors file. Equal tickets give equal bytes.
 *
 * @throws {RangeError} when the ticket lacks a layer of its network
 * @example
 * ```ts
 * import { formatCompactTicket, loadCompactTicket } from "./compact_ticket.ts";
 *
 * const ticket = loadCompactTicket(formatCompactTicket({
 *   network: {
 *     name: "tiny",
 *     input: { channels: 2, height: 1, width: 1 },
 *     layers: [{ type: "dense", units: 1, activation: "none" }],
 *   },
 *   masks: [Uint8Array.of(0, 1)],
 *   initial: [{ weight: Float32Array.of(0.5, -1), bias: Float32Array.of(0.25) }],
 *   metadata: {},
 * }));
 * console.assert(ticket.initial[0]?.weight.join() === "0,-1" && ticket.masks[0]?.join() === "0,1");
 * ```
 */
export function formatCompactTicket(ticket: Ticket): Uint8Array<ArrayBuffer> {
  const layout = layOut(ticket.network);
  const tensors: Record<string, StoredTensor> = {};
  const put = (name: string, values: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): void => {
    tensors[name] = storeTensor([values.length], values);
  };
  layout.layers.forEach(({ name, hasBias }, index) => {
    const mask = ticket.masks[index];
    const initial = ticket.initial[index];
    if (!mask || !initial) throw missing(ticket.network, name);
    const survivors = positionsOf(mask);
    const values = pick(initial.weight, survivors);
    put(`${name}.gaps`, encodeGaps(survivors));
    put(`${name}.values`, values);
    if (hasBias) put(`${name}.bias`, initial.bias);
    if (!ticket.rewind) return;
    const rewind = ticket.rewind.layers[index];
    if (!rewind) throw missing(ticket.network, name);
    const rewound = pick(rewind.weight, survivors);
    const differing = differences(values, rewound);
    if (differing.length > 0) put(`${name}.rewind.values`, pick(rewound, differing));
    if (differing.length > 0 && differing.length < rewound.length) {
      put(`${name}.rewind.gaps`, encodeGaps(differing));
    }
    if (hasBias) put(`${name}.rewind.bias`, rewind.bias);
  });
  layout.norms.forEach(({ name }, index) => {
    if (!ticket.rewind) return;
    const norm = ticket.rewind.norms[index];
    if (!norm) throw missing(ticket.network, name);
    for (const part of normParts) put(`${name}.rewind.${part}`, norm[part]);
  });
  return formatSafetensors(tensors, {
    ...ticket.metadata,
    firstIteration: String(ticket.firstIteration ?? 0),
    rewound: String(ticket.rewind !== undefined),
    network: JSON.stringify(ticket.network),
    format,
    version,
  });
}

/**
 * Reads a compact ticket: mask, survivors' values, biases and what it is rewound to are bit for bit what was written; initial
 * values of pruned weights are zero. It trains like the ticket that it was made of.
 *
 * @param name the file's name, for errors
 * @throws {SyntaxError} when it is not a compact ticket, or damaged
 */
export function loadCompactTicket(bytes: Uint8Array<ArrayBuffer>, name = "compact ticket"): Ticket {
  const file = parseSafetensors(bytes, name);
  // Whether it is rewound is said by the ticket itself.
  const { rewound, ...metadata } = file.metadata;
  if (metadata["format"] !== format || metadata["version"] !== version) {
    throw unreadable(
      name,
      `it says format ${quoted(metadata["format"] ?? "")} version ${
        quoted(metadata["version"] ?? "")
      }, and "${format}" version ` +
        `"${version}" is wanted. Dense tickets are read by loadTicket()`,
    );
  }
  const network = networkOf(metadata["network"], name);
  const firstIteration = metadata["firstIteration"] ?? "";
  if (!/^\d{1,9}$/.test(firstIteration)) {
    throw unreadable(name, `its firstIteration is ${quoted(firstIteration)}, and a whole number is wanted`);
  }
  const layout = layOut(network);
  if (layout.weights > mostWeights) {
    throw unreadable(name, `its network has ${layout.weights} weights, and at most ${mostWeights} are taken`);
  }
  const layers = layout.layers.map((layer) => readLayer(file, layer, name));
  const rewind: RewindValues | undefined = rewound === "true"
    ? {
      layers: layers.map(({ rewound }) => rewound()),
      norms: layout.norms.map((norm): NormValues => {
        const read = (part: (typeof normParts)[number]): Float32Array<ArrayBuffer> =>
          floats(file, `${norm.name}.rewind.${part}`, norm.extent.channels, name);
        return { scale: read("scale"), shift: read("shift"), mean: read("mean"), variance: read("variance") };
      }),
    }
    : undefined;
  return {
    network,
    masks: layers.map(({ mask }) => mask),
    initial: layers.map(({ initial }) => initial),
    ...(Number(firstIteration) > 0 ? { firstIteration: Number(firstIteration) } : {}),
    ...(rewind ? { rewind } : {}),
    metadata,
  };
}

const normParts = ["scale", "shift", "mean", "variance"] as const;

interface CompactLayer {
  readonly mask: Uint8Array<ArrayBuffer>;
  readonly initial: LayerValues;
  /** What it is rewound to; only a rewound ticket has it. */
  readonly rewound: () => LayerValues;
}

function readLayer(file: Safetensors, layer: LayerLayout, name: string): CompactLayer {
  const { inputs, outputs, hasBias } = layer;
  const size = inputs * outputs;
  const survivors = decodeGaps(file, `${layer.name}.gaps`, size, name);
  const values = floats(file, `${layer.name}.values`, survivors.length, name);
  const bias = (of: string): Float32Array<ArrayBuffer> =>
    hasBias ? floats(file, of, outputs, name) : new Float32Array(outputs);
  const mask = new Uint8Array(size);
  for (const position of survivors) mask[position] = 1;
  return {
    mask,
    initial: { weight: spread(values, survivors, size), bias: bias(`${layer.name}.bias`) },
    rewound: () => {
      const rewound = values.slice();
      if (file.tensors.has(`${layer.name}.rewind.values`)) {
        const differing = file.tensors.has(`${layer.name}.rewind.gaps`)
          ? decodeGaps(file, `${layer.name}.rewind.gaps`, survivors.length, name)
          : survivors.keys().toArray();
        const own = floats(file, `${layer.name}.rewind.values`, differing.length, name);
        copyBits(own, rewound, differing);
      }
      return { weight: spread(rewound, survivors, size), bias: bias(`${layer.name}.rewind.bias`) };
    },
  };
}

function positionsOf(mask: Uint8Array): number[] {
  const positions: number[] = [];
  mask.forEach((survives, position) => {
    if (survives) positions.push(position);
  });
  return positions;
}

/** Indices at which two arrays differ in their bits: −0 is not 0, and a NaN is equal to itself. */
function differences(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): number[] {
  const [first, second] = [bitsOf(a), bitsOf(b)];
  return a.keys().filter((index) => first[index] !== second[index]).toArray();
}

function pick(values: Float32Array<ArrayBuffer>, positions: readonly number[]): Float32Array<ArrayBuffer> {
  // As integers: moving a float as a number may change the bits of a NaN.
  const bits = bitsOf(values);
  return new Float32Array(Uint32Array.from(positions, (position) => bits[position] ?? 0).buffer);
}

function spread(
  values: Float32Array<ArrayBuffer>,
  positions: readonly number[],
  size: number,
): Float32Array<ArrayBuffer> {
  const dense = new Float32Array(size);
  copyBits(values, dense, positions);
  return dense;
}

function copyBits(
  from: Float32Array<ArrayBuffer>,
  to: Float32Array<ArrayBuffer>,
  positions: readonly number[],
): void {
  const [source, target] = [bitsOf(from), bitsOf(to)];
  positions.forEach((position, index) => target[position] = source[index] ?? 0);
}

function bitsOf({ buffer, byteOffset, length }: Float32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return new Uint32Array(buffer, byteOffset, length);
}

function encodeGaps(positions: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let before = -1;
  for (const position of positions) {
    let gap = position - before;
    for (; gap >= further; gap -= further) bytes.push(further);
    bytes.push(gap);
    before = position;
  }
  return Uint8Array.from(bytes);
}

function decodeGaps(file: Safetensors, tensor: string, size: number, name: string): number[] {
  const bytes = uint8(typed(file, tensor, "U8", name));
  const positions: number[] = [];
  let at = -1;
  let last = 0;
  for (const byte of bytes) {
    at += byte;
    // A gap of 0 stands only behind "further": 255 itself is 255 and 0.
    if (at >= size || byte === 0 && last !== further) {
      throw unreadable(name, `${tensor} leads to position ${at} of ${size} after ${positions.length} survivors`);
    }
    if (byte !== further) positions.push(at);
    last = byte;
  }
  if (last === further) throw unreadable(name, `${tensor} ends within a gap`);
  return positions;
}

function floats(file: Safetensors, tensor: string, length: number, name: string): Float32Array<ArrayBuffer> {
  const values = float32(typed(file, tensor, "F32", name));
  if (values.length !== length) {
    throw unreadable(name, `${tensor} has ${values.length} values, and ${length} are wanted`);
  }
  return values;
}

function typed(file: Safetensors, tensor: string, dtype: "U8" | "F32", name: string): StoredTensor {
  const found = file.tensors.get(tensor);
  if (!found || found.dtype !== dtype || found.shape.length !== 1) {
    throw unreadable(
      name,
      `${tensor} is ${
        found ? `${found.dtype} of ${found.shape.length} dimensions` : "missing"
      }, and a row of ${dtype} ` +
        "is wanted",
    );
  }
  return found;
}

function networkOf(text: string | undefined, name: string): NetworkSpec {
  try {
    return parseNetwork(JSON.parse(text ?? ""));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyntaxError(
      `Cannot read ${name}: its network is not one that this version knows (${legible(reason, 300)}).`,
      {
        cause,
      },
    );
  }
}

function missing(network: NetworkSpec, layer: string): RangeError {
  return new RangeError(`Cannot write ${network.name}: there are no values for ${layer}. Give one entry per layer.`);
}

function unreadable(name: string, why: string): SyntaxError {
  return new SyntaxError(`Cannot read ${name}: ${why}.`);
}
