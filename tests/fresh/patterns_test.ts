import assert from "node:assert/strict";
import { bySpecificity, folderPattern, patternOf } from "../../src/fresh/patterns.ts";

Deno.test("a path below routes/ gives the pattern that Fresh's documentation says", () => {
  // The table of fresh.deno.dev/docs/concepts/file-routing.
  const expected: Readonly<Record<string, string>> = {
    "index": "/",
    "about": "/about",
    "blog/index": "/blog",
    "blog/[slug]": "/blog/:slug",
    "blog/[slug]/comments": "/blog/:slug/comments",
    "old/[...path]": "/old/:path*",
    "(marketing)/career": "/career",
  };
  for (const [path, pattern] of Object.entries(expected)) assert.equal(patternOf(path), pattern);
});

Deno.test("a middleware is for its folder", () => {
  assert.equal(folderPattern("_middleware"), "/");
  assert.equal(folderPattern("runs/[id]/_middleware"), "/runs/:id");
});

Deno.test("patterns that say more come first, whatever order they are given in", () => {
  const ordered = ["/", "/runs/new", "/runs", "/runs/:id/levels/:level", "/runs/:id", "/runs/:rest*"];
  for (const given of [ordered, ordered.toReversed(), ordered.toSorted()]) {
    assert.deepEqual(given.toSorted(bySpecificity).filter((own) => own.startsWith("/runs/")), [
      "/runs/new",
      "/runs/:id/levels/:level",
      "/runs/:id",
      "/runs/:rest*",
    ]);
  }
});
