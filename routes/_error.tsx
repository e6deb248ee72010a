import { HttpError } from "fresh";
import { define } from "../utils.ts";

export default define.page(({ error }) => {
  const isOurs = error instanceof HttpError;
  return (
    <section class="state">
      <h1>{isOurs ? "This cannot be done" : "The dashboard failed to answer"}</h1>
      <p>
        {isOurs
          ? error.message
          : "What went wrong stands in the terminal that the dashboard runs in. Runs are not touched by it."}
      </p>
      <p>
        <a href="/">All runs</a>
      </p>
    </section>
  );
});
