import { asset } from "fresh/runtime";
import { define } from "../utils.ts";

/** The pages that stand above all others. Each appears when it has something to show. */
const places = [
  { path: "/", name: "Runs" },
  { path: "/experiments", name: "Experiments" },
  { path: "/sweeps", name: "Sweeps" },
  { path: "/compare", name: "Compare" },
  { path: "/tickets", name: "Tickets" },
  { path: "/adapter", name: "Adapter" },
  { path: "/try", name: "Try it" },
] as const;

export default define.page(({ Component, state, url }) => {
  const isHere = (path: string): boolean =>
    path === "/"
      ? url.pathname === "/" || url.pathname.startsWith("/runs/")
      : url.pathname === path || url.pathname.startsWith(`${path}/`);
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{state.title === undefined ? "Winnow" : `${state.title} · Winnow`}</title>
        <link rel="icon" href={asset("/icon.svg")} />
        <link rel="stylesheet" href={asset("/figures.css")} />
        <link rel="stylesheet" href={asset("/styles.css")} />
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header class="bar">
          <a class="brand" href="/">Winnow</a>
          <nav aria-label="Pages">
            <ul>
              {places.map(({ path, name }) => (
                <li>
                  <a href={path} aria-current={isHere(path) ? "page" : undefined}>{name}</a>
                </li>
              ))}
              {state.dashboard.canControl && (
                <li>
                  <a href="/new" aria-current={isHere("/new") ? "page" : undefined}>New run</a>
                </li>
              )}
            </ul>
          </nav>
        </header>
        <main id="main" tabIndex={-1}>
          <Component />
        </main>
      </body>
    </html>
  );
});
