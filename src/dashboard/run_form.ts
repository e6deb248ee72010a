/**
 * The form that a run is started with, made from the schema that makes the flags: its fields, what is read from a request into
 * them, and what the command line is then given. Values are judged by the code that judges flags, so that a wrong one gets the
 * message that the command line would give.
 *
 * @module
 */
import { UsageError, userPath } from "../cli/arguments.ts";
import { changedSettings, checkpointSecondsOf, settingOf, settingText } from "../cli/lottery_command_line.ts";
import { legible, quoted } from "../data/quoted.ts";
import {
  changed,
  type LotteryConfig,
  parseConfig,
  type PresetName,
  presetNames,
  presets,
  type Setting,
  settings,
} from "../lottery/config.ts";

/** A field of the form. */
export interface RunField extends Setting {
  /** What it is called: `train size` for `trainSize`, `learning rate` for `lr`. */
  readonly label: string;
  /** The preset's value, as the flag takes it. */
  readonly usual: string;
  /** What stands in it, as the flag takes it. */
  readonly text: string;
  /** What is wrong with it, in the words of the command line. */
  readonly problem: string | undefined;
}

/** Fields that belong together. */
export interface FieldGroup {
  /** What they are about. */
  readonly title: string;
  /** They, in order. */
  readonly fields: readonly RunField[];
}

/** A field that is no setting. */
export interface OptionField {
  /** What stands in it. */
  readonly text: string;
  /** What is wrong with it. */
  readonly problem: string | undefined;
}

/** The form, filled in. */
export interface RunForm {
  /** Where its values start from. */
  readonly preset: PresetName;
  /** The data set whose split the values started from: what is left as it came is the split of another, when that is chosen. */
  readonly filledFor: string;
  /** The settings, grouped. */
  readonly groups: readonly FieldGroup[];
  /** A network of one's own, as JSON; takes the place of the named one. */
  readonly ownNetwork: OptionField;
  /** A folder with the data set's files. */
  readonly dataDir: OptionField;
  /** Least seconds between checkpoints within a level. */
  readonly checkpointSeconds: OptionField;
  /** Everything that is wrong, in the order of the fields; empty when the run can be started. */
  readonly problems: readonly FormProblem[];
}

/** Something wrong in the form. */
export interface FormProblem {
  /** The name of the field; undefined when it is about none of them. */
  readonly name: string | undefined;
  /** What is wrong. */
  readonly message: string;
}

/** What to do when a run of the same settings is there already. */
export type Existing = (typeof existingChoices)[number];

/** The ways to go on when a run of the same settings is there already. */
export const existingChoices = ["ask", "resume", "fresh"] as const;

/** A run to start. */
export interface RunRequest {
  /** Its settings, validated. */
  readonly config: LotteryConfig;
  /** Absolute path of a folder with the data set's files; undefined for where it usually comes from. */
  readonly dataDir: string | undefined;
  /** Least seconds between checkpoints; undefined for the usual. */
  readonly checkpointSeconds: number | undefined;
  /** What to do when it is there already. */
  readonly existing: Existing;
}

/** A form that was read. */
export interface ReadForm {
  /** The form with what was typed, and what is wrong with it. */
  readonly form: RunForm;
  /** The run to start; undefined when something is wrong. */
  readonly request: RunRequest | undefined;
}

/** A body that is no filled-in form: it was not made by this page. */
export class MalformedFormError extends SyntaxError {
  /** The class's name. */
  override readonly name = "MalformedFormError";
}

/** Keys by group, in order. What the schema gains later comes into the last group until it has a place. */
const groups: readonly { readonly title: string; readonly keys: readonly Setting["key"][] }[] = [
  {
    title: "Data and network",
    keys: ["dataset", "network", "width", "initScale", "dropout", "augment", "trainSize", "validationSize"],
  },
  {
    title: "Training",
    keys: [
      ...["iterations", "batchSize", "optimizer", "lr", "warmup", "lrDrops"] as const,
      ...["lrDropFactor", "momentum", "weightDecay"] as const,
    ],
  },
  { title: "Pruning", keys: ["levels", "pruneConv", "pruneDense", "pruneOutput", "densities", "scope", "rewind"] },
  { title: "Repetitions and controls", keys: ["replicates", "seed", "controls", "reinitDraws"] },
  { title: "Recording", keys: ["evalEvery", "saveFinals"] },
];

/** The form's fields that are no settings. */
const otherNames = ["preset", "filledFor", "ownNetwork", "dataDir", "checkpointSeconds", "existing"] as const;

/** A path is at most this long on any system that Deno runs on. */
const mostPathCharacters = 4096;

/**
 * The form as an address asks for it: `?preset=conv2&levels=5` has that preset's values, five levels apart. What is no field is
 * passed over; what is wrong is said as when the form is sent.
 */
export async function formOf(query: URLSearchParams): Promise<ReadForm> {
  const data = new FormData();
  const preset = presetNames.find((own) => own === query.get("preset"));
  if (preset !== undefined) data.set("preset", preset);
  for (const name of new Set(query.keys())) {
    if (!isField(name) || name === "preset" || name === "existing") continue;
    data.set(name, query.get(name) ?? "");
  }
  return await readRunForm(data);
}

/** The address of the form that is filled in with a run's settings. */
export function formAddress(request: Pick<RunRequest, "config"> & Partial<RunRequest>): string {
  const { config, dataDir, checkpointSeconds } = request;
  const query = new URLSearchParams({ preset: config.preset });
  for (const { flag, value } of changedSettings(config)) {
    const key = settings.find((own) => own.flag === flag)?.key;
    if (key !== undefined) query.set(key, value);
  }
  if (typeof config.network === "object") query.set("ownNetwork", JSON.stringify(config.network));
  if (dataDir !== undefined) query.set("dataDir", dataDir);
  if (checkpointSeconds !== undefined) query.set("checkpointSeconds", String(checkpointSeconds));
  return `/new?${query}`;
}

/**
 * Reads a form that was sent.
 *
 * @returns the form with what was typed, and the run to start, unless something is wrong
 * @throws {MalformedFormError} when it has fields that no form of ours has, or one of them twice
 */
export async function readRunForm(data: FormData): Promise<ReadForm> {
  const texts = textsOf(data);
  const named = texts.get("preset") ?? presetNames[0] ?? "lenet-quick";
  const preset = presetNames.find((own) => own === named);
  const existing = existingChoices.find((own) => own === (texts.get("existing") ?? "ask"));
  if (preset === undefined || existing === undefined) {
    const wrong = preset === undefined ? `preset ${quoted(named)}` : `choice ${quoted(texts.get("existing"))}`;
    throw new MalformedFormError(`Cannot read the form: there is no ${wrong}. Open the page again and send that form.`);
  }
  const problems = new Map<string, string>();
  const config = configOf(preset, texts, problems);
  const dataDir = await dataDirOf(texts.get("dataDir") ?? "", problems);
  const seconds = secondsOf(texts.get("checkpointSeconds") ?? "", problems);
  const form = filled({ preset, texts, problems });
  return {
    form,
    request: config && problems.size === 0 ? { config, dataDir, checkpointSeconds: seconds, existing } : undefined,
  };
}

/**
 * What `lottery` is given for a run, value by value: each flag and its value are one argument, so that no value is ever read as
 * a flag.
 *
 * @param runs the folder of runs
 * @param configPath a file with the network of one's own, as {@linkcode configFileOf} has it
 */
export function lotteryArguments(request: RunRequest, runs: string, configPath?: string): string[] {
  const { config, dataDir, checkpointSeconds, existing } = request;
  return [
    config.preset,
    ...configPath === undefined ? [] : [`--config=${configPath}`],
    ...changedSettings(config).map(({ flag, value }) => `${flag}=${value}`),
    `--runs=${runs}`,
    ...dataDir === undefined ? [] : [`--data-dir=${dataDir}`],
    ...checkpointSeconds === undefined ? [] : [`--checkpoint-seconds=${checkpointSeconds}`],
    ...existing === "ask" ? [] : [`--${existing}`],
  ];
}

/** What the file for `--config` holds, when there is a network of one's own; else undefined, and flags say everything. */
export function configFileOf({ network }: LotteryConfig): string | undefined {
  return typeof network === "object" ? `${JSON.stringify({ network }, null, 2)}\n` : undefined;
}

/** Texts by name. Of a name that comes several times, check boxes have the last word, or add up where several may be chosen. */
function textsOf(data: FormData): Map<string, string> {
  const values = new Map<string, string[]>();
  for (const [name, value] of data) {
    if (typeof value !== "string" || !isField(name)) {
      throw new MalformedFormError(
        `Cannot read the form: there is no field ${quoted(name)} with ${
          typeof value === "string" ? "a text" : "a file"
        }. ` +
          "Open the page again and send that form.",
      );
    }
    values.set(name, [...values.get(name) ?? [], value]);
  }
  return new Map([...values].map(([name, own]) => {
    const kind = settings.find(({ key }) => key === name)?.kind;
    // A box that is not checked is not sent: a hidden field of the same name stands for "none" and "false".
    if (kind === "list") {
      const chosen = own.filter((text) => text !== "none");
      return [name, chosen.length === 0 ? "none" : chosen.join(",")];
    }
    if (own.length > 1 && !(kind === "boolean" && own.length === 2 && own[0] === "false")) {
      throw new MalformedFormError(`Cannot read the form: the field ${name} is there ${own.length} times.`);
    }
    return [name, own.at(-1) ?? ""];
  }));
}

/** The configuration that the fields come to; undefined when one is wrong, which is noted under its name. */
function configOf(
  preset: PresetName,
  texts: ReadonlyMap<string, string>,
  problems: Map<string, string>,
): LotteryConfig | undefined {
  const usual = usualOf(preset, texts);
  const changes: Record<string, unknown> = {};
  for (const setting of settings) {
    const text = texts.get(setting.key);
    // What was left as it came is not asked for: a data set with a split of its own brings that. The data set itself is.
    if (text === undefined || setting.key !== "dataset" && text === settingText(usual[setting.key])) continue;
    changes[setting.key] = settingOf(setting, text);
  }
  const own = texts.get("ownNetwork") ?? "";
  if (own.trim() !== "") {
    try {
      changes["network"] = networkFrom(own);
    } catch (error) {
      problems.set("ownNetwork", messageOf(error));
    }
  }
  let onlyRanges = false;
  for (;;) {
    try {
      const config = parseConfig(changed(preset, changes));
      return problems.size === 0 ? config : undefined;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const message = error.message;
      const setting = settings.find(({ flag }) => message.startsWith(`${flag} is `));
      const isOwnNetwork = typeof changes["network"] === "object" && (!setting || setting.key === "network");
      const name = isOwnNetwork ? "ownNetwork" : setting?.key ?? "";
      const isRange = isOwnNetwork || setting !== undefined && message.includes(`, and it must be ${setting.wanted} (`);
      // Once a value out of its range is put aside, settings no longer contradict each other as they were typed.
      if (isRange || !onlyRanges) problems.set(name, message);
      const key = isOwnNetwork ? "network" : setting?.key;
      if (!isRange || key === undefined || !Object.hasOwn(changes, key)) return undefined;
      delete changes[key];
      onlyRanges = true;
    }
  }
}

/** A network of one's own as it was typed. Whether it is one is the schema's to say. */
function networkFrom(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RangeError(
      `The network of one's own is not JSON (${legible(messageOf(error), 200)}). ` +
        'Give it as {"name": …, "layers": […]}, each layer as docs/architecture.md describes it under Networks.',
      { cause: error },
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new RangeError(
    `The network of one's own is ${quoted(value)}, and it must be an object, such as {"name": …, "layers": […]}.`,
  );
}

async function dataDirOf(text: string, problems: Map<string, string>): Promise<string | undefined> {
  if (text.trim() === "") return undefined;
  const wrong = (why: string): undefined => {
    problems.set(
      "dataDir",
      `--data-dir is ${
        quoted(text)
      }, and ${why}: give a folder that is there, or leave it empty for where the data set usually is.`,
    );
    return undefined;
  };
  if (text.length > mostPathCharacters) return wrong(`a path has at most ${mostPathCharacters} characters`);
  if (text.includes("\0")) return wrong("a path has no such character");
  const path = userPath(text);
  try {
    return (await Deno.stat(path)).isDirectory ? path : wrong("that is no folder");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return wrong("there is nothing of that name");
    return wrong(`it cannot be looked at (${legible(messageOf(error), 100)})`);
  }
}

function secondsOf(text: string, problems: Map<string, string>): number | undefined {
  if (text === "") return undefined;
  try {
    return checkpointSecondsOf(text).checkpointSeconds;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.set("checkpointSeconds", error.message);
    return undefined;
  }
}

function filled(
  { preset, texts, problems }: {
    readonly preset: PresetName;
    readonly texts: ReadonlyMap<string, string>;
    readonly problems: ReadonlyMap<string, string>;
  },
): RunForm {
  const usual = usualOf(preset, texts);
  const placed = new Set(groups.flatMap(({ keys }) => keys));
  const rest = settings.map(({ key }) => key).filter((key) => !placed.has(key));
  const option = (name: string): OptionField => ({ text: texts.get(name) ?? "", problem: problems.get(name) });
  const fieldsOf = (keys: readonly Setting["key"][]): RunField[] =>
    keys.flatMap((key) => settings.filter((own) => own.key === key)).map((setting) => {
      const text = settingText(usual[setting.key]);
      return {
        ...setting,
        label: setting.key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/^lr\b/, "learning rate"),
        usual: text,
        text: texts.get(setting.key) ?? text,
        problem: problems.get(setting.key),
      };
    });
  return {
    preset,
    filledFor: datasetFilledFor(preset, texts),
    groups: groups.map(({ title, keys }, index) => ({
      title,
      fields: fieldsOf(index === groups.length - 1 ? [...keys, ...rest] : keys),
    })),
    ownNetwork: option("ownNetwork"),
    dataDir: option("dataDir"),
    checkpointSeconds: option("checkpointSeconds"),
    problems: [...problems].map(([name, message]) => ({ name: name === "" ? undefined : name, message })),
  };
}

/** What the form was filled with before anybody typed: the preset on a data set. */
function usualOf(preset: PresetName, texts: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  return changed(preset, { dataset: datasetFilledFor(preset, texts) });
}

function datasetFilledFor(preset: PresetName, texts: ReadonlyMap<string, string>): string {
  return texts.get("filledFor") ?? texts.get("dataset") ?? presets[preset].config.dataset;
}

function isField(name: string): boolean {
  return otherNames.some((own) => own === name) || settings.some(({ key }) => key === name);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
