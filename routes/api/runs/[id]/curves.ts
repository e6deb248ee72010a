import {
  answered,
  chosen,
  curveQuery,
  curvesCsv,
  download,
  formats,
  unknownRun,
} from "../../../../src/dashboard/responses.ts";
import { define } from "../../../../utils.ts";

/** Curves of a run: `?metric=&arms=&levels=&networks=&format=`. */
export const handler = define.handlers({
  GET: ({ url, params: { id = "" }, state: { dashboard } }) =>
    answered(async () => {
      const format = chosen(url, "format", formats);
      const query = curveQuery(url);
      const curves = await dashboard.readCurves(id, query);
      if (!curves) throw unknownRun(id);
      if (format === "csv") return download([curvesCsv(curves, query.metric)], format, `${id}-${query.metric}`);
      return Response.json({ schema: 1, run: id, query, curves });
    }),
});
