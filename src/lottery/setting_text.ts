/**
 * Settings as text.
 *
 * @module
 */

/** A setting's value as a flag takes it; a network of one's own as JSON. */
export function settingText(value: unknown): string {
  if (Array.isArray(value)) return value.join(",") || "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
