import { HttpError, page } from "fresh";
import { controlOf } from "../../src/dashboard/control.ts";
import { define } from "../../utils.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const { dashboard } = ctx.state;
    const start = await controlOf(dashboard).read(ctx.params["name"] ?? "");
    if (!start) throw new HttpError(404, "There is no such start.");
    // Who waits for the run wants to see it, also where it was quicker than the page.
    const isThere = start.state === "running" || start.state === "finished" && ctx.url.searchParams.has("follow");
    if (isThere) return ctx.redirect(`/runs/${start.id}`, 303);
    ctx.state.title = titles[start.state];
    // Loads the page again until there is a run to lead to; a header, so that it works without script.
    const refresh = `1; url=${ctx.url.pathname}?follow`;
    return page({ start }, start.state === "waiting" ? { headers: { refresh } } : {});
  },
});

export default define.page<typeof handler>(({ data: { start: { state, id, sentence, command, form, lines } } }) => {
  // Of many failures the error is all there is, and it stands above.
  const hasMore = lines.length > 1 || lines.length === 1 && state !== "failed";
  return (
    <>
      <h1>{titles[state]}</h1>
      <p class={`notice ${state === "failed" ? "bad" : state === "finished" ? "good" : ""}`} role="status">
        {sentence}
      </p>
      {state === "waiting" && <p class="soft">This page leads to the run by itself.</p>}
      {state !== "waiting" && (
        <div class="row">
          {id !== undefined && state !== "failed" && <a class="button" href={`/runs/${id}`}>Open run {id}</a>}
          <a class="button" href={form}>
            {state === "exists" ? "Go on with it, or train another" : "Back to the form with these settings"}
          </a>
          <a href="/">All runs</a>
        </div>
      )}
      <section class="stack">
        <h2>The same in a terminal</h2>
        <pre class="wrapped"><code>{command}</code></pre>
      </section>
      {hasMore && (
        <section class="stack">
          <h2>What it said last</h2>
          <pre class="wrapped">{lines.join("\n")}</pre>
        </section>
      )}
    </>
  );
});

const titles = {
  waiting: "The run is starting",
  running: "The run is training",
  finished: "The run is finished",
  stopped: "The run was stopped",
  failed: "The run could not go on",
  exists: "A run of these settings is there already",
} as const;
