import { define } from "../utils.ts";

export const handler = define.middleware([
  (ctx) => {
    ctx.state.passed.push("root");
    return ctx.next();
  },
  async (ctx) => {
    ctx.state.passed.push("second");
    const response = await ctx.next();
    response.headers.set("x-passed", ctx.state.passed.join(" "));
    return response;
  },
]);
