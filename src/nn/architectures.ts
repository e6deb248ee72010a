/**
 * The paper's networks (Frankle & Carbin 2019, Figure 2), as lists of layers.
 *
 * @module
 */
import {
  type BatchNormSpec,
  type ConvSpec,
  type DenseSpec,
  type Extent,
  flat,
  type LayerSpec,
  type NetworkSpec,
  type ResidualSpec,
} from "./network.ts";

/** The networks that have a name. */
export type ArchitectureName = "lenet" | "conv2" | "conv4" | "conv6" | "resnet18" | "vgg19";

/** How to vary a network. */
export interface ArchitectureOptions {
  /** Scales channels and hidden units; 1 when left out. */
  readonly width?: number;
  /** Rate of a dropout before each dense layer; none when left out or 0. */
  readonly dropout?: number;
}

const pool: LayerSpec = { type: "max-pool" };
const average: LayerSpec = { type: "global-average-pool" };

/** Layers of each network but the output layer, and what it is called. */
const architectures: Readonly<
  Record<ArchitectureName, { readonly title: string; readonly hidden: readonly LayerSpec[] }>
> = {
  lenet: { title: "lenet-300-100", hidden: [dense(300), dense(100)] },
  conv2: { title: "conv-2", hidden: [...convolutions(64), dense(256), dense(256)] },
  conv4: { title: "conv-4", hidden: [...convolutions(64, 128), dense(256), dense(256)] },
  // Three poolings of 32 × 32 leave 4 × 4 × 256 = 4,096 inputs to the first dense layer and 2,261,184 kernels; the paper's figure
  // says 1.7 million.
  conv6: { title: "conv-6", hidden: [...convolutions(64, 128, 256), dense(256), dense(256)] },
  resnet18: {
    title: "resnet-18",
    hidden: [
      plain(16),
      relu(),
      ...stage(16, 1, 16),
      ...stage(16, 2, 32),
      ...stage(32, 2, 64),
      average,
    ],
  },
  vgg19: {
    title: "vgg-19",
    hidden: [
      ...normed(64, 64),
      pool,
      ...normed(128, 128),
      pool,
      ...normed(256, 256, 256, 256),
      pool,
      ...normed(512, 512, 512, 512),
      pool,
      ...normed(512, 512, 512, 512),
      average,
    ],
  },
};

/** The names, in the paper's order. */
export const architectureNames: readonly ArchitectureName[] = ["lenet", "conv2", "conv4", "conv6", "resnet18", "vgg19"];

/**
 * One of the paper's networks. Kernels at width 1 for 3 × 32 × 32 images and 10 classes (`lenet`: 1 × 28 × 28): lenet 266,200,
 * conv2 4,300,992, conv4 2,425,024, conv6 2,261,184, resnet18 270,896, vgg19 20,024,000.
 *
 * @param classes units of the output layer
 */
export function architecture(
  name: ArchitectureName,
  input: Extent,
  classes: number,
  options: ArchitectureOptions = {},
): NetworkSpec {
  const { title, hidden } = architectures[name];
  const output: DenseSpec = { type: "dense", units: classes, activation: "none" };
  return varied({ name: title, input, layers: [...hidden, output] }, options);
}

/**
 * LeNet-300-100 (LeCun et al. 1998), the paper's network for MNIST: 266,200 weights for 784 inputs and 10 classes.
 *
 * @param inputs values of one image
 * @param classes units of the output layer
 * @param width scales the hidden layers
 */
export function lenet(inputs: number, classes: number, width = 1): NetworkSpec {
  return architecture("lenet", flat(inputs), classes, { width });
}

/** A network with its channels and hidden units scaled, and dropout before its dense layers. The output layer keeps its units. */
export function varied(spec: NetworkSpec, { width = 1, dropout = 0 }: ArchitectureOptions): NetworkSpec {
  const scale = (count: number): number => Math.max(1, Math.round(count * width));
  const conv = <T extends ConvSpec | BatchNormSpec>(layer: T): T =>
    layer.type === "conv" ? { ...layer, channels: scale(layer.channels) } : layer;
  const last = spec.layers.length - 1;
  const layers = spec.layers.flatMap((layer, index): LayerSpec[] => {
    switch (layer.type) {
      case "dense": {
        const scaled = index === last ? layer : { ...layer, units: scale(layer.units) };
        return dropout > 0 ? [{ type: "dropout", rate: dropout }, scaled] : [scaled];
      }
      case "conv":
        return [conv(layer)];
      case "residual":
        return [{ ...layer, branch: layer.branch.map(conv), shortcut: layer.shortcut.map(conv) }];
      default:
        return [layer];
    }
  });
  return { ...spec, layers };
}

function dense(units: number): DenseSpec {
  return { type: "dense", units, activation: "relu" };
}

/** Pairs of 3 × 3 convolutions, each pair followed by a pooling. */
function convolutions(...channels: readonly number[]): LayerSpec[] {
  return channels.flatMap((count): LayerSpec[] => {
    const conv: ConvSpec = { type: "conv", channels: count, activation: "relu" };
    return [conv, conv, pool];
  });
}

/** A convolution whose batch norm makes a bias pointless. */
function plain(channels: number, stride: 1 | 2 = 1): ConvSpec {
  return { type: "conv", channels, stride, bias: false, activation: "none" };
}

function relu(): BatchNormSpec {
  return { type: "batch-norm", activation: "relu" };
}

function normed(...channels: readonly number[]): LayerSpec[] {
  return channels.flatMap((count): LayerSpec[] => [plain(count), relu()]);
}

/** Three residual blocks of two convolutions; where size or channels change, the shortcut is a 1 × 1 convolution, never pruned. */
function stage(from: number, stride: 1 | 2, channels: number): ResidualSpec[] {
  const norm: BatchNormSpec = { type: "batch-norm", activation: "none" };
  const block = (step: 1 | 2, shortcut: ResidualSpec["shortcut"]): ResidualSpec => ({
    type: "residual",
    branch: [plain(channels, step), relu(), plain(channels), norm],
    shortcut,
  });
  const changes = stride !== 1 || from !== channels;
  const downsample: ConvSpec = { ...plain(channels, stride), size: 1, prunable: false };
  return [block(stride, changes ? [downsample, norm] : []), block(1, []), block(1, [])];
}
