/**
 * What islands and pages may both use.
 *
 * @module
 */
import { buildId } from "./build_id.ts";

export { HttpError } from "./error.ts";

/** Whether this runs in a browser. */
export const IS_BROWSER: boolean = typeof document !== "undefined";

/** The path of a static file, under which browsers may keep it for a year: another build has another. */
export function asset(path: string): string {
  const id = buildId();
  if (id === undefined || !path.startsWith("/")) return path;
  const [plain = "", hash = ""] = path.split("#", 2);
  return `${plain}${plain.includes("?") ? "&" : "?"}__frsh_c=${id}${hash === "" ? "" : `#${hash}`}`;
}
