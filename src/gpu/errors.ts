/**
 * What can go wrong on a GPU, as classes a caller may want to catch.
 *
 * @module
 */

/** The device is gone (driver reset, unplugged, destroyed): every buffer with it. Reopen with `Gpu.open()` and reload. */
export class DeviceLostError extends Error {
  /** The class's name, for logs. */
  override readonly name = "DeviceLostError";
}

/** The GPU refused something that this code asked of it: a fault in Winnow or in the driver, never in the user's input. */
export class GpuError extends Error {
  /** The class's name, for logs. */
  override readonly name = "GpuError";
}

/** An allocation did not fit. The message names its size and what is already allocated. */
export class OutOfMemoryError extends Error {
  /** The class's name, for logs. */
  override readonly name = "OutOfMemoryError";
}

/** The machine has no usable WebGPU adapter, or the adapter has less than the job needs. The message says what to do. */
export class AdapterError extends Error {
  /** The class's name, for logs. */
  override readonly name = "AdapterError";
}

/** A readback did not come within its deadline: the driver hangs, or far too much work was submitted before it. */
export class ReadbackTimeoutError extends Error {
  /** The class's name, for logs. */
  override readonly name = "ReadbackTimeoutError";
}
