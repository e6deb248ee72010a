/**
 * The command line that a configuration comes from.
 *
 * @module
 */
import { changed, type LotteryConfig, settings } from "../lottery/config.ts";

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

/** A setting's value as a flag takes it; a network of one's own as JSON. */
export function settingText(value: unknown): string {
  if (Array.isArray(value)) return value.join(",") || "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
