import { page } from "fresh";
import RunTable from "../islands/RunTable.tsx";
import { wantsJson } from "../src/dashboard/answers.ts";
import { overviewOf, queryFrom } from "../src/dashboard/run_table.ts";
import { define } from "../utils.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const { dashboard, isTrusted } = ctx.state;
    const parameters = ctx.url.searchParams;
    const query = queryFrom(parameters);
    // Before the rows: what happens meanwhile is then fetched once more, rather than missed.
    const { version } = dashboard;
    const rows = await dashboard.listRuns();
    const overview = overviewOf(rows, query, version);
    const headers = { vary: "accept" };
    if (wantsJson(ctx.req)) return Response.json(overview, { headers });
    ctx.state.title = "Runs";
    const removing = isTrusted ? rows.find(({ id }) => id === parameters.get("remove")) ?? null : null;
    return page({
      overview,
      query,
      removing,
      tagging: isTrusted ? parameters.get("tags") : null,
      now: Date.now(),
    }, { headers });
  },
});

export default define.page<typeof handler>(({ data, state: { dashboard, isTrusted } }) => (
  <RunTable {...data} isTrusted={isTrusted} folder={dashboard.runs} />
));
