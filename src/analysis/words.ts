/**
 * Quantities as readers read them, on a terminal and on a page. A leaf: it loads nothing, so that a page's script may use it.
 *
 * @module
 */

/** A fraction in percent: 0.21149 → "21.1 %". */
export function percent(fraction: number, digits = 1): string {
  return `${(fraction * 100).toFixed(digits)} %`;
}

/** A difference of fractions in percentage points, with its sign: 0.003 → "+0.30 pp". */
export function points(difference: number): string {
  const text = (difference * 100).toFixed(2);
  return `${Number(text) > 0 ? "+" : Number(text) === 0 ? "±" : "−"}${text.replace("-", "")} pp`;
}

/** A size with a unit: 11.7 MB. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ""}`;
}
