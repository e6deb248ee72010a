/**
 * The few settings of the page that trains in the browser, and how they stand in its address.
 *
 * @module
 */

/** What the visitor chooses. */
export interface TrySettings {
  /** Pruning rounds after the dense level 0. */
  readonly levels: number;
  /** Percent of a hidden layer's survivors that a round prunes; the output layer's are half of it. */
  readonly prune: number;
  /** Optimizer steps of each training. */
  readonly iterations: number;
  /** Seed of everything random. */
  readonly seed: number;
  /** Whether to train the re-initialised control beside the tickets. */
  readonly control: boolean;
}

/** A setting that is a whole number: its label, range and what it is. */
export interface TryField {
  /** The key, which is the parameter in the address too. */
  readonly key: "levels" | "prune" | "iterations" | "seed";
  /** What stands before it. */
  readonly label: string;
  /** What it is, in a few words. */
  readonly hint: string;
  /** The smallest value. */
  readonly minimum: number;
  /** The largest one. */
  readonly maximum: number;
  /** How far apart two values are. */
  readonly step: number;
}

/**
 * What the page begins with. 800 steps see each of the 2,500 images 19 times: every minimum of validation loss comes before
 * the last evaluation (measured with lavapipe, 2026-11-25: dense 440, tickets 400 to 560, re-initialised 660 to 780), so
 * that early stops can be compared.
 */
export const defaultSettings: TrySettings = { levels: 3, prune: 50, iterations: 800, seed: 1, control: true };

/** The settings that are numbers, in order. */
export const tryFields: readonly TryField[] = [
  { key: "levels", label: "Pruning rounds", hint: "trainings after the dense one", minimum: 1, maximum: 8, step: 1 },
  {
    key: "prune",
    label: "Pruned in each round, %",
    hint: "of each hidden layer's survivors; half of it in the output layer",
    minimum: 10,
    maximum: 80,
    step: 5,
  },
  {
    key: "iterations",
    label: "Iterations",
    hint: "optimizer steps of each training",
    minimum: 100,
    maximum: 2000,
    step: 100,
  },
  { key: "seed", label: "Seed", hint: "another seed, another lottery", minimum: 0, maximum: 999_999, step: 1 },
];

/** Settings from an address; what is missing or not in its range is as it was by default, and `problems` says so. */
export function settingsFrom(
  parameters: URLSearchParams,
): { readonly settings: TrySettings; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const numberOf = ({ key, label, minimum, maximum, step }: TryField): number => {
    const text = parameters.get(key);
    if (text === null) return defaultSettings[key];
    const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
    if (value >= minimum && value <= maximum && (value - minimum) % step === 0) return value;
    problems.push(
      `“${label}” in the address is not ${rangeOf(minimum, maximum, step)}, so it is ${defaultSettings[key]}.`,
    );
    return defaultSettings[key];
  };
  const [levels, prune, iterations, seed] = tryFields.map(numberOf);
  const control = parameters.get("control");
  if (control !== null && control !== "0" && control !== "1") {
    problems.push("“control” in the address is neither 0 nor 1, so the control is trained.");
  }
  return {
    settings: {
      levels: levels ?? defaultSettings.levels,
      prune: prune ?? defaultSettings.prune,
      iterations: iterations ?? defaultSettings.iterations,
      seed: seed ?? defaultSettings.seed,
      control: control === "0" ? false : control === "1" ? true : defaultSettings.control,
    },
    problems,
  };
}

/** Settings as the query of an address: "?levels=4", or nothing when all are as they were by default. */
export function addressOf(settings: TrySettings): string {
  const parameters = new URLSearchParams();
  for (const { key } of tryFields) {
    if (settings[key] !== defaultSettings[key]) parameters.set(key, String(settings[key]));
  }
  if (settings.control !== defaultSettings.control) parameters.set("control", settings.control ? "1" : "0");
  return parameters.size > 0 ? `?${parameters}` : "";
}

function rangeOf(minimum: number, maximum: number, step: number): string {
  return step === 1
    ? `a whole number from ${minimum} to ${maximum.toLocaleString("en")}`
    : `one of ${minimum}, ${minimum + step}, … ${maximum.toLocaleString("en")}`;
}

/** Iterations between evaluations: some forty make a curve. */
export function evalEveryOf(iterations: number): number {
  return Math.max(10, Math.round(iterations / 40));
}

/** The command that trains the same network with the same schedule, on lenet-quick's 8,000 images of MNIST, and records it. */
export function commandOf({ levels, prune, iterations, seed, control }: TrySettings): string {
  return [
    "deno task lottery lenet-quick --width 0.3",
    `--levels ${levels}`,
    `--prune-dense ${prune / 100}`,
    `--prune-output ${prune / 200}`,
    `--iterations ${iterations}`,
    `--eval-every ${evalEveryOf(iterations)}`,
    `--seed ${seed}`,
    ...(control ? [] : ["--controls none"]),
  ].join(" ");
}
