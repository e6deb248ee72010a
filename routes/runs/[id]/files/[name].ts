import { HttpError } from "fresh";
import { unknownRun } from "../../../../src/dashboard/responses.ts";
import { givenFiles, readGiven } from "../../../../src/dashboard/run_folder.ts";
import { define } from "../../../../utils.ts";

/** A run's settings, manifest or summary as its file stands. */
export const handler = define.handlers({
  async GET({ params: { id = "", name: wanted }, state: { dashboard } }) {
    const name = givenFiles.find((own) => own === wanted);
    if (!name) throw new HttpError(404, `There is no such file: ask for one of ${givenFiles.join(", ")}.`);
    const run = await dashboard.readRun(id);
    if (!run) throw unknownRun(id);
    const bytes = await readGiven(run, name);
    if (!bytes) {
      throw new HttpError(
        404,
        `Run ${id} has no ${name}${name === "summary.json" ? " yet: it is written at the end" : ""}.`,
      );
    }
    return new Response(bytes, {
      headers: {
        "content-type": "application/json; charset=utf-8",
        "content-disposition": `attachment; filename="${id}-${name}"`,
      },
    });
  },
});
