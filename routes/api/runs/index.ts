import { answered, chosen, download, formats } from "../../../src/dashboard/responses.ts";
import { exportCsv, exportJson } from "../../../src/store/export.ts";
import { define } from "../../../utils.ts";

/**
 * All runs: `?table=runs` the rows of the overview as JSON, `?table=levels` a row per trained network as CSV or JSON, as
 * `runs export --all` writes them.
 */
export const handler = define.handlers({
  GET: ({ url, state: { dashboard } }) =>
    answered(async () => {
      const table = chosen(url, "table", ["levels", "runs"]);
      const format = chosen(url, "format", formats);
      if (table === "runs") {
        // Asked before the rows are read: what happens in between is told once more, not missed.
        const { version } = dashboard;
        return Response.json({ schema: 1, version, runs: await dashboard.listRuns() });
      }
      const runs = dashboard.exported();
      return download(
        format === "csv" ? exportCsv(runs, "levels") : exportJson(runs, ["levels"]),
        format,
        "runs-levels",
      );
    }),
});
