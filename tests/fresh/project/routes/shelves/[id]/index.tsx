import { HttpError, page } from "fresh";
import { define } from "../../../utils.ts";

export const handler = define.handlers({
  GET(ctx) {
    const id = ctx.params["id"] ?? "";
    if (id === "gone") throw new HttpError(410, "This shelf is gone.");
    if (id === "odd") return new Response("odd");
    if (id === "away") return ctx.redirect("//elsewhere.example/shelf?a=//b", 303);
    if (id === "broken") throw new TypeError("a secret of the server");
    return page({ id }, { status: 202, headers: { "x-shelf": encodeURIComponent(id) } });
  },
  async POST(ctx) {
    return Response.json({ id: ctx.params["id"], body: await ctx.req.text() });
  },
});

export default define.page<typeof handler>(({ data, url }) => <p title={url.pathname}>Shelf {data.id}</p>);
