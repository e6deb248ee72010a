import { answerWrite } from "../../../../src/dashboard/answers.ts";
import { readForm } from "../../../../src/dashboard/security.ts";
import { define } from "../../../../utils.ts";

export const handler = define.handlers({
  /** Asks a run to stop; it writes a checkpoint and ends by itself. */
  async POST(ctx) {
    const form = await readForm(ctx.req);
    const { id = "" } = ctx.params;
    return await answerWrite(ctx.req, form.get("back"), async () => {
      return await ctx.state.dashboard.stopRun(id) && { stopping: id };
    });
  },
});
