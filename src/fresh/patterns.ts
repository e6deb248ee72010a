/**
 * From a file's path below `routes/` to the paths it answers.
 *
 * @module
 */

/** `runs/[id]/index` → `/runs/:id`; a folder in parentheses groups files and is no part of the path. */
export function patternOf(path: string): string {
  const segments = path.split("/").filter((segment) => !/^\(.*\)$/.test(segment));
  if (segments.at(-1) === "index") segments.pop();
  return `/${
    segments.map((segment) => segment.replace(/^\[\.\.\.(\w+)\]$/, ":$1*").replaceAll(/\[(\w+)\]/g, ":$1")).join("/")
  }`;
}

/** The folder that a `_middleware` is for: `/` for the root, `/runs/:id` below `runs/[id]`. */
export function folderPattern(path: string): string {
  return patternOf(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "index");
}

/** Orders patterns so that what says more comes first: at the first segment that differs, words before names before the rest. */
export function bySpecificity(a: string, b: string): number {
  const [first, second] = [a.split("/"), b.split("/")];
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    const difference = rank(first[index]) - rank(second[index]);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(segment: string | undefined): number {
  if (segment === undefined) return 1; // /runs before /runs/:id, after /runs/new
  return segment.startsWith(":") ? segment.endsWith("*") ? 3 : 2 : segment.includes(":") ? 1 : 0;
}
