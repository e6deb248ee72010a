/**
 * The controls in groups, for whoever chooses among them: in help and on forms.
 *
 * @module
 */
import { type ControlName, controlNames, maskOwner } from "./names.ts";
import { arms } from "./registry.ts";

/** Controls that belong together. */
export interface ControlGroup {
  /** What they are about. */
  readonly title: string;
  /** They, in order. */
  readonly controls: readonly ControlName[];
}

const grouped: readonly ControlGroup[] = [
  {
    title: "The ticket's mask, other values",
    controls: ["reinit", "redraw", "redraw-signs", "noise-0.5", "noise-1", "noise-2", "noise-3"],
  },
  { title: "Pruned once after training", controls: ["oneshot", "oneshot-reinit"] },
  { title: "Trained on instead of reset", controls: ["lr-rewind", "fine-tune", "continued"] },
  { title: "Random masks", controls: ["random", "random-global", "er", "erk"] },
  {
    title: "Pruned at initialisation",
    controls: [
      "magnitude-init",
      ...["snip", "snip-shuffle", "snip-invert", "snip-reinit"] as const,
      ...["grasp", "grasp-shuffle", "grasp-invert", "grasp-reinit"] as const,
      ...["synflow", "synflow-shuffle", "synflow-invert", "synflow-reinit"] as const,
    ],
  },
  { title: "For linear mode connectivity", controls: ["twin"] },
];

/** All controls, each in one group. What names.ts gains later comes into a last group until it has a place. */
export const controlGroups: readonly ControlGroup[] = [
  ...grouped,
  {
    title: "Others",
    controls: controlNames.filter((name) => !grouped.some(({ controls }) => controls.includes(name))),
  },
].filter(({ controls }) => controls.length > 0);

/** What a control is, in a few words, and what else must be named with it. */
export function controlWords(name: ControlName): string {
  const owner = maskOwner(name);
  return `${arms[name].title}${owner === undefined ? "" : `, with the masks of ${owner}: name both`}`;
}
