import { define } from "../../utils.ts";

export const handler = define.middleware((ctx) => {
  ctx.state.passed.push("shelves");
  return ctx.next();
});
