/**
 * Compute pipelines, compiled once per source and constants, in parallel, with compile errors that show the source line.
 *
 * @module
 */
import { GpuError } from "./errors.ts";

/** A handwritten kernel: one WGSL file. */
export interface KernelSource {
  /** The file's name without its ending, for errors and timelines. */
  readonly name: string;
  /** Its text. */
  readonly code: string;
}

/** Values for a kernel's `override` constants. */
export type Constants = Readonly<Record<string, number>>;

/** Compiles kernels and keeps what it compiled. One per device. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #modules = new Map<string, Promise<GPUShaderModule>>();

  /** A cache for one device. */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** How many different pipelines were compiled. */
  get size(): number {
    return this.#pipelines.size;
  }

  /**
   * The pipeline of a kernel with these constants. Calls that come before an earlier one is done compile in parallel.
   *
   * @throws {GpuError} when the source does not compile, with the line and a mark under the column
   */
  get(kernel: KernelSource, constants: Constants = {}): Promise<GPUComputePipeline> {
    const settings = Object.entries(constants).sort(([a], [b]) => a < b ? -1 : 1);
    const key = JSON.stringify([kernel.name, settings, kernel.code]);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(kernel, constants);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #compile(kernel: KernelSource, constants: Constants): Promise<GPUComputePipeline> {
    const module = await this.#module(kernel);
    try {
      return await this.#device.createComputePipelineAsync({
        label: kernel.name,
        layout: "auto",
        compute: { module, entryPoint: "main", constants: { ...constants } },
      });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new GpuError(`Kernel ${kernel.name} did not compile with ${JSON.stringify(constants)}: ${message}`, {
        cause,
      });
    }
  }

  #module(kernel: KernelSource): Promise<GPUShaderModule> {
    let module = this.#modules.get(kernel.code);
    if (!module) {
      module = this.#createModule(kernel);
      this.#modules.set(kernel.code, module);
    }
    return module;
  }

  async #createModule(kernel: KernelSource): Promise<GPUShaderModule> {
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ label: kernel.name, code: kernel.code });
    const [error, info] = await Promise.all([this.#device.popErrorScope(), module.getCompilationInfo()]);
    const errors = info.messages.filter((message) => message.type === "error");
    if (errors.length > 0 || error) {
      const shown = errors.map((message) => showError(kernel, message)).join("\n");
      throw new GpuError(`Kernel ${kernel.name} did not compile.\n${shown || error?.message}`);
    }
    return module;
  }
}

/** `name.wgsl:line:column: message`, then the line with a mark under the column. Exported for its test. */
export function showError(
  kernel: KernelSource,
  message: { readonly message: string; readonly lineNum: number; readonly linePos: number },
): string {
  const line = kernel.code.split("\n")[message.lineNum - 1] ?? "";
  const mark = " ".repeat(Math.max(0, message.linePos - 1)) + "^";
  // Deno's compiler (naga) draws the line itself, without the file's name: keep its first line and its notes.
  const [reason = "", ...rest] = message.message.trim().split("\n");
  const notes = rest.filter((text) => /^\s*= /.test(text)).map((text) => `\n${text}`).join("");
  return `${kernel.name}.wgsl:${message.lineNum}:${message.linePos}: ${reason}${notes}\n${line}\n${mark}`;
}
