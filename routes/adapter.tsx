import { page } from "fresh";
import type { JSX } from "preact";
import { type AdapterOffer, adapterOffer } from "../src/dashboard/adapter_offer.ts";
import { recordedAdapters } from "../src/dashboard/adapters.ts";
import type { AdapterReport, RecordedAdapter } from "../src/dashboard/types.ts";
import { count, driverWords } from "../src/dashboard/words.ts";
import { baseLimits, limitNames } from "../src/gpu/limits.ts";
import { thisSession } from "../src/store/manifest.ts";
import { define } from "../utils.ts";

/** So long the page waits for the adapter; a driver that starts for the first time takes longer, and is asked for again. */
const patienceMs = 700;

/** Seconds after which a page that did without the adapter is loaded again. */
const againSeconds = 2;

/** So many runs are named at once. */
const namedRuns = 6;

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Adapter";
    const { dashboard } = ctx.state;
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), patienceMs);
    // The question goes on when the page no longer waits; its answer is kept for the next one.
    const asked = dashboard.adapter().catch((error: unknown): AdapterReport => ({
      recorded: [],
      live: undefined,
      problem: error instanceof Error ? error.message : String(error),
    }));
    const [report, offer, rows, session] = await Promise.all([
      Promise.race([asked, late]),
      Promise.race([asked.then(({ live }) => live ? adapterOffer() : undefined), late]),
      dashboard.listRuns(),
      thisSession(),
    ]);
    clearTimeout(timer);
    const recorded = report?.recorded ?? await recordedAdapters(dashboard.runs, rows.map(({ id }) => id));
    const headers = report ? undefined : { refresh: String(againSeconds) };
    return page({ report, offer, recorded, rows, session, runs: dashboard.runs }, headers ? { headers } : {});
  },
});

export default define.page<typeof handler>(({ data: { report, offer, recorded, rows, session, runs } }) => (
  <>
    <h1>Adapter</h1>
    <p class="answer">{answer(report)}</p>
    <Live report={report} offer={offer} />
    <section class="stack">
      <h2>Who computed the runs</h2>
      <Recorded recorded={recorded} report={report} />
    </section>
    <div class="columns figures-beside">
      <section class="stack">
        <h2>Versions</h2>
        <dl class="facts">
          <dt>Winnow</dt>
          <dd>
            {session.winnow}
            {session.gitRevision !== null && (
              <>
                , revision <code>{session.gitRevision.slice(0, 10)}</code>
              </>
            )}
          </dd>
          <dt>Deno</dt>
          <dd>{session.deno}, which brings the shader compiler</dd>
          <dt>V8</dt>
          <dd>{session.v8}</dd>
          <dt>Platform</dt>
          <dd>{session.platform}</dd>
          <dt>Folder of runs</dt>
          <dd>
            {runs}, {count(rows.length, "run")}
          </dd>
        </dl>
      </section>
      <section class="stack">
        <h2>Ask the machine more</h2>
        <dl class="facts">
          <dt>
            <code>deno task doctor</code>
          </dt>
          <dd>checks every kernel against its reference on this adapter, and says what to do where one is wrong</dd>
          <dt>
            <code>deno task bench</code>
          </dt>
          <dd>times the training step and its kernels against what the adapter can do at most</dd>
        </dl>
      </section>
    </div>
  </>
));

function answer(report: AdapterReport | undefined): string {
  if (!report) return "The adapter has not answered yet: this page asks again in a moment.";
  if (!report.live) return `Nothing can be trained here now. ${report.problem ?? "No adapter answers."}`;
  return report.live.kind === "software"
    ? `${report.live.name} answers: a software adapter, which computes on the processor. Everything trains on it, and a graphics card would be faster.`
    : `${report.live.name} answers: a GPU, with all that training needs.`;
}

function Live(
  { report, offer }: { readonly report: AdapterReport | undefined; readonly offer: AdapterOffer | undefined },
): JSX.Element | null {
  const live = report?.live;
  if (!report) {
    return (
      <p class="soft">
        A driver that starts for the first time may take some seconds. <a href="/adapter">Ask again now</a>
      </p>
    );
  }
  if (!live) {
    return (
      <p class="soft">
        Finished runs are shown all the same. <code>deno task doctor</code> says more, and the{" "}
        <a href="/try">page itself</a> can train a small network through the browser's WebGPU.
      </p>
    );
  }
  return (
    <section class="stack">
      <h2>The one that answers now</h2>
      <dl class="facts">
        <dt>Name</dt>
        <dd>{live.name}</dd>
        <dt>Driver</dt>
        <dd>{driverWords(live.driver)}</dd>
        <dt>Kind</dt>
        <dd>{live.kind === "software" ? "software" : "GPU"}</dd>
        {offer && (
          <>
            <dt>Features</dt>
            <dd class="small">{offer.features.join(", ") || "none"}</dd>
          </>
        )}
      </dl>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of limits">
        <table class="limits">
          <caption>What it offers at most, and what every job needs.</caption>
          <thead>
            <tr>
              <th scope="col">Limit</th>
              <th scope="col" class="number">Offered</th>
              <th scope="col" class="number">Needed</th>
            </tr>
          </thead>
          <tbody>
            {limitNames.map((name) => (
              <tr key={name}>
                <th scope="row">{limitWords[name]}</th>
                <td class="number">{limitText(name, (offer?.limits ?? live.limits)[name])}</td>
                <td class="number">{limitText(name, baseLimits[name])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

type LimitName = (typeof limitNames)[number];

const limitWords: Readonly<Record<LimitName, string>> = {
  maxStorageBufferBindingSize: "Largest range of one binding",
  maxBufferSize: "Largest buffer",
  maxStorageBuffersPerShaderStage: "Buffers of one kernel",
  maxComputeInvocationsPerWorkgroup: "Invocations of one workgroup",
};

function limitText(name: LimitName, value: number): string {
  return /Size$/.test(name)
    ? `${(value / 2 ** 20).toLocaleString("en", { maximumFractionDigits: 0 })} MiB`
    : value.toLocaleString("en");
}

function Recorded(
  { recorded, report }: { readonly recorded: readonly RecordedAdapter[]; readonly report: AdapterReport | undefined },
): JSX.Element {
  if (recorded.length === 0) {
    return <p class="soft">No run says who computed it: there is none yet, or none whose manifest can be read.</p>;
  }
  const live = report?.live;
  return (
    <>
      <p>
        {recorded.length === 1
          ? `All runs that say so were computed on ${recorded[0]?.name}.`
          : `Runs were computed on ${recorded.length} adapters. A run stays with the one it began on; equal settings give equal bits only within one.`}
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of adapters">
        <table class="adapters reflow" role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">Adapter</th>
              <th role="columnheader" scope="col">Driver</th>
              <th role="columnheader" scope="col">Kind</th>
              <th role="columnheader" scope="col" class="number">Runs</th>
              <th role="columnheader" scope="col" class="run-group">Which</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {recorded.map(({ name, driver, kind, runs }) => {
              const isHere = live !== undefined && live.name === name && live.driver === driver;
              const links = (ids: readonly string[]): JSX.Element[] =>
                ids.map((id) => <a key={id} href={`/runs/${id}`}>{id}</a>);
              return (
                <tr key={`${name} ${driver} ${kind}`} role="row">
                  <th role="rowheader" scope="row">
                    {name} {isHere && <span class="tag">answers here now</span>}
                  </th>
                  <td role="cell" class="nowrap" data-label="Driver">{driverWords(driver)}</td>
                  <td role="cell" data-label="Kind">{kind === "software" ? "software" : "GPU"}</td>
                  <td role="cell" class="number" data-label="Runs">{runs.length.toLocaleString("en")}</td>
                  <td role="cell" class="run-group" data-label="Which">
                    <span class="run-links">{links(runs.slice(0, namedRuns))}</span>
                    {runs.length > namedRuns && (
                      <details>
                        <summary>{count(runs.length - namedRuns, "more", "more")}</summary>
                        <span class="run-links">{links(runs.slice(namedRuns))}</span>
                      </details>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}
