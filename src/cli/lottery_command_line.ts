/**
 * The command line that a configuration comes from, and its flags' texts as values.
 *
 * @module
 */
import { changed, type LotteryConfig, type Setting, settings } from "../lottery/config.ts";
import type { LotteryOptions } from "../lottery/lottery.ts";
import { settingText } from "../lottery/setting_text.ts";
import { UsageError } from "./arguments.ts";

export { settingText };

/** A setting that is not its preset's. */
export interface ChangedSetting {
  /** `--levels`. */
  readonly flag: string;
  /** Its value, as the flag takes it. */
  readonly value: string;
}

/** The settings that are not those of the preset on that data set. A network of one's own is none: no flag takes it. */
export function changedSettings(config: LotteryConfig): ChangedSetting[] {
  const dataset = settings.filter(({ key }) => key === "dataset");
  const usual = changed(config.preset, {});
  const onDataset = changed(config.preset, { dataset: config.dataset });
  return [...dataset, ...settings.filter(({ key }) => key !== "dataset")].flatMap(({ key, flag }) => {
    const value = settingText(config[key]);
    const before = settingText((key === "dataset" ? usual : onDataset)[key]);
    return value === before || typeof config[key] === "object" && key === "network" ? [] : [{ flag, value }];
  });
}

/**
 * The command that makes a run again.
 *
 * @param configPath its config.json, for a network of one's own
 */
export function commandOf(config: LotteryConfig, configPath: string): string {
  if (typeof config.network === "object") return `deno task lottery --config ${quote(configPath)}`;
  return [
    "deno task lottery",
    config.preset,
    ...changedSettings(config).map(({ flag, value }) => `${flag} ${value}`),
  ].join(" ");
}

/** A flag's text as its setting takes it. What is no number stays text, and the schema says what is wrong with it. */
export function settingOf({ kind }: Setting, text: string): unknown {
  switch (kind) {
    case "list":
      return text === "none" ? [] : text.split(",");
    case "integers":
    case "numbers":
      return text === "none" ? [] : text.split(",").map(numberOf);
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "choice":
      return text;
    default:
      return numberOf(text);
  }
}

/**
 * The text of `--checkpoint-seconds` as an option of the loop.
 *
 * @throws {UsageError} when it is no number of seconds
 */
export function checkpointSecondsOf(text: string | undefined): Pick<LotteryOptions, "checkpointSeconds"> {
  if (text === undefined) return {};
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds < 0) {
    throw new UsageError(`--checkpoint-seconds is "${text}", and it must be a number of seconds, 0 or more.`);
  }
  return { checkpointSeconds: seconds };
}

function numberOf(text: string): unknown {
  return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

/** An argument as a shell takes it. */
export function quote(text: string): string {
  return /^[\w./=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
