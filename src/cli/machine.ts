/**
 * What this machine has room for: its adapter, processors and memory, as far as the system tells.
 *
 * @module
 */
import { join } from "node:path";
import { Gpu } from "../gpu/gpu.ts";
import type { Machine } from "../sweeps/local.ts";

/** Where Linux tells of graphics cards. */
const cards = "/sys/class/drm";

/**
 * Looks at this machine.
 *
 * @param cardBytes the graphics card's memory, where the user says so
 * @throws {AdapterError} when there is no adapter
 */
export async function thisMachine(cardBytes: number | undefined): Promise<Machine> {
  await using gpu = await Gpu.open();
  const { kind } = gpu.adapter;
  return {
    kind,
    cores: navigator.hardwareConcurrency,
    freeBytes: freeBytes(),
    cardBytes: kind === "gpu" ? cardBytes ?? amdBytes() : null,
  };
}

function freeBytes(): number | null {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return state === "granted" ? Deno.systemMemoryInfo().available : null;
}

/** What amdgpu says of its cards: of several the least, since nobody knows which one answers. Other drivers say nothing there. */
function amdBytes(): number | null {
  const found: number[] = [];
  try {
    for (const { name } of Deno.readDirSync(cards)) {
      if (!/^card\d+$/.test(name)) continue;
      try {
        const bytes = Number(Deno.readTextFileSync(join(cards, name, "device", "mem_info_vram_total")));
        if (Number.isSafeInteger(bytes) && bytes > 0) found.push(bytes);
      } catch {
        // Another driver's, or none that is a graphics card.
      }
    }
  } catch {
    // Not Linux, or nothing to be read there.
  }
  return found.length === 0 ? null : Math.min(...found);
}
