/**
 * What the server answers when it is asked for curves, as the browser reads it.
 *
 * @module
 */
import type { Curve } from "./types.ts";

/**
 * The curves of an answer of `/api/runs/ID/curves`.
 *
 * @throws {TypeError} when it is something else, such as that of another version
 */
export function curvesFrom(answer: unknown): readonly Curve[] {
  if (typeof answer === "object" && answer !== null && "curves" in answer && isCurves(answer.curves)) {
    return answer.curves;
  }
  throw new TypeError("The server's answer holds no curves of this version: reload the page.");
}

function isCurves(value: unknown): value is readonly Curve[] {
  return Array.isArray(value) && value.every(isCurve);
}

/** What would break the page if it were not there; the rest is our own server's affair. */
function isCurve(value: unknown): value is Curve {
  if (typeof value !== "object" || value === null) return false;
  const { arm, level, remaining, iterations, values, range } = Object(value);
  return typeof arm === "string" && typeof level === "number" && typeof remaining === "number" &&
    Array.isArray(iterations) && Array.isArray(values) && iterations.length === values.length &&
    (range === null || typeof range === "object");
}
