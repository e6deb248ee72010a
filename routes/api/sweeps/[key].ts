import { HttpError } from "fresh";
import { rowsCsv } from "../../../src/dashboard/figure_files.ts";
import { answered, chosen, download, formats } from "../../../src/dashboard/responses.ts";
import { sweepJson, sweepRows } from "../../../src/dashboard/sweeps_files.ts";
import { quoted } from "../../../src/data/quoted.ts";
import { define } from "../../../utils.ts";

/** A sweep: how its runs stand, what they differ in and what they came to. `?format=json|csv`. */
export const handler = define.handlers({
  GET: ({ url, params: { key = "" }, state: { dashboard } }) =>
    answered(async () => {
      const format = chosen(url, "format", formats);
      const view = await dashboard.readSweep(key);
      if (!view) throw new HttpError(404, `There is no sweep ${quoted(key)}.`);
      const content = format === "csv" ? rowsCsv(sweepRows(view)) : `${JSON.stringify(sweepJson(view), null, 2)}\n`;
      return download([content], format, key);
    }),
});
