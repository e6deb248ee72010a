/**
 * What this machine has room for: its adapter, processors and memory, as far as the system tells.
 *
 * @module
 */
import { Gpu } from "../gpu/gpu.ts";
import type { Machine } from "../sweeps/local.ts";

/**
 * Looks at this machine.
 *
 * @param cardBytes the graphics card's memory, where the user says so: WebGPU does not, and what Linux says of it in /sys Deno reads with
 * all permissions alone
 * @throws {AdapterError} when there is no adapter
 */
export async function thisMachine(cardBytes: number | undefined): Promise<Machine> {
  await using gpu = await Gpu.open();
  const { kind } = gpu.adapter;
  return {
    kind,
    cores: navigator.hardwareConcurrency,
    freeBytes: freeBytes(),
    cardBytes: kind === "gpu" ? cardBytes ?? null : null,
  };
}

function freeBytes(): number | null {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return state === "granted" ? Deno.systemMemoryInfo().available : null;
}
