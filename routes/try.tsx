import { page } from "fresh";
import TryIt from "../islands/TryIt.tsx";
import { settingsFrom } from "../src/dashboard/try_settings.ts";
import { define } from "../utils.ts";

export const handler = define.handlers({
  GET(ctx) {
    ctx.state.title = "Try it";
    return page(settingsFrom(ctx.url.searchParams));
  },
});

export default define.page<typeof handler>(({ data }) => (
  <>
    <div class="stack">
      <h1>Find a winning ticket in this browser</h1>
      <div class="columns figures-beside">
        <p>
          Train a small network to read digits, prune its smallest weights, reset the rest to the values they began
          with, and train again: what is left is a{" "}
          <em>ticket</em>. It wins if it learns as fast and as well as the whole network. The control beside it has the
          same connections with fresh initial values, and shows whether those matter.
        </p>
        <p class="soft">
          Everything is computed on this machine through WebGPU, by the same code and kernels as on the command line.
          Nothing leaves it, and no run is recorded.
        </p>
      </div>
    </div>
    {data.problems.map((problem) => <p key={problem} class="notice warn">{problem}</p>)}
    <noscript>
      <p class="notice bad">
        This page needs JavaScript: the training is a script. Without it, <code>./denow task lottery</code>{" "}
        does the same on the command line.
      </p>
    </noscript>
    <TryIt settings={data.settings} />
  </>
));
