/**
 * What the browser runs: every kernel, checked by the code that `doctor` runs.
 *
 * @module
 */
import { checkKernels, type KernelCheck } from "../../src/cli/kernel_check.ts";
import { type AdapterInfo, Gpu } from "../../src/gpu/gpu.ts";

/** What the page gives back. */
export interface PageResult {
  /** Who computed. */
  readonly adapter: AdapterInfo;
  /** Every kernel against its reference. */
  readonly checks: readonly KernelCheck[];
}

/** Checks every kernel on the browser's adapter. */
export async function check(): Promise<PageResult> {
  await using gpu = await Gpu.open();
  return { adapter: gpu.adapter, checks: await checkKernels(gpu) };
}
