import assert from "node:assert/strict";
import type { Archive } from "../../src/data/cifar10.ts";
import { fetchArchive, type FetchOptions } from "../../src/store/archive_folder.ts";
import { gzip } from "../data/idx_bytes.ts";
import { tar, tarFile } from "../data/tar_bytes.ts";
import { filesBelow, TemporaryFolder } from "./folders.ts";

const contents = new Map([["one.bin", Uint8Array.from({ length: 700 }, (_, at) => at)], [
  "two.bin",
  Uint8Array.of(1, 2),
]]);
const files = new Map([...contents].map(([name, { length }]) => [name, length]));

/** An archive of these files, and of some more. */
function packed(
  more: readonly Uint8Array[] = [],
  own: ReadonlyMap<string, Uint8Array> = contents,
): Promise<Uint8Array<ArrayBuffer>> {
  return gzip(tar(
    tarFile("batches/", new Uint8Array(0), { type: "5" }),
    ...[...own].map(([name, bytes]) => tarFile(`batches/${name}`, bytes)),
    ...more,
  ));
}

/** A server on this machine, until its scope ends. */
function serve(
  handler: (request: Request) => Response | Promise<Response>,
): AsyncDisposable & { readonly url: string } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}/set.tar.gz`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function archiveOf(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<Archive> {
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  return { url, bytes: bytes.length, sha256, folder: "batches", files };
}

/** Fetches from a handler's server, wants an error, and that nothing at all is left. */
async function refused(
  handler: (request: Request) => Response | Promise<Response>,
  error: { readonly name?: string; readonly message: RegExp },
  change: Partial<Archive> = {},
  options: FetchOptions = {},
): Promise<void> {
  await using server = serve(handler);
  using root = new TemporaryFolder();
  const archive = { ...await archiveOf(server.url, await packed()), ...change };
  await assert.rejects(fetchArchive(archive, `${root.path}/data/batches`, options), error);
  assert.deepEqual([...Deno.readDirSync(root.path)], [], "nothing is left");
}

Deno.test("an archive is downloaded with progress, checked and unpacked; the second time nothing is downloaded", async () => {
  const bytes = await packed([tarFile("batches/readme.html", Uint8Array.of(7))]);
  let requests = 0;
  await using server = serve(() => {
    requests++;
    return new Response(bytes);
  });
  using root = new TemporaryFolder();
  const folder = `${root.path}/data/batches`;
  const archive = await archiveOf(server.url, bytes);
  const told: [string, number, number][] = [];
  assert.equal(await fetchArchive(archive, folder, { onProgress: (...what) => void told.push(what) }), true);
  assert.deepEqual([...await filesBelow(root.path)], [...contents].map(([name, own]) => [`data/batches/${name}`, own]));
  assert.deepEqual(told[0], ["download", 0, bytes.length]);
  assert.ok(told.some(([stage, seen]) => stage === "download" && seen === bytes.length));
  assert.deepEqual(told.at(-1), ["unpack", 0, bytes.length]);
  assert.equal(
    Deno.statSync(folder).mode,
    Deno.statSync(`${root.path}/data`).mode,
    "readable by whom folders usually are",
  );
  assert.deepEqual([...Deno.readDirSync(`${root.path}/data`)].map(({ name }) => name), ["batches"]);
  assert.equal(await fetchArchive(archive, folder), false);
  assert.equal(requests, 1);
});

Deno.test("a redirection is followed, so many and no more", async () => {
  const bytes = await packed();
  const far = (request: Request): Response => {
    const step = Number(new URL(request.url).searchParams.get("step"));
    return step === 5
      ? new Response(bytes)
      : new Response(null, { status: 302, headers: { location: `?step=${step + 1}` } });
  };
  await using server = serve(far);
  using root = new TemporaryFolder();
  assert.equal(await fetchArchive(await archiveOf(server.url, bytes), `${root.path}/batches`), true);
  await refused(() => new Response(null, { status: 302, headers: { location: "?" } }), {
    message: /Cannot download http.*more than 5 times.*--data-dir/,
  });
});

Deno.test("an archive with another SHA-256 is not unpacked", async () => {
  const bytes = await packed();
  bytes[20]! ^= 1;
  await refused(() => new Response(bytes), {
    message: /^Cannot use http:.* SHA-256 is [0-9a-f]{64}, and the published one [0-9a-f]{64}\. Nothing was unpacked/,
  });
});

Deno.test("a server that fails, sends too little, too much or nothing more leaves an error with a remedy", async () => {
  const bytes = await packed();
  const stream = (pieces: readonly Uint8Array<ArrayBuffer>[], ends: boolean): ReadableStream<Uint8Array<ArrayBuffer>> =>
    new ReadableStream({
      start(controller): void {
        for (const piece of pieces) controller.enqueue(piece);
        if (ends) controller.close();
      },
    });
  await refused(() => new Response("gone", { status: 404, statusText: "Not Found" }), {
    message: /^Cannot download http:.*answered 404 Not Found\. Try again later.*--data-dir/,
  });
  await refused(() => new Response(bytes.slice(9)), { message: /announces \d+ bytes, and the archive has \d+/ });
  await refused(() => new Response(stream([bytes.slice(9)], true)), {
    message: /sent \d+ of the archive's \d+ bytes.*--data-dir/,
  });
  await refused(() => new Response(stream([bytes, bytes], true)), {
    message: /sends more than the archive's \d+ bytes/,
  });
  await refused(
    () => new Response(stream([bytes.slice(0, 9)], false)),
    {
      message: /the server was silent for 0\.2 seconds\. Look at the connection/,
    },
    {},
    { patienceSeconds: 0.2 },
  );
});

Deno.test("without a connection, the error says so and what else can be done", async () => {
  const server = serve(() => new Response());
  await server[Symbol.asyncDispose]();
  using root = new TemporaryFolder();
  const archive = await archiveOf(server.url, await packed());
  await assert.rejects(fetchArchive(archive, `${root.path}/data/batches`), {
    message: /^Cannot download http:.*Look at the connection and try again; or get the archive another way.*--data-dir/,
  });
  assert.deepEqual([...Deno.readDirSync(root.path)], []);
});

Deno.test({
  name: "without the permission for a host, the error names host and flag",
  permissions: { net: false, read: "inherit", write: "inherit" },
  async fn(): Promise<void> {
    using root = new TemporaryFolder();
    const archive = await archiveOf("https://www.cs.toronto.edu/set.tar.gz", await packed());
    await assert.rejects(fetchArchive(archive, `${root.path}/batches`), {
      message: /the permission for www\.cs\.toronto\.edu\. Add --allow-net=www\.cs\.toronto\.edu, or/,
    });
    assert.deepEqual([...Deno.readDirSync(root.path)], []);
  },
});

Deno.test({
  name: "without the permission to write, nothing is downloaded and the error says what to do",
  permissions: { net: "inherit", read: "inherit", write: false },
  async fn(): Promise<void> {
    await using server = serve(() => assert.fail("asked"));
    const archive = await archiveOf(server.url, await packed());
    await assert.rejects(fetchArchive(archive, "/nowhere/data/batches"), {
      name: "StorageError",
      message: /^Cannot write \/nowhere\/data\/batches: Deno was started without the permission\. Start in/,
    });
  },
});

Deno.test("an archive that lacks a file, or has one of another size, leaves nothing", async () => {
  const without = await packed([], new Map([["one.bin", new Uint8Array(700)]]));
  await refused(() => new Response(without), {
    name: "SyntaxError",
    message: /Cannot unpack set\.tar\.gz: there is no two\.bin in its folder batches/,
  }, await archiveOf("", without).then(({ bytes, sha256 }) => ({ bytes, sha256 })));
  const other = await packed([], new Map([["one.bin", new Uint8Array(701)]]));
  await refused(() => new Response(other), {
    name: "SyntaxError",
    message: /batches\/one\.bin has 701 bytes, and 700 are wanted/,
  }, await archiveOf("", other).then(({ bytes, sha256 }) => ({ bytes, sha256 })));
});

Deno.test("no path in an archive leads out of the folder, and no file is unpacked twice", async () => {
  const bytes = await packed([
    tarFile("batches/../../evil", Uint8Array.of(6)),
    tarFile("/tmp/evil", Uint8Array.of(6)),
    tarFile("batches/one.bin/../two.bin", Uint8Array.of(6)),
    tarFile("batches/two.bin", Uint8Array.of(6, 6)),
  ]);
  await using server = serve(() => new Response(bytes));
  using root = new TemporaryFolder();
  await fetchArchive(await archiveOf(server.url, bytes), `${root.path}/a/b/batches`);
  assert.deepEqual([...await filesBelow(root.path)], [...contents].map(([name, own]) => [`a/b/batches/${name}`, own]));
});

Deno.test("what is in the place already is neither overwritten nor taken away, unless it is an empty folder", async () => {
  const bytes = await packed();
  await using server = serve(() => new Response(bytes));
  const archive = await archiveOf(server.url, bytes);
  using root = new TemporaryFolder();
  const folder = `${root.path}/batches`;
  const refusal = { name: "StorageError", message: /it is there already, without .*two\.bin.* Move it out of the way/ };

  await Deno.mkdir(folder);
  await Deno.writeFile(`${folder}/one.bin`, contents.get("one.bin") ?? new Uint8Array(0));
  await Deno.writeFile(`${folder}/two.bin`, Uint8Array.of(1));
  await assert.rejects(fetchArchive(archive, folder), refusal);
  assert.equal((await filesBelow(root.path)).size, 2);

  await Deno.remove(folder, { recursive: true });
  await Deno.writeTextFile(folder, "a file of mine");
  await assert.rejects(fetchArchive(archive, folder), refusal);
  assert.equal(await Deno.readTextFile(folder), "a file of mine");

  await Deno.remove(folder);
  await Deno.mkdir(folder);
  assert.equal(await fetchArchive(archive, folder), true);
});

Deno.test("a download that is stopped leaves nothing, and what stopped it is what is thrown", async () => {
  const controller = new AbortController();
  await refused(
    () => {
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (stream) => stream.enqueue(new Uint8Array(9)),
      });
      return new Response(body);
    },
    { name: "AbortError", message: /Stopped by the user/ },
    {},
    {
      signal: controller.signal,
      onProgress: (_, seen) => {
        if (seen > 0) controller.abort(new DOMException("Stopped by the user", "AbortError"));
      },
    },
  );
});
