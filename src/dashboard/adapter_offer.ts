/**
 * What an adapter could give beyond what a job asks for.
 *
 * @module
 */
import type { limitNames, Limits } from "../gpu/limits.ts";

/** An adapter's largest limits and its optional features. */
export interface AdapterOffer {
  /** The largest limits it offers. */
  readonly limits: Required<Limits>;
  /** Its optional features, sorted. */
  readonly features: readonly string[];
}

/** What the adapter of this machine offers; undefined when none answers. No device is opened. */
export async function adapterOffer(): Promise<AdapterOffer | undefined> {
  try {
    const adapter = await globalThis.navigator?.gpu?.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return undefined;
    const limits = {
      maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
      maxBufferSize: adapter.limits.maxBufferSize,
      maxStorageBuffersPerShaderStage: adapter.limits.maxStorageBuffersPerShaderStage,
      maxComputeInvocationsPerWorkgroup: adapter.limits.maxComputeInvocationsPerWorkgroup,
    } satisfies Record<(typeof limitNames)[number], number>;
    return { limits, features: [...adapter.features].sort() };
  } catch {
    return undefined;
  }
}
