/**
 * What a run was told: all of its settings, and the command that makes it again.
 *
 * @module
 */
import type { JSX } from "preact";
import { commandOf } from "../../cli/lottery_command_line.ts";
import { changed, type LotteryConfig, settings } from "../../lottery/config.ts";
import { settingText } from "../../lottery/setting_text.ts";

/** The command that makes a run again from where its `config.json` and, with a plan table of its own, its `manifest.json` are. */
export function commandAgain(config: LotteryConfig, hasOwnPlan: boolean): string {
  return `${commandOf(config, "config.json")}${hasOwnPlan ? " --plan manifest.json" : ""}`;
}

/** All settings, those that are not the preset's in bold. */
export function SettingsTable({ config }: { readonly config: LotteryConfig }): JSX.Element {
  const usual = changed(config.preset, {});
  const onDataset = changed(config.preset, { dataset: config.dataset });
  const rows = settings.map(({ key, flag, description }) => {
    const value = settingText(config[key]);
    const before = settingText((key === "dataset" ? usual : onDataset)[key]);
    return { flag, description, value, before, isChanged: value !== before };
  });
  return (
    <table class="settings reflow" role="table">
      <caption>
        {rows.filter(({ isChanged }) => isChanged).length === 0
          ? `All as the preset ${config.preset} has them.`
          : `Those in bold are not the preset's; what ${config.preset} has instead stands beside them.`}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Setting</th>
          <th role="columnheader" scope="col">Value</th>
          <th role="columnheader" scope="col">Preset</th>
          <th role="columnheader" scope="col">What it is</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ flag, description, value, before, isChanged }) => (
          <tr key={flag} role="row" class={isChanged ? "changed" : undefined}>
            <th role="rowheader" scope="row">
              <code class="nowrap">{flag}</code>
            </th>
            <td role="cell" class="setting-value">
              <span class="beside-value">{value}</span>
            </td>
            <td role="cell" class="soft setting-preset" data-label="Preset">
              <span class="beside-value">{isChanged ? before : "same"}</span>
            </td>
            <td role="cell" class="soft small setting-about">{description}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
