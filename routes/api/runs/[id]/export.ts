import { HttpError } from "fresh";
import { answered, chosen, download, formats, unknownRun } from "../../../../src/dashboard/responses.ts";
import { exportCsv, exportJson } from "../../../../src/store/export.ts";
import { define } from "../../../../utils.ts";

/** What a run has recorded, as `runs export` writes it: `?table=levels|metrics&format=csv|json`. */
export const handler = define.handlers({
  GET: ({ url, params: { id = "" }, state: { dashboard } }) =>
    answered(async () => {
      const format = chosen(url, "format", formats);
      const table = chosen(url, "table", ["levels", "metrics"]);
      const view = await dashboard.readRun(id);
      if (!view) throw unknownRun(id);
      if (!view.config) {
        throw new HttpError(409, `Cannot export ${id}: ${view.problems.join(" ")} \`runs verify ${id}\` says more.`);
      }
      const runs = dashboard.exported([id]);
      return download(format === "csv" ? exportCsv(runs, table) : exportJson(runs, [table]), format, `${id}-${table}`);
    }),
});
