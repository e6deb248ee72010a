import { HttpError } from "fresh";
import { define } from "../utils.ts";

export default define.page(({ error, req, url }) => {
  const isOurs = error instanceof HttpError;
  // What was sent is not sent again by a link.
  const canAskAgain = !isOurs && req.method === "GET";
  return (
    <section class="state">
      <h1>{isOurs ? "This cannot be done" : "The dashboard failed to answer"}</h1>
      <p>
        {isOurs
          ? error.message
          : "What went wrong stands in the terminal that the dashboard runs in. Runs are not touched by it."}
      </p>
      <p class="row">
        {canAskAgain && <a href={`${url.pathname}${url.search}`}>Try again</a>}
        <a href="/">All runs</a>
      </p>
    </section>
  );
});
