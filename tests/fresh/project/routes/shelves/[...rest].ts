import { define } from "../../utils.ts";

export const handler = define.handlers((ctx) => new Response(`${ctx.req.method} ${ctx.params["rest"]} ${ctx.route}`));
