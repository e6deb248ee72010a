/**
 * The controls that `--controls` takes, as help lists them.
 *
 * @module
 */
import { controlGroups, controlWords } from "../lottery/arms/groups.ts";
import { controlNames } from "../lottery/arms/names.ts";
import { wrap } from "./console.ts";

/** Lines of help for controls: by group, name and title. */
export function describeControls(columns: number): string {
  const width = Math.max(...controlNames.map((name) => name.length)) + 6;
  return controlGroups.flatMap(({ title, controls }) => [
    `  ${title}`,
    ...controls.map((name) =>
      `    ${name}`.padEnd(width) + wrap(controlWords(name), columns, " ".repeat(width)).slice(width)
    ),
  ]).join("\n");
}
