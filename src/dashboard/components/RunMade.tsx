/**
 * What a run was made with.
 *
 * @module
 */
import type { JSX } from "preact";
import type { RunView } from "../types.ts";
import { driverWords, planWords } from "../words.ts";
import { durationWords } from "./run_words.ts";

/** Adapter, data, plan table and versions of a run, and how long it took. */
export function RunMade({ run: { manifest, summary } }: { readonly run: RunView }): JSX.Element {
  const session = manifest?.sessions.at(-1);
  if (!manifest) return <p class="soft">What it was made with cannot be read.</p>;
  const { adapter: { name, driver, kind }, data, plan, planHash } = manifest;
  return (
    <dl class="facts">
      <dt>Adapter</dt>
      <dd>{name}{kind === "software" ? " (software)" : ""}, {driverWords(driver)}</dd>
      <dt>Data</dt>
      <dd>{data.name}{data.original ? "" : ", files of the same form as the published ones, with other checksums"}</dd>
      <dt>Plan table</dt>
      <dd>
        <code>{planHash}</code>, {planWords(plan)}
      </dd>
      {session && (
        <>
          <dt>Versions</dt>
          <dd>
            Winnow {session.winnow}
            {session.gitRevision === null ? "" : ` at ${session.gitRevision.slice(0, 10)}`}, Deno {session.deno},{" "}
            {session.platform}
          </dd>
          <dt>Begun</dt>
          <dd>
            {manifest.sessions[0]?.started.slice(0, 16).replace("T", " ")} UTC
            {manifest.sessions.length > 1 ? `, ${manifest.sessions.length} sessions` : ""}
          </dd>
        </>
      )}
      {summary && summary.timing.totalSeconds > 0 && (
        <>
          <dt>Trained for</dt>
          <dd>{durationWords(summary.timing.totalSeconds)}</dd>
        </>
      )}
    </dl>
  );
}
