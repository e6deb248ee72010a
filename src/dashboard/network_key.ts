/**
 * Networks in addresses: arm, level, replicate and draw.
 *
 * @module
 */
import { isArmName } from "../lottery/arms/names.ts";
import type { NetworkKey } from "../lottery/types.ts";

/**
 * The network that these words name: `[arm, level, replicate, draw]`, the draw 1 when left out. Undefined for what names none; no
 * part of it can lead out of a folder.
 */
export function parseNetworkKey(parts: readonly string[]): NetworkKey | undefined {
  const [arm = "", level = "", replicate = "", draw = "1"] = parts;
  if (!isArmName(arm) || parts.length > 4 || !/^\d{1,4}$/.test(level)) return undefined;
  if (![replicate, draw].every((text) => /^[1-9]\d{0,4}$/.test(text))) return undefined;
  return { arm, level: Number(level), replicate: Number(replicate), draw: Number(draw) };
}
