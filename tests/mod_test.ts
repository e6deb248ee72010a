/**
 * The public module, used as a stranger would: imported by URL from an empty folder, and through the examples.
 */
import assert from "node:assert/strict";

const root = new URL("../", import.meta.url);

/** Serves the project's files as a plain web server would. */
function serveProject(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (!/^\/(mod\.ts|(src|kernels)\/[\w/]+\.(ts|wgsl))$/.test(pathname)) return new Response(null, { status: 404 });
    const type = pathname.endsWith(".ts") ? "application/typescript" : "text/plain";
    return new Response(await Deno.readFile(new URL(`.${pathname}`, root)), { headers: { "content-type": type } });
  });
}

async function run(args: readonly string[], cwd: string): Promise<string> {
  const command = new Deno.Command("deno", { args: [...args], cwd, stdin: "null", stdout: "piped", stderr: "piped" });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  assert.equal(code, 0, `deno ${args.join(" ")}\n${text.decode(stderr)}`);
  return text.decode(stdout);
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "winnow-mod-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("mod.ts imported by URL trains on MNIST from an empty folder, with the permissions that the README states", async () => {
  const server = serveProject();
  const host = `127.0.0.1:${server.addr.port}`;
  try {
    await withFolder(async (folder) => {
      await Deno.writeTextFile(
        `${folder}/find.ts`,
        `import { loadDataset, lottery, preset } from "http://${host}/mod.ts";
const config = preset("lenet-quick", { levels: 1, iterations: 60, evalEvery: 30, trainSize: 2000, controls: [] });
const dataset = await loadDataset("mnist");
for await (const event of lottery(config, { dataset })) {
  if (event.type === "level-end") console.log(JSON.stringify(event.records));
}
`,
      );
      const output = await run(
        ["run", "--no-prompt", "--unstable-raw-imports", `--allow-import=${host}`, "find.ts"],
        folder,
      );
      const levels = output.trim().split("\n").map((line) => JSON.parse(line));
      assert.equal(levels.length, 2);
      assert.equal(levels[0][0].remaining, 1);
      assert.ok(Math.abs(levels[1][0].remaining - 0.6008) < 0.0005, `remaining is ${levels[1][0].remaining}`);
      // Sixty steps of Adam on MNIST leave chance (10 %) far behind.
      assert.ok(levels[0][0].testAccuracyAtEnd > 0.7, `test accuracy is ${levels[0][0].testAccuracyAtEnd}`);
    });
  } finally {
    await server.shutdown();
  }
});

Deno.test("the examples find a ticket, write it, train it and predict with it", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/ticket.safetensors`;
    const example = (name: string): string => new URL(`examples/${name}.ts`, root).pathname;
    const found = await run(["run", "--no-prompt", `--allow-write=${file}`, example("find_ticket"), file], folder);
    assert.match(found, /^ticket: 100\.0 % of the weights, early stop at \d+, test accuracy \d+\.\d %$/m);
    assert.match(found, /^reinit: \d+\.\d % of the weights/m);
    const used = await run(["run", "--no-prompt", `--allow-read=${file}`, example("use_ticket"), file], folder);
    const accuracy = Number(/test accuracy (\d+\.\d) %/.exec(used)?.[1]);
    assert.ok(accuracy > 90, used);
    assert.match(used, /first ten digits: (\d ){9}\d/);
  });
});

Deno.test("the examples are under 30 lines", async () => {
  for (const name of ["find_ticket", "use_ticket"]) {
    const text = await Deno.readTextFile(new URL(`examples/${name}.ts`, root));
    assert.ok(text.trimEnd().split("\n").length < 30, name);
  }
});
