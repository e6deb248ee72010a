import { HttpError } from "fresh";
import { comparisonCsv, comparisonJson, parseComparison, readComparison } from "../../src/dashboard/comparison.ts";
import { accuracyFigure, earlyStopFigure } from "../../src/plot/level_figures.ts";
import { standalone } from "../../src/plot/styles.ts";
import { define } from "../../utils.ts";

/** What a comparison can be taken away as. */
const files = ["accuracy.svg", "early-stop.svg", "levels.csv", "comparison.json"] as const;

/** A comparison's pictures and numbers as files, for the runs that the address names as on its page. */
export const handler = define.handlers({
  async GET(ctx) {
    const file = files.find((own) => own === ctx.params["file"]);
    if (!file) throw new HttpError(404, `There is no such file: ask for one of ${files.join(", ")}.`);
    const query = parseComparison(ctx.url.searchParams);
    if (query.problem !== null) throw new HttpError(400, query.problem);
    if (query.ids.length === 0) throw new HttpError(400, "No run is named: add ?runs=ID,ID to the address.");
    const comparison = await readComparison(ctx.state.dashboard, query);
    if (comparison.missing.length > 0) throw new HttpError(404, `There is no run ${comparison.missing.join(", ")}.`);
    const runs = comparison.runs.map(({ id, figures }) => ({ name: id, figures }));
    const answer = (text: string, type: string): Response =>
      new Response(text, {
        headers: {
          "content-type": `${type}; charset=utf-8`,
          "content-disposition": `inline; filename="compare-${file}"`,
        },
      });
    switch (file) {
      case "accuracy.svg":
        return answer(standalone(accuracyFigure(runs, { prefix: "accuracy", at: query.at }).svg), "image/svg+xml");
      case "early-stop.svg":
        return answer(standalone(earlyStopFigure(runs, { prefix: "early-stop" }).svg), "image/svg+xml");
      case "levels.csv":
        return answer(comparisonCsv(comparison), "text/csv");
      case "comparison.json":
        return answer(comparisonJson(comparison), "application/json");
    }
  },
});
