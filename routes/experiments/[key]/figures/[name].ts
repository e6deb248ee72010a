import { HttpError } from "fresh";
import { experimentFile } from "../../../../src/dashboard/experiments_files.ts";
import { define } from "../../../../utils.ts";

/** A figure of an experiment as a file: `panel-1.svg`, all panels in `figure.svg`; their numbers as `.csv` and `.json`. */
export const handler = define.handlers({
  async GET({ params: { key = "", name = "" }, state: { dashboard } }) {
    const result = await dashboard.readExperiment(key);
    const answer = result && experimentFile(result, name);
    if (!answer) throw new HttpError(404, "There is no such figure of this experiment.");
    return answer;
  },
});
