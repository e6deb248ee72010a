import { page } from "fresh";
import { define } from "../utils.ts";

export const handler = define.handlers({
  GET(ctx) {
    ctx.state.title = "Not found";
    return page(undefined, { status: 404 });
  },
});

export default define.page(({ error, url }) => (
  <section class="state">
    <h1>There is nothing here</h1>
    <p>{error instanceof Error && error.message !== "" ? error.message : "There is no such page."}</p>
    <p class="soft">
      Asked for: <code>{url.pathname.slice(0, 200)}</code>
    </p>
    <p>
      <a href="/">All runs</a>
    </p>
  </section>
));
