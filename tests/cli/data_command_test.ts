/** The command `data`. */
import assert from "node:assert/strict";
import { dataCommand } from "../../src/cli/data.ts";
import type { DatasetName } from "../../src/data/dataset.ts";
import { cifar10Path, dataFolders, datasetOptions } from "../../src/cli/dataset_folder.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { gzip } from "../data/idx_bytes.ts";
import { tar, tarFile } from "../data/tar_bytes.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";
import { rememberingConsole } from "./console.ts";

Deno.test("data prints files with their SHA-256 and how many examples each class has", async () => {
  const console = rememberingConsole();
  assert.equal(await dataCommand(["synthetic"], { console }), 0);
  assert.match(console.output(), /^synthetic-train-images +1,568,000 +[0-9a-f]{64}$/m);
  assert.match(console.output(), /^ +9 +200 +50$/m);
  assert.match(console.output(), /^ +all +2,000 +500$/m);
});

Deno.test("data --json prints the same as one object", async () => {
  const console = rememberingConsole();
  await dataCommand(["synthetic", "--json"], { console });
  const { shape, train, files } = JSON.parse(console.output());
  assert.deepEqual(shape, [1, 28, 28]);
  assert.equal(train.perClass.length, 10);
  assert.equal(files.length, 4);
});

Deno.test("data without a name, or with a wrong one, says which there are", async () => {
  const console = rememberingConsole();
  await assert.rejects(dataCommand([], { console }), { name: "UsageError", message: /Name a data set.*mnist/ });
  await assert.rejects(dataCommand(["mnits"], { console }), { name: "UsageError", message: /Did you mean mnist\?/ });
});

Deno.test("data cifar10 downloads the archive, says so, and describes what it loads from there; then it is there", async () => {
  const bytes = await gzip(tar(tarFile("cifar-10-batches-bin/test_batch.bin", Uint8Array.of(1, 2, 3))));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(bytes));
  await using _ = { [Symbol.asyncDispose]: () => server.shutdown() };
  using root = new TemporaryFolder();
  const folder = `${root.path}/data/cifar-10-batches-bin`;
  const archive = {
    url: `http://127.0.0.1:${server.addr.port}/cifar-10-binary.tar.gz`,
    bytes: bytes.length,
    sha256: new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex(),
    folder: "cifar-10-batches-bin",
    files: new Map([["test_batch.bin", 3]]),
  };
  const stub = { ...await syntheticDataset({ train: 20, test: 10 }), name: "cifar10" } as const;
  let read: Uint8Array | undefined;
  const run = async (): Promise<{ output: string; errors: string }> => {
    const console = rememberingConsole();
    const code = await dataCommand(["cifar10"], {
      console,
      archive,
      folder,
      loadDataset: async (name, options) => {
        assert.equal(name, "cifar10");
        read = await options.read?.("test_batch.bin");
        return stub;
      },
    });
    assert.equal(code, 0);
    return { output: console.output(), errors: console.errors() };
  };
  const first = await run();
  assert.match(first.errors, /^Downloading http:.*tar\.gz, 0\.0 MB$/m);
  assert.match(first.errors, /^Unpacking into .*cifar-10-batches-bin: the archive's SHA-256 is the published one$/m);
  assert.match(first.output, /^cifar10: 10 classes/);
  assert.deepEqual(read, Uint8Array.of(1, 2, 3));
  assert.deepEqual([...(await filesBelow(root.path)).keys()], ["data/cifar-10-batches-bin/test_batch.bin"]);
  const second = await run();
  assert.match(second.errors, /^Nothing to download: .*cifar-10-batches-bin is there$/m);
  assert.equal(second.output, first.output);
});

Deno.test("data cifar10 --data-dir downloads nothing and says what is missing in the folder", async () => {
  using root = new TemporaryFolder();
  await assert.rejects(dataCommand(["cifar10", "--data-dir", root.path], { console: rememberingConsole() }), {
    message: /^Cannot load cifar10: data_batch_1\.bin could not be read .*`deno task data cifar10`.*--data-dir/,
  });
  assert.deepEqual([...Deno.readDirSync(root.path)], []);
});

Deno.test("only CIFAR-10 has a folder that nobody named", () => {
  assert.deepEqual(datasetOptions("mnist", undefined), {});
  assert.deepEqual(datasetOptions("synthetic", undefined), {});
  assert.equal(typeof datasetOptions("cifar10", undefined).read, "function");
  assert.equal(typeof datasetOptions("mnist", "somewhere").read, "function");
});

Deno.test("--data-dir of several data sets says whose each folder is", () => {
  const usual = cifar10Path();
  const cases: readonly (readonly [DatasetName[], string | undefined, Partial<Record<DatasetName, string>>])[] = [
    [["mnist"], undefined, {}],
    [["mnist", "cifar10"], undefined, { cifar10: usual }],
    [["cifar10", "cifar10"], "/images", { cifar10: "/images" }],
    [["mnist"], "/a,b", { mnist: "/a,b" }],
    [["mnist", "cifar10"], "mnist=/a,b,cifar10=/c=d", { mnist: "/a,b", cifar10: "/c=d" }],
    [["fashion-mnist", "cifar10"], "fashion-mnist=/f", { "fashion-mnist": "/f", cifar10: usual }],
  ];
  for (const [names, text, folders] of cases) assert.deepEqual(dataFolders(names, text), folders, text);
  assert.throws(() => dataFolders(["mnist", "cifar10"], "/images"), /mnist=DIR,cifar10=DIR/);
  assert.throws(() => dataFolders(["mnist"], "mnist=/a,mnist=/b"), /names mnist twice/);
});
