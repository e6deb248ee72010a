/**
 * Times and numbers as the pages say them. Server and browser give the same words for the same arguments, so that nothing on a
 * page changes when its script takes over.
 *
 * @module
 */
import { percent, points } from "../analysis/words.ts";

/** What stands where there is no value. */
export const nothing = "–";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/**
 * How long ago something was: "just now", "3 min ago", "2 h ago", "yesterday", "5 days ago", and beyond a week the day itself, in
 * UTC: "20 Nov 2026".
 *
 * @param iso the time, as ISO 8601
 * @param now milliseconds since 1970
 */
export function ago(iso: string, now: number): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return nothing;
  const seconds = (now - time) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < hour) return `${Math.max(1, Math.floor(seconds / minute))} min ago`;
  if (seconds < day) return `${Math.floor(seconds / hour)} h ago`;
  const days = Math.floor(seconds / day);
  if (days === 1) return "yesterday";
  if (days < 7) return `${days} days ago`;
  const date = new Date(time);
  return `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ""} ${date.getUTCFullYear()}`;
}

/** A time in full: "2026-11-20 18:40 UTC". */
export function fullTime(iso: string): string {
  return Number.isNaN(Date.parse(iso)) ? iso : `${new Date(iso).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A span of time, as coarse as a reader needs it: "under 1 min", "12 min", "1 h 12 min", "3 days 4 h". */
export function span(seconds: number): string {
  if (seconds < 50) return "under 1 min";
  const minutes = Math.round(seconds / minute);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) {
    const rest = minutes % 60;
    return `${Math.floor(minutes / 60)} h${rest > 0 ? ` ${rest} min` : ""}`;
  }
  const hours = Math.round(minutes / 60);
  const rest = hours % 24;
  return `${Math.floor(hours / 24)} days${rest > 0 ? ` ${rest} h` : ""}`;
}

/** "1 h 12 min left". */
export function timeLeft(seconds: number): string {
  return `${span(seconds)} left`;
}

/** A number with its noun: "1 run", "1,000 runs". */
export function count(number: number, one: string, several: string = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : several}`;
}

/** A test accuracy: "97.61 %", or a dash. */
export function accuracy(fraction: number | null): string {
  return fraction === null ? nothing : percent(fraction, 2);
}

/** What a fraction is more than another, in percentage points: "+0.30 pp", or a dash where one is missing. */
export function gain(fraction: number | null, other: number | null): string {
  return fraction === null || other === null ? nothing : points(fraction - other);
}

/** Surviving weights: "21.1 %", or a dash. */
export function remaining(fraction: number | null): string {
  return fraction === null ? nothing : percent(fraction);
}

/** Where a plan table came from: "shipped with the source", or "from mine.json". */
export function planWords(plan: { readonly from: string } | undefined): string {
  return plan === undefined
    ? "of which only the hash is recorded"
    : plan.from === "shipped"
    ? "shipped with the source"
    : `from ${plan.from}`;
}

/** Parts as a list in a sentence: "a", "a and b", "a, b and c". */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1) ?? ""}`;
}

/** Vendors by the number that Vulkan and Deno give: those of the PCI-SIG, and Mesa's, which Khronos gave (VkVendorId). */
const vendors: ReadonlyMap<string, string> = new Map([
  ["4098", "AMD"],
  ["4203", "Apple"],
  ["4318", "NVIDIA"],
  ["5045", "Arm"],
  ["20803", "Qualcomm"],
  ["32902", "Intel"],
  ["65541", "Mesa"],
]);

/**
 * A driver as adapters describe it. Deno has no more than the vendor's number there: "Mesa (vendor 65541)", or "vendor 7" for one
 * that is not known here.
 */
export function driverWords(driver: string): string {
  if (driver === "") return "does not say";
  if (!/^\d+$/.test(driver)) return driver;
  const name = vendors.get(driver);
  return name === undefined ? `vendor ${driver}` : `${name} (vendor ${driver})`;
}
