/**
 * What the browser runs: every kernel, checked by the code that `doctor` runs; the result goes back to the server.
 *
 * @module
 */
import { checkKernels, type KernelCheck } from "../../src/cli/kernel_check.ts";
import { type AdapterInfo, Gpu } from "../../src/gpu/gpu.ts";

/** What the page sends back. */
export interface PageResult {
  /** Who computed. */
  readonly adapter: AdapterInfo;
  /** Every kernel against its reference. */
  readonly checks: readonly KernelCheck[];
}

async function check(): Promise<PageResult> {
  await using gpu = await Gpu.open();
  return { adapter: gpu.adapter, checks: await checkKernels(gpu) };
}

async function send(path: string, body: string): Promise<void> {
  const response = await fetch(path, { method: "POST", body });
  await response.body?.cancel();
}

check().then(
  (result) => send("/result", JSON.stringify(result)),
  (error) => send("/failure", error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
);
