import { answerWrite } from "../../../../src/dashboard/answers.ts";
import { readForm } from "../../../../src/dashboard/security.ts";
import { define } from "../../../../utils.ts";

export const handler = define.handlers({
  /** Deletes a run with everything in its folder. */
  async POST(ctx) {
    const form = await readForm(ctx.req);
    const { id = "" } = ctx.params;
    return await answerWrite(ctx.req, form.get("back"), async () => {
      return await ctx.state.dashboard.removeRun(id) && { removed: id };
    });
  },
});
