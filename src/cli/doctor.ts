/**
 * `doctor`: the adapter, its limits and features, whether every kernel computes what its reference says, and what to do
 * where something is wrong.
 *
 * @module
 */
import { AdapterError } from "../gpu/errors.ts";
import { type AdapterInfo, Gpu } from "../gpu/gpu.ts";
import { baseLimits, limitNames, type Limits } from "../gpu/limits.ts";
import { lenet } from "../nn/architectures.ts";
import { layOut } from "../nn/network.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { planEnsemble } from "../nn/ensemble.ts";
import { checkKernels, type KernelCheck } from "./kernel_check.ts";

/** What `doctor` found. */
export interface Diagnosis {
  /** Who computes. */
  readonly adapter: AdapterInfo;
  /** The largest limits the adapter offers. */
  readonly limits: Required<Limits>;
  /** Optional features the adapter has. */
  readonly features: readonly string[];
  /** Milliseconds until the device was open. */
  readonly openMs: number;
  /** Kernels against their references. */
  readonly kernels: readonly KernelCheck[];
  /** Most bytes allocated while checking. */
  readonly peakBytes: number;
  /** Bytes still allocated after checking, but for staging buffers that are reused: 0 unless something leaks. */
  readonly leakedBytes: number;
  /** What training one LeNet-300-100 on MNIST allocates, largest first. */
  readonly lenet: readonly { readonly name: string; readonly bytes: number }[];
  /** What is wrong, each with what to do; empty when all is well. */
  readonly problems: readonly string[];
}

/**
 * Examines the machine.
 *
 * @throws {AdapterError} when no adapter answers; the message says what to do
 */
export async function diagnose(): Promise<Diagnosis> {
  const offered = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  const started = performance.now();
  await using gpu = await Gpu.open();
  if (!offered) throw new AdapterError("The adapter answered once and then no more. Run `deno task doctor` again.");
  const openMs = performance.now() - started;
  const kernels = await checkKernels(gpu);
  const limits = {
    maxStorageBufferBindingSize: offered.limits.maxStorageBufferBindingSize,
    maxBufferSize: offered.limits.maxBufferSize,
    maxStorageBuffersPerShaderStage: offered.limits.maxStorageBuffersPerShaderStage,
    maxComputeInvocationsPerWorkgroup: offered.limits.maxComputeInvocationsPerWorkgroup,
  };
  const lenetPlan = planEnsemble({
    layout: layOut(lenet(784, 10)),
    replicates: 1,
    batchSize: 60,
    optimizer: { type: "adam", lr: 1.2e-3 },
    iterations: 50_000,
    trainSize: 55_000,
    validationSize: 5_000,
    testSize: 10_000,
  });
  const leaked = gpu.allocations().filter(({ label }) => label !== "readback staging");
  const wrong = kernels.filter(({ ok }) => !ok);
  const problems = wrong.map(({ kernel, error, tolerance }) =>
    `kernels/${kernel}.wgsl is off by ${error.toExponential(1)} where ${tolerance.toExponential(1)} is right: ` +
    "update the graphics driver, or use another adapter; on Linux VK_DRIVER_FILES chooses the Vulkan driver."
  );
  if (leaked.length > 0) {
    problems.push(
      `${leaked.map(({ label }) => label).join(", ")} were not released: please report this with the lines above.`,
    );
  }
  return {
    adapter: gpu.adapter,
    limits,
    features: [...offered.features].sort(),
    openMs,
    kernels,
    peakBytes: gpu.peakBytes,
    leakedBytes: leaked.reduce((sum, { bytes }) => sum + bytes, 0),
    lenet: [
      { name: "train images", bytes: DeviceExamples.bytes(784, 60_000) },
      { name: "test images", bytes: DeviceExamples.bytes(784, 10_000) },
      ...lenetPlan,
    ].sort((a, b) => b.bytes - a.bytes),
    problems,
  };
}

/** The diagnosis as lines of text. */
export function formatDiagnosis(found: Diagnosis): string {
  const { adapter } = found;
  const kind = adapter.kind === "software" ? "a software adapter, that is this machine's CPU" : "a GPU";
  const lenetBytes = found.lenet.reduce((sum, { bytes }) => sum + bytes, 0);
  const lines = [
    `Adapter    ${adapter.name}, ${kind}`,
    `Vendor     ${adapter.driver || "does not say"}`,
    `Opened in  ${found.openMs.toFixed(0)} ms`,
    "",
    "Limits (offered, needed by every job)",
    ...limitNames.map((name) =>
      `  ${name.padEnd(36)}${group(found.limits[name]).padStart(15)}${group(baseLimits[name]).padStart(15)}`
    ),
    `Features   ${found.features.join(", ") || "none"}`,
    "",
    "Kernels against float64 (largest difference, relative to the largest value)",
    ...found.kernels.map(({ kernel, error, ok }) =>
      `  ${ok ? "ok   " : "WRONG"} ${kernel.padEnd(30)}${error === 0 ? "exact" : error.toExponential(1)}`
    ),
    "",
    `Memory     ${size(found.peakBytes)} at most for these checks, ${group(found.leakedBytes)} bytes left behind`,
    `           ${size(lenetBytes)} to train one LeNet-300-100 on MNIST:`,
    ...found.lenet.filter(({ bytes }) => bytes >= 2 ** 20).map(({ name, bytes }) =>
      `             ${name.padEnd(20)}${size(bytes).padStart(8)}`
    ),
    "",
  ];
  if (found.problems.length === 0) lines.push("All is well: `deno task lottery` will run here.");
  else lines.push("Something is wrong:", ...found.problems.map((problem) => `  ${problem}`));
  return lines.join("\n");
}

function group(value: number): string {
  return value.toLocaleString("en");
}

function size(bytes: number): string {
  return bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(0)} KiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
