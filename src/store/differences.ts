/**
 * Where runs differ in what they were told and made with.
 *
 * @module
 */
import { settings } from "../lottery/config.ts";
import { settingText } from "../lottery/setting_text.ts";
import type { RunSettings } from "./run_files.ts";

/** Something in which runs differ. */
export interface RunDifference {
  /** A flag, or a fact of the manifest. */
  readonly name: string;
  /** Each run's, in the order of the runs; empty where it is not known. */
  readonly values: readonly string[];
}

/**
 * Settings, adapter, data and versions in which runs differ, and nothing in which they agree. What cannot be read of a run is
 * itself a difference, and no setting of it is one.
 */
export function differencesOf(runs: readonly Pick<RunSettings, "config" | "manifest">[]): RunDifference[] {
  const facts = runs.map(factsOf);
  const names = [...new Set(facts.flatMap((own) => [...own.keys()]))];
  return names.map((name) => facts.map((own) => own.get(name)))
    .map((values, index) => ({ name: names[index] ?? "", values }))
    .filter(({ values }) => new Set(values.filter((value) => value !== undefined)).size > 1)
    .map(({ name, values }) => ({ name, values: values.map((value) => value ?? "") }));
}

function factsOf({ config, manifest }: Pick<RunSettings, "config" | "manifest">): Map<string, string> {
  const last = manifest?.sessions.at(-1);
  const isRead = (value: unknown): string => value === undefined ? "cannot be read" : "";
  return new Map([
    ["config.json", isRead(config)],
    ...(config
      ? [
        ["preset", config.preset] as const,
        ...settings.map(({ key, flag }) => [flag, settingText(config[key])] as const),
      ]
      : []),
    ["manifest.json", isRead(manifest)],
    ...(manifest
      ? [
        ["adapter", `${manifest.adapter.name} ${manifest.adapter.driver}`.trim()] as const,
        ["data digest", manifest.data.digest.slice(0, 16)] as const,
        ["plan table", manifest.planHash] as const,
        ["winnow", `${last?.winnow ?? ""} ${last?.gitRevision?.slice(0, 10) ?? ""}`.trim()] as const,
        ["deno", last?.deno ?? ""] as const,
      ]
      : []),
  ]);
}
