/**
 * Recorded programs: a flat list of dispatches whose pipelines, bindings and settings all exist before the first run,
 * replayed as often as wanted in one submit.
 *
 * @module
 */
import type { Buffer } from "./buffer.ts";
import type { Constants, KernelSource, PipelineCache } from "./pipelines.ts";

/** One kernel launch to be recorded. */
export interface Launch {
  /** The kernel. */
  readonly kernel: KernelSource;
  /** Values of its `override` constants. */
  readonly constants?: Constants;
  /** What its `dims` uniform at binding 0 holds: 32-bit unsigned integers, in the order of the struct. */
  readonly dims: readonly number[];
  /** Buffers for bindings 1, 2, … in order. */
  readonly buffers: readonly Buffer[];
  /** Workgroups along x, y and z. */
  readonly workgroups: readonly [number, number, number];
  /** What it does in the network, for timelines: "dense1 forward". */
  readonly label?: string;
}

/** A launch that is ready to be encoded. */
export interface Dispatch {
  /** What it does in the network. */
  readonly label: string;
  /** The compiled kernel. */
  readonly pipeline: GPUComputePipeline;
  /** Its uniforms and buffers. */
  readonly bindGroup: GPUBindGroup;
  /** Workgroups along x, y and z. */
  readonly workgroups: readonly [number, number, number];
}

/** What recording needs of its device. */
export interface RecordingHost {
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** Its compiled kernels. */
  readonly pipelines: PipelineCache;
  /** A counted allocation. */
  buffer(label: string, bytes: number, usage: number): Buffer;
}

/** Largest number of workgroups along one dimension that WebGPU guarantees. */
const maxWorkgroups = 65_535;

/** Uniform bindings start at multiples of this many bytes on every adapter. */
const uniformAlignment = 256;

/** A recorded list of dispatches. Owns only its uniforms, not the buffers it works on. */
export class Program implements Disposable {
  /** The dispatches, in order. */
  readonly dispatches: readonly Dispatch[];
  /** What each of them was recorded from. */
  readonly launches: readonly Launch[];
  readonly #uniforms: Buffer;

  private constructor(launches: readonly Launch[], dispatches: readonly Dispatch[], uniforms: Buffer) {
    this.launches = launches;
    this.dispatches = dispatches;
    this.#uniforms = uniforms;
  }

  /**
   * Compiles what is not compiled yet, all kernels in parallel, and creates every binding.
   *
   * @throws {RangeError} when a launch needs more workgroups along a dimension than WebGPU allows
   */
  static async record(host: RecordingHost, label: string, launches: readonly Launch[]): Promise<Program> {
    for (const { kernel, workgroups } of launches) {
      if (workgroups.some((count) => count > maxWorkgroups || count < 1)) {
        throw new RangeError(
          `Cannot record ${kernel.name}: ${
            workgroups.join(" × ")
          } workgroups, where each must lie in 1 to ${maxWorkgroups}. ` +
            "Split the launch (see flatGrid).",
        );
      }
    }
    const pipelines = await Promise.all(launches.map(({ kernel, constants }) => host.pipelines.get(kernel, constants)));
    const slots = launches.map(({ dims }) =>
      Math.ceil(Math.max(4, dims.length * 4) / uniformAlignment) * uniformAlignment
    );
    const bytes = Math.max(uniformAlignment, slots.reduce((sum, slot) => sum + slot, 0));
    const uniforms = host.buffer(`${label} uniforms`, bytes, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    const contents = new Uint32Array(bytes / 4);
    let offset = 0;
    const dispatches = launches.map(({ kernel, dims, buffers, workgroups, label: name }, index) => {
      const pipeline = pipelines[index];
      const slot = slots[index];
      if (!pipeline || slot === undefined) throw new Error("unreachable: one pipeline and one slot per launch");
      contents.set(dims, offset / 4);
      const bindGroup = host.device.createBindGroup({
        label: kernel.name,
        layout: pipeline.getBindGroupLayout(0),
        entries: [
          { binding: 0, resource: { buffer: uniforms.raw, offset, size: Math.ceil(dims.length / 4) * 16 } },
          ...buffers.map((buffer, at) => ({ binding: at + 1, resource: { buffer: buffer.raw } })),
        ],
      });
      offset += slot;
      return { label: name ?? kernel.name, pipeline, bindGroup, workgroups };
    });
    host.device.queue.writeBuffer(uniforms.raw, 0, contents);
    return new Program(launches, dispatches, uniforms);
  }

  /** Appends the program to a pass, `times` over. */
  encode(pass: GPUComputePassEncoder, times = 1): void {
    let current: GPUComputePipeline | undefined;
    for (let time = 0; time < times; time++) {
      for (const { pipeline, bindGroup, workgroups } of this.dispatches) {
        if (pipeline !== current) pass.setPipeline(pipeline);
        current = pipeline;
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(...workgroups);
      }
    }
  }

  /** Releases the uniforms. */
  [Symbol.dispose](): void {
    this.#uniforms.destroy();
  }
}

/** Workgroups for a flat pass over `count` invocations in workgroups of `size`: a 2-D grid where one row is not enough. */
export function flatGrid(count: number, size: number): [number, number] {
  const groups = Math.max(1, Math.ceil(count / size));
  if (groups <= maxWorkgroups) return [groups, 1];
  const rows = Math.ceil(groups / maxWorkgroups);
  return [Math.ceil(groups / rows), rows];
}
