import { HttpError, page } from "fresh";
import {
  Control,
  controlOf,
  type ExistingRun,
  existingRun,
  NoControlError,
  type Start,
} from "../src/dashboard/control.ts";
import { formOf, MalformedFormError, readRunForm, type RunForm, type RunRequest } from "../src/dashboard/run_form.ts";
import { RunFields, RunMeeting, RunProblems } from "../src/dashboard/run_fields.tsx";
import { readForm } from "../src/dashboard/security.ts";
import type { RunRow } from "../src/dashboard/types.ts";
import { presetNames, presets } from "../src/lottery/config.ts";
import { wantedNetworks } from "../src/lottery/wanted.ts";
import { define, type State } from "../utils.ts";

/** What the page shows. */
type NewRun = {
  /** Runs cannot be started from here, or not by this visitor. */
  readonly kind: "closed";
  readonly reason: "no-permission" | "no-token";
} | {
  readonly kind: "form";
  readonly form: RunForm;
  /** What kept the run from being started, when it was none of the fields. */
  readonly refusal: string | undefined;
  readonly existing: ExistingRun | undefined;
  readonly running: readonly RunRow[];
  readonly starts: readonly Start[];
};

/** The last starts, below the form. */
const mostStarts = 5;

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "New run";
    const closed = await closedTo(ctx.state);
    if (closed) return page<NewRun>(closed);
    const { form, request } = await asForm(() => formOf(ctx.url.searchParams));
    // An address with more than a preset in it comes from a run, which may be there already.
    const isFilled = [...ctx.url.searchParams.keys()].some((name) => name !== "preset");
    return page<NewRun>(await formData(ctx.state, form, isFilled ? request : undefined));
  },

  async POST(ctx) {
    ctx.state.title = "New run";
    const { dashboard } = ctx.state;
    const closed = await closedTo(ctx.state);
    if (closed) return page<NewRun>(closed, { status: 403 });
    const data = await readForm(ctx.req);
    const { form, request } = await asForm(() => readRunForm(data));
    if (!request) return page<NewRun>(await formData(ctx.state, form, undefined), { status: 422 });
    if (request.existing === "ask") {
      const shown = await formData(ctx.state, form, request);
      if (shown.existing) return page<NewRun>(shown, { status: 409 });
    }
    try {
      return ctx.redirect(`/starts/${await controlOf(dashboard).start(request)}`, 303);
    } catch (error) {
      if (!(error instanceof NoControlError)) throw error;
      const shown = await formData(ctx.state, form, undefined);
      return page<NewRun>({ ...shown, refusal: error.message }, { status: 403 });
    }
  },
});

export default define.page<typeof handler>(({ data }) =>
  data.kind === "closed" ? <Closed reason={data.reason} /> : (
    <>
      <h1>New run</h1>
      <Running rows={data.running} />
      {data.refusal && <p class="notice bad" role="alert">{data.refusal}</p>}
      <RunProblems problems={data.form.problems} />
      <Presets form={data.form} />
      <form method="post" action="/new" class="stack">
        {/* What Enter in a field presses: the first button of the form, which would else be one of the choices below. */}
        <button type="submit" class="visually-hidden" tabIndex={-1} aria-hidden="true">Start the run</button>
        <RunMeeting existing={data.existing} />
        <RunFields form={data.form} />
        <div class="row">
          <button type="submit" class="primary">Start the run</button>
          <span class="soft small">
            It trains in a process of its own: closing the dashboard does not disturb it.
          </span>
        </div>
      </form>
      <Starts starts={data.starts} />
    </>
  )
);

/** Why nobody, or not this visitor, starts a run here; undefined when the form may be shown. */
async function closedTo({ dashboard, isTrusted }: State): Promise<(NewRun & { kind: "closed" }) | undefined> {
  if (!dashboard.canControl || !await Control.isAllowed()) return { kind: "closed", reason: "no-permission" };
  return isTrusted ? undefined : { kind: "closed", reason: "no-token" };
}

async function formData(
  { dashboard }: State,
  form: RunForm,
  request: RunRequest | undefined,
): Promise<NewRun & { kind: "form" }> {
  const rows = await dashboard.listRuns();
  const control = controlOf(dashboard);
  const [existing, starts] = await Promise.all([
    request && existingRun(request.config, dashboard.runs, rows),
    Promise.all((await control.newest(mostStarts)).map((name) => control.read(name))),
  ]);
  return {
    kind: "form",
    form,
    refusal: undefined,
    existing,
    running: rows.filter(({ state }) => state === "running"),
    starts: starts.filter((own) => own !== undefined),
  };
}

/** What is no form of ours is refused as a whole. */
async function asForm<Read>(read: () => Promise<Read>): Promise<Read> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof MalformedFormError ? new HttpError(400, error.message) : error;
  }
}

function Closed({ reason }: { reason: "no-permission" | "no-token" }) {
  return (
    <section class="state">
      <h1>New run</h1>
      {reason === "no-permission"
        ? (
          <>
            <p>
              This dashboard only reads: Deno does not let it run programs, and a run is one. Start it once more as
            </p>
            <pre><code>deno task dashboard:control</code></pre>
            <p>
              to start runs from this page, or start one in a terminal: <code>deno task lottery --help</code>{" "}
              has every setting, and the run appears here by itself.
            </p>
          </>
        )
        : (
          <p>
            Starting a run needs the token of this dashboard's start: open the address that it printed in its terminal.
          </p>
        )}
      <p>
        <a href="/">All runs</a>
      </p>
    </section>
  );
}

/** Who is training already, by adapter. */
function Running({ rows }: { rows: readonly RunRow[] }) {
  if (rows.length === 0) return null;
  const adapters = new Map<string, number>();
  for (const { adapter } of rows) {
    const name = adapter ?? "an adapter that is not known yet";
    adapters.set(name, (adapters.get(name) ?? 0) + 1);
  }
  return (
    <p class="notice warn">
      {[...adapters].map(([name, count]) => `${count === 1 ? "1 run is" : `${count} runs are`} training on ${name}.`)
        .join(" ")} A further one on the same adapter is allowed, and slows them all down.
    </p>
  );
}

/** The choice of a preset: without script, by loading the page again. */
function Presets({ form }: { form: RunForm }) {
  const { config, description } = presets[form.preset];
  const networks = wantedNetworks(config).length;
  return (
    <form method="get" action="/new" class="panel stack">
      <div class="row">
        <label for="preset">Preset</label>
        <select id="preset" name="preset" aria-describedby="preset-hint">
          {presetNames.map((name) => <option key={name} value={name} selected={name === form.preset}>{name}</option>)}
        </select>
        <button type="submit">Fill in its values</button>
      </div>
      <p id="preset-hint" class="soft">
        {description} As it is, it trains {networks} networks of {config.iterations} iterations each.
      </p>
    </form>
  );
}

function Starts({ starts }: { starts: readonly Start[] }) {
  if (starts.length === 0) return null;
  return (
    <section class="stack">
      <h2>Started from here lately</h2>
      <ul class="starts">
        {starts.map(({ name, started, state, id, sentence }) => (
          <li key={name}>
            <a href={`/starts/${name}`}>{id ?? name}</a> <span class={`badge ${badges[state]}`}>{words[state]}</span>
            {" "}
            {started !== null && <span class="soft small">{started.slice(0, 16).replace("T", " ")} UTC</span>}
            {state === "failed" && <p class="small soft">{sentence}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

const badges = {
  waiting: "running",
  running: "running",
  finished: "finished",
  stopped: "unfinished",
  failed: "failed",
  exists: "unfinished",
} as const satisfies Record<Start["state"], string>;

const words = {
  waiting: "starting",
  running: "running",
  finished: "finished",
  stopped: "stopped",
  failed: "failed",
  exists: "was there already",
} as const satisfies Record<Start["state"], string>;
