import { HttpError } from "fresh";
import { figureAnswer } from "../../../../src/dashboard/figure_files.ts";
import { define } from "../../../../utils.ts";

/** A figure of a run as a file: `accuracy.svg?at=end`, its numbers as `.csv` and `.json`. */
export const handler = define.handlers({
  async GET({ params: { id = "", name = "" }, url, state: { dashboard } }) {
    const answer = await figureAnswer(dashboard, id, name, url.searchParams);
    if (!answer) throw new HttpError(404, "There is no such figure of this run.");
    return answer;
  },
});
