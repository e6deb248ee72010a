import { HttpError } from "fresh";
import { jsonOf } from "../../../src/cli/experiment_text.ts";
import { wholeRows } from "../../../src/dashboard/experiments_files.ts";
import { rowsCsv } from "../../../src/dashboard/figure_files.ts";
import { answered, chosen, download, formats } from "../../../src/dashboard/responses.ts";
import { quoted } from "../../../src/data/quoted.ts";
import { define } from "../../../utils.ts";

/** An experiment's results, as `experiment --json` prints them; with `?format=csv` the levels of its panels. */
export const handler = define.handlers({
  GET: ({ url, params: { key = "" }, state: { dashboard } }) =>
    answered(async () => {
      const format = chosen(url, "format", formats);
      const result = await dashboard.readExperiment(key);
      if (!result) throw new HttpError(404, `There is no experiment ${quoted(key)}.`);
      const { view, problem } = result;
      if (!view) throw new HttpError(409, `Cannot export ${key}: ${problem}`);
      const content = format === "csv" ? rowsCsv(wholeRows(result)) : `${JSON.stringify(jsonOf(view), null, 2)}\n`;
      return download([content], format, key);
    }),
});
