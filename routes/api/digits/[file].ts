import { answerWith, digits } from "../../../src/dashboard/try_digits.ts";
import { define } from "../../../utils.ts";

/** One of the four IDX files, to be kept by the browser. */
export const handler = define.handlers({
  GET(ctx) {
    return answerWith(digits, ctx.params["file"] ?? "", ctx.req);
  },
});
