import { answerWrite } from "../../../../src/dashboard/answers.ts";
import { readForm } from "../../../../src/dashboard/security.ts";
import { define } from "../../../../utils.ts";

export const handler = define.handlers({
  /** Puts the form's `tags`, with commas between them, in the place of a run's. */
  async POST(ctx) {
    const form = await readForm(ctx.req);
    return await answerWrite(ctx.req, form.get("back"), async () => {
      const text = form.get("tags");
      const tags = typeof text === "string" ? text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== "") : [];
      return await ctx.state.dashboard.setTags(ctx.params.id ?? "", tags) && { tags };
    });
  },
});
