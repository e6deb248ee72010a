import { page } from "fresh";
import type { ComponentChildren, JSX } from "preact";
import CopyButton from "../../../islands/CopyButton.tsx";
import { formatBytes, percent } from "../../../src/analysis/words.ts";
import { changedSettings } from "../../../src/cli/lottery_command_line.ts";
import { CommandText } from "../../../src/dashboard/components/CommandText.tsx";
import { DataFacts } from "../../../src/dashboard/components/DataFacts.tsx";
import { RunHeader } from "../../../src/dashboard/components/RunHeader.tsx";
import { commandAgain, SettingsTable } from "../../../src/dashboard/components/SettingsTable.tsx";
import { unknownRun } from "../../../src/dashboard/responses.ts";
import { entriesOf, type FolderEntry, givenFiles } from "../../../src/dashboard/run_folder.ts";
import type { RunView } from "../../../src/dashboard/types.ts";
import { count, driverWords, fullTime, nothing } from "../../../src/dashboard/words.ts";
import type { LotteryConfig } from "../../../src/lottery/config.ts";
import { hasOwnPlan, type Manifest } from "../../../src/store/manifest.ts";
import { define } from "../../../utils.ts";

/** Everything that a run was told and made with: what it takes to make it again. */
export const handler = define.handlers({
  async GET({ params: { id = "" }, state }) {
    const { dashboard } = state;
    const { version } = dashboard;
    const run = await dashboard.readRun(id);
    if (!run) throw unknownRun(id);
    state.title = `Settings of ${id}`;
    const entries = await entriesOf(run);
    return page({ run, version, entries, hasOwnPlan: await hasOwnPlan(run.manifest) });
  },
});

export default define.page<typeof handler>(({ data: { run, version, entries, hasOwnPlan } }) => {
  const { config, manifest, problems, state } = run;
  return (
    <>
      <RunHeader run={run} here="settings" version={version} />
      {problems.length > 0 && (
        <div class={`notice ${state === "damaged" ? "bad" : "warn"} stack`}>
          {problems.map((problem) => <p key={problem}>{problem}</p>)}
          {(!config || !manifest) && <p>What can be read of the run stands below; its files are as they were.</p>}
        </div>
      )}
      {config && <Again run={run} config={config} manifest={manifest} hasOwnPlan={hasOwnPlan} />}
      {config && (
        <section class="stack">
          <h2>All settings</h2>
          <div class="scroll" tabIndex={0} role="group" aria-label="Table of settings">
            <SettingsTable config={config} />
          </div>
        </section>
      )}
      <div class="columns figures-beside">
        {config && <Network run={run} config={config} />}
        {config && <Seeds config={config} />}
        {manifest && (
          <Part title="Data">
            <DataFacts manifest={manifest} />
          </Part>
        )}
        {manifest && <Adapter manifest={manifest} />}
      </div>
      {manifest && <Sessions manifest={manifest} />}
      <Files run={run} entries={entries} />
    </>
  );
});

/** Options of the command are one to a line, so that a reader finds them. */
function Again(
  { run: { id }, config, manifest, hasOwnPlan }: {
    readonly run: RunView;
    readonly config: LotteryConfig;
    readonly manifest: Manifest | undefined;
    readonly hasOwnPlan: boolean;
  },
): JSX.Element {
  const isOwnNetwork = typeof config.network === "object";
  const command = commandAgain(config, hasOwnPlan);
  const differing = isOwnNetwork ? [] : changedSettings(config);
  const revisions = [...new Set(manifest?.sessions.flatMap(({ gitRevision }) => gitRevision ?? []) ?? [])];
  return (
    <section class="stack">
      <h2>The command that makes it again</h2>
      <p>
        {isOwnNetwork
          ? "It has a network of its own, which comes from its config.json (below)."
          : differing.length === 0
          ? (
            <>
              It is the preset <code>{config.preset}</code> as it comes.
            </>
          )
          : (
            <>
              It is the preset <code>{config.preset}</code> with {count(differing.length, "setting")} changed:{" "}
              {differing.map(({ flag }, index) => (
                <>
                  {index === 0 ? "" : index === differing.length - 1 ? " and " : ", "}
                  <code key={flag} class="nowrap">{flag}</code>
                </>
              ))}.
            </>
          )}
        {hasOwnPlan && " It goes by a plan table of its own, which comes from its manifest.json (below)."}
      </p>
      <div class="command">
        <pre tabIndex={0}><CommandText text={command} /></pre>
        <CopyButton text={command} label="Copy the command" />
      </div>
      <p class="soft small">
        Equal settings on the same adapter, driver and version give equal numbers, bit for bit. Where {id}{" "}
        is there already, the command says so; with <code>--fresh</code> it trains a second one beside it
        {revisions.length > 0 && (
          <>
            . Winnow's source was at {revisions.length === 1 ? "revision" : "revisions"}{" "}
            {revisions.map((revision, index) => (
              <>
                {index > 0 && ", "}
                <code key={revision}>{revision.slice(0, 10)}</code>
              </>
            ))}
          </>
        )}.
      </p>
    </section>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <section class="stack">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Network({ run: { summary }, config }: { readonly run: RunView; readonly config: LotteryConfig }): JSX.Element {
  const name = typeof config.network === "string" ? config.network : config.network.name;
  const levels = summary?.arms[0]?.levels ?? [];
  const layers = levels[0]?.layers ?? [];
  const last = levels.at(-1);
  if (layers.length === 0 || !last) {
    return (
      <Part title="Network">
        <p>
          {name}. <span class="soft">Its layers stand here as soon as the dense level is trained.</span>
        </p>
      </Part>
    );
  }
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  const kept = last.layers.reduce((sum, layer) => sum + layer.kept, 0);
  return (
    <Part title="Network">
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of layers">
        <table>
          <caption>
            {name}, weights without biases; survivors are of level {last.level}, the smallest that is trained.
          </caption>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              <th scope="col" class="number">Weights</th>
              <th scope="col" class="number">Survivors</th>
              <th scope="col" class="number">Share</th>
            </tr>
          </thead>
          <tbody>
            {last.layers.map((layer) => (
              <tr key={layer.name}>
                <th scope="row">{layer.name}</th>
                <td class="number">{layer.size.toLocaleString("en")}</td>
                <td class="number">{layer.kept.toLocaleString("en")}</td>
                <td class="number">{percent(layer.kept / layer.size)}</td>
              </tr>
            ))}
            <tr class="sum">
              <th scope="row">all</th>
              <td class="number">{size.toLocaleString("en")}</td>
              <td class="number">{kept.toLocaleString("en")}</td>
              <td class="number">{percent(kept / size)}</td>
            </tr>
          </tbody>
        </table>
      </div>
    </Part>
  );
}

function Seeds({ config: { seed, replicates } }: { readonly config: LotteryConfig }): JSX.Element {
  return (
    <Part title="Seeds">
      <p>
        {replicates === 1 ? <>One replicate, of seed {seed}.</> : (
          <>
            {replicates} replicates, of seeds {seed} {replicates === 2 ? "and" : "to"}{" "}
            {seed + replicates - 1}, in order.
          </>
        )}
      </p>
      <p class="soft small">
        A replicate is, bit for bit, replicate 1 of a run with its seed. From the seed follow initial weights, the
        split, the order of the images, augmentation and dropout.
      </p>
    </Part>
  );
}

function Adapter({ manifest: { adapter } }: { readonly manifest: Manifest }): JSX.Element {
  return (
    <Part title="Adapter">
      <dl class="facts">
        <dt>Name</dt>
        <dd>{adapter.name}</dd>
        <dt>Driver</dt>
        <dd>{driverWords(adapter.driver)}</dd>
        <dt>Kind</dt>
        <dd>{adapter.kind === "software" ? "software: computed on the processor" : "GPU"}</dd>
      </dl>
      <p class="small">
        <a href="/adapter">All adapters, and the one that answers here now</a>
      </p>
    </Part>
  );
}

function Sessions({ manifest: { sessions } }: { readonly manifest: Manifest }): JSX.Element {
  return (
    <section class="stack">
      <h2>Sessions</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of sessions">
        <table>
          <caption>{count(sessions.length, "process", "processes")} trained for it, in order.</caption>
          <thead>
            <tr>
              <th scope="col">Started</th>
              <th scope="col">Winnow</th>
              <th scope="col">Git revision</th>
              <th scope="col">Deno</th>
              <th scope="col">V8</th>
              <th scope="col">Platform</th>
            </tr>
          </thead>
          <tbody>
            {sessions.map(({ started, winnow, gitRevision, deno, v8, platform }) => (
              <tr key={started}>
                <th scope="row" class="nowrap">{fullTime(started)}</th>
                <td>{winnow}</td>
                <td>{gitRevision === null ? nothing : <code>{gitRevision.slice(0, 10)}</code>}</td>
                <td>{deno}</td>
                <td>{v8}</td>
                <td>{platform}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Files(
  { run: { id, config }, entries }: { readonly run: RunView; readonly entries: readonly FolderEntry[] },
): JSX.Element {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const files = entries.reduce((sum, entry) => sum + entry.files, 0);
  const given = (name: string): boolean => givenFiles.some((own) => own === name);
  return (
    <section class="stack">
      <h2>Files</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of files">
        <table class="files">
          <caption>
            {count(files, "file")}, {formatBytes(bytes)}, in the folder {id}.
          </caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="number">Size</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <tr key={entry.name}>
                <th scope="row">
                  {given(entry.name)
                    ? <a href={`/runs/${id}/files/${entry.name}`} download>{entry.name}</a>
                    : entry.name}
                  {entry.name.endsWith("/") && <span class="soft elsewhere">{count(entry.files, "file")}</span>}
                  {entry.name === "tickets/" && (
                    <>
                      , <a href={`/tickets?run=${id}`}>the tickets against each other</a>
                    </>
                  )}
                </th>
                <td class="number">{formatBytes(entry.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {config && (
        <p>
          As tables: trained networks <a href={`/api/runs/${id}/export?table=levels&format=csv`} download>CSV</a>{" "}
          <a href={`/api/runs/${id}/export?table=levels&format=json`} download>JSON</a>, all evaluations{" "}
          <a href={`/api/runs/${id}/export?table=metrics&format=csv`} download>CSV</a>{" "}
          <a href={`/api/runs/${id}/export?table=metrics&format=json`} download>JSON</a>.
        </p>
      )}
      <p class="soft small">
        <code>deno task runs verify {id}</code> reads every file and says whether all of it is whole.
      </p>
    </section>
  );
}
