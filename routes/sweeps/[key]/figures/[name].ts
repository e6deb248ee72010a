import { HttpError } from "fresh";
import { sweepFile } from "../../../../src/dashboard/sweeps_files.ts";
import { define } from "../../../../utils.ts";

/** A figure of a sweep as a file: `grid.svg`, `coordinates.svg`; their numbers as `.csv` and `.json`. */
export const handler = define.handlers({
  async GET({ params: { key = "", name = "" }, state: { dashboard } }) {
    const view = await dashboard.readSweep(key);
    const answer = view && sweepFile(view, name);
    if (!answer) throw new HttpError(404, "There is no such figure of this sweep.");
    return answer;
  },
});
