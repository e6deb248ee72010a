import { asset } from "fresh/runtime";
import { define } from "../utils.ts";

export default define.page(({ Component, state }) => (
  <html lang="en">
    <head>
      <title>{state.passed.join(" ")}</title>
      <link rel="stylesheet" href={asset("/styles.css")} />
    </head>
    <body>
      <main>
        <Component />
      </main>
    </body>
  </html>
));
