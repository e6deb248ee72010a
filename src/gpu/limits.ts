/**
 * The limits a job needs, compared with what the adapter has before anything is created, so that the error names the
 * limit instead of whatever the driver complains about first.
 *
 * @module
 */
import { AdapterError } from "./errors.ts";

/** Limits that a job may ask for beyond WebGPU's defaults; sizes in bytes. */
export interface Limits {
  /** Largest range of one storage binding, in bytes. WebGPU's default is 128 MiB. */
  readonly maxStorageBufferBindingSize?: number;
  /** Largest buffer, in bytes. WebGPU's default is 256 MiB. */
  readonly maxBufferSize?: number;
  /** Storage buffers in one kernel. WebGPU's default is 8, and no kernel here uses more. */
  readonly maxStorageBuffersPerShaderStage?: number;
  /** Invocations of one workgroup. WebGPU's default is 256. */
  readonly maxComputeInvocationsPerWorkgroup?: number;
}

/** What every kernel of the project may rely on; the same numbers as WebGPU's guaranteed defaults. */
export const baseLimits: Required<Limits> = {
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
};

const remedies: Required<Record<keyof Limits, string>> = {
  maxStorageBufferBindingSize: "Train fewer replicates at once (--replicates) or a smaller network (--width).",
  maxBufferSize:
    "Train fewer replicates at once (--replicates), a smaller network (--width) or on fewer images (--train-size).",
  maxStorageBuffersPerShaderStage:
    "Use an adapter with at least WebGPU's default limits (`deno task doctor` lists them).",
  maxComputeInvocationsPerWorkgroup:
    "Use an adapter with at least WebGPU's default limits (`deno task doctor` lists them).",
};

/**
 * The limits to request from an adapter: the job's needs, but never less than the base.
 *
 * @param available the adapter's limits
 * @param needs what the job needs
 * @param wishes what the job would like: granted as far as the adapter has it
 * @throws {AdapterError} naming limit, need, what there is and the remedy, when the adapter has less
 */
export function requireLimits(available: Limits, needs: Limits, wishes: Limits = {}): Record<string, number> {
  const wanted: Record<string, number> = {};
  for (const name of limitNames) {
    const need = Math.max(needs[name] ?? 0, baseLimits[name]);
    const has = available[name] ?? baseLimits[name];
    if (has < need) {
      throw new AdapterError(
        `The adapter cannot run this job: it needs ${name} of ${need.toLocaleString("en")}, ` +
          `and the adapter has ${has.toLocaleString("en")}. ${remedies[name]}`,
      );
    }
    wanted[name] = Math.max(need, Math.min(wishes[name] ?? 0, has));
  }
  return wanted;
}

/** The limits that matter, in the order of listings. */
export const limitNames = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
] as const satisfies readonly (keyof Limits)[];
