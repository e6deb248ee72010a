import { isRunId } from "../../src/store/index.ts";
import { listIn } from "../../src/dashboard/responses.ts";
import { define } from "../../utils.ts";

/** Server-sent events: of all runs, or of those that `?runs=` names with commas. */
export const handler = define.handlers({
  GET({ url, state: { dashboard } }) {
    const runs = listIn(url, "runs").filter(isRunId).slice(0, 1000);
    const query = url.searchParams.has("runs") ? { runs } : {};
    return new Response(dashboard.events(query), {
      headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
    });
  },
});
