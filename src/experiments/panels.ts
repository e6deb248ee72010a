/**
 * Panels that many figures have.
 *
 * @module
 */
import type { ArmName } from "../lottery/types.ts";
import type { ExperimentRun, LevelPanel, Line, Panel, Quantity } from "./experiment.ts";

/** Every arm of every run. */
export function linesOf(runs: readonly Pick<ExperimentRun, "name">[], arms: readonly ArmName[] = ["ticket"]): Line[] {
  return runs.flatMap(({ name }) => arms.map((arm) => ({ run: name, arm })));
}

/** A quantity against remaining weights. */
export function over(
  quantity: Quantity,
  lines: readonly Line[],
  options: { readonly title?: string; readonly x?: "log" | "linear" | "weights"; readonly share?: number } = {},
): LevelPanel {
  return { type: "levels", title: titles[quantity], quantity, lines, ...options };
}

const titles: Readonly<Record<Quantity, string>> = {
  "early-stop": "Early-stop iteration",
  "test-accuracy-at-early-stop": "Test accuracy at early stop",
  "test-accuracy-at-end": "Test accuracy at the end",
  "train-accuracy-at-early-stop": "Train accuracy at early stop",
  "train-accuracy-at-end": "Train accuracy at the end",
};

/** Early stop and test accuracy there: the two panels of most figures. */
export function speedAndAccuracy(
  lines: readonly Line[],
  of = "",
  options: { readonly x?: "log" | "linear" | "weights" } = {},
): Panel[] {
  const title = (what: Quantity): string => of === "" ? titles[what] : `${of}: ${titles[what].toLowerCase()}`;
  return (["early-stop", "test-accuracy-at-early-stop"] as const).map((quantity) =>
    over(quantity, lines, { title: title(quantity), ...options })
  );
}

/** Test accuracy in the middle of training and at its end, as the paper shows deep networks: their rate drops in between. */
export function accuracyOnTheWay(
  lines: readonly Line[],
  iterations: number,
  at: readonly number[],
): Panel[] {
  return at.map((iteration) =>
    over("test-accuracy-at-end", lines, {
      title: `Test accuracy at ${Math.round(iteration / 1000)}K iterations`,
      ...(iteration < iterations ? { share: iteration / iterations } : {}),
    })
  );
}

/** Where Figures 7, 38, 40, 43 and 45 read VGG-19. */
export const vggIterations = [112_480, [30_000, 60_000, 112_480]] as const;

/** Where Figures 8, 39, 41, 42 and 44 read ResNet-18. */
export const resnetIterations = [30_000, [10_000, 20_000, 30_000]] as const;
