/**
 * The flags that make an experiment's runs smaller, or choose some of them.
 *
 * @module
 */
import { datasetNames } from "../data/load.ts";
import { quoted } from "../data/quoted.ts";
import { givenOptions, type ScaleOptions } from "../experiments/scale.ts";
import { type Flag, suggestion, UsageError } from "./arguments.ts";

/** What of the paper's settings can be changed over all runs. */
export const scaleFlags: readonly Flag[] = [
  {
    flag: "--scale",
    value: "X",
    description:
      "shorten iterations, training images, warmup, drops of the learning rate and rewinding to this fraction (1)",
  },
  { flag: "--levels", value: "N", description: "at most N levels after the dense one (the paper's)" },
  { flag: "--replicates", value: "N", description: "independent repetitions (the paper's)" },
  { flag: "--reinit-draws", value: "N", description: "draws per ticket, of arms that draw at random (the paper's)" },
  { flag: "--width", value: "X", description: "scale channels and hidden units (1)" },
  { flag: "--dataset", value: "NAME", description: `another data set than the paper's: ${datasetNames.join(", ")}` },
  { flag: "--seed", value: "N", description: "seed of replicate 1 (1)" },
];

/**
 * The options that flags give.
 *
 * @param values texts by flag
 * @throws {UsageError} naming the flag that is wrong
 */
export function scaleOptionsOf(values: ReadonlyMap<string, string>): ScaleOptions {
  const number = (flag: string, wanted: string, accepts: (value: number) => boolean): number | undefined => {
    const text = values.get(flag);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() !== "" && accepts(value)) return value;
    throw new UsageError(`${flag} is ${quoted(text)}, and it must be ${wanted}.`);
  };
  const whole = (flag: string, least: number): number | undefined =>
    number(flag, `a whole number of at least ${least}`, (value) => Number.isInteger(value) && value >= least);
  const dataset = values.get("--dataset");
  const name = datasetNames.find((own) => own === dataset);
  if (dataset !== undefined && name === undefined) {
    throw new UsageError(
      `--dataset is ${quoted(dataset)}.${suggestion(dataset, datasetNames)} Choose one of ${datasetNames.join(", ")}.`,
    );
  }
  return givenOptions({
    scale: number("--scale", "a number above 0 and at most 1, such as 0.1", (value) => value > 0 && value <= 1),
    levels: whole("--levels", 0),
    replicates: whole("--replicates", 1),
    reinitDraws: whole("--reinit-draws", 1),
    width: number("--width", "a number above 0 and at most 16, such as 0.25", (value) => value > 0 && value <= 16),
    dataset: name,
    seed: whole("--seed", 0),
  });
}

/** So many names of runs fit into a message. */
const mostNames = 40;

/**
 * The runs that `--only` names; all when it was not given.
 *
 * @param of whose runs they are, in a message
 * @throws {UsageError} when there is none of a name
 */
export function chosenRuns<Run extends { readonly name: string }>(
  runs: readonly Run[],
  only: string | undefined,
  of: string,
): readonly Run[] {
  if (only === undefined) return runs;
  const known = runs.map((run) => run.name);
  const names = namesIn(only, known);
  const wrong = names.find((own) => !known.includes(own));
  if (wrong !== undefined) {
    throw new UsageError(
      `Cannot train the run ${quoted(wrong)} of ${of}: there is none.${suggestion(wrong, known)} Its runs are ${
        [...known.slice(0, mostNames).map((own) => quoted(own)), ...known.length > mostNames ? ["…"] : []].join(", ")
      }.`,
    );
  }
  return runs.filter((run) => names.includes(run.name));
}

/** Names divided by commas, which some of the known names hold themselves. */
function namesIn(text: string, known: readonly string[]): string[] {
  const longest = known.toSorted((a, b) => b.length - a.length);
  const names: string[] = [];
  for (let rest = text; rest !== "";) {
    const name = longest.find((own) => rest === own || rest.startsWith(`${own},`)) ?? rest.split(",", 1)[0] ?? rest;
    names.push(name);
    rest = rest.slice(name.length + 1);
  }
  return names;
}
