import assert from "node:assert/strict";
import { join } from "node:path";
import { Builder } from "fresh/dev";

/** A project in a folder of its own. */
async function withProject(
  files: Readonly<Record<string, string>>,
  body: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "winnow-fresh-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("a file below routes/ that is no route is named", async () => {
  await withProject({ "routes/stray.ts": "export const answer = 42;" }, async (root) => {
    await assert.rejects(new Builder({ root }).build({ snapshot: "memory" }), /stray\.ts is no route/);
  });
});

Deno.test("a file below islands/ without a component is named", async () => {
  await withProject({ "islands/Empty.tsx": "export const answer = 42;" }, async (root) => {
    await assert.rejects(new Builder({ root }).build({ snapshot: "memory" }), /Empty\.tsx is no island/);
  });
});

Deno.test("an island that cannot be bundled is told with the reason", async () => {
  await withProject({ "islands/Broken.tsx": 'import "./missing.ts";\nexport default () => null;' }, async (root) => {
    await assert.rejects(new Builder({ root }).build({ snapshot: "memory" }), /missing/);
  });
});

Deno.test("a project without islands, routes or static files builds", async () => {
  await withProject({}, async (root) => {
    await new Builder({ root }).build({ snapshot: "memory" });
  });
});
