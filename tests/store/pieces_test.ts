/** What run folders are made of: whole files, histograms, revisions. */
import assert from "node:assert/strict";
import { explain, readingAnew, removeTemporaries, writeWhole } from "../../src/store/files.ts";
import { histogramsOf } from "../../src/store/histograms.ts";
import { gitRevision } from "../../src/store/manifest.ts";
import { flat } from "../../src/nn/network.ts";
import { filesBelow, TemporaryFolder } from "./folders.ts";

Deno.test("writeWhole() replaces a file, leaves nothing beside it, and leaves the old one where it fails", async () => {
  using folder = new TemporaryFolder();
  await writeWhole(`${folder.path}/a`, "one");
  await writeWhole(`${folder.path}/a`, "two");
  assert.deepEqual([...(await filesBelow(folder.path)).keys()], ["a"]);
  assert.equal(await Deno.readTextFile(`${folder.path}/a`), "two");
  await Deno.mkdir(`${folder.path}/taken/full`, { recursive: true });
  await assert.rejects(writeWhole(`${folder.path}/taken`, "three"), { name: "StorageError" });
  assert.ok((await Deno.stat(`${folder.path}/taken/full`)).isDirectory);
});

Deno.test("of several writers of one file at once each succeeds, and the file is always one of theirs, whole", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/a`;
  const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000 * (index + 1)));
  await writeWhole(path, contents[0] ?? "");
  const writers = Promise.all(contents.map((content) => writeWhole(path, content)));
  let isWriting = true;
  const written = writers.finally(() => isWriting = false);
  while (isWriting) assert.ok(contents.includes(await Deno.readTextFile(path)));
  await written;
  assert.deepEqual([...(await filesBelow(folder.path)).keys()], ["a"]);
});

Deno.test("what killed writers left is removed, but for what others may be writing", async () => {
  using folder = new TemporaryFolder();
  const number = crypto.randomUUID();
  for (const name of [`.a.json.${number}.new`, ".a.json.new", `.b.json.${number}.new`, "a.json", ".new", "a.new"]) {
    await Deno.writeTextFile(`${folder.path}/${name}`, "");
  }
  await Deno.mkdir(`${folder.path}/.a.new`);
  await removeTemporaries(folder.path, (name) => name.startsWith("a"));
  const left = [...Deno.readDirSync(folder.path)].map(({ name }) => name).toSorted();
  assert.deepEqual(left, [".a.new", `.b.json.${number}.new`, ".new", "a.json", "a.new"]);
  await removeTemporaries(`${folder.path}/nowhere`, () => true);
});

Deno.test({
  name: "a file that another machine replaces while it is read is read once more, and not for ever",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const stale = new Error("Stale file handle (os error 116)");
    let failures = 2;
    const read = (): Promise<string> => failures-- > 0 ? Promise.reject(stale) : Promise.resolve("whole");
    assert.equal(await readingAnew(read), "whole");
    failures = Infinity;
    await assert.rejects(readingAnew(read), stale);
    let reads = 0;
    const broken = new Error("Input/output error (os error 5)");
    await assert.rejects(readingAnew(() => (reads++, Promise.reject(broken))), broken);
    assert.equal(reads, 1);
  },
});

Deno.test("a full disk, a read-only one and a missing permission each get their remedy", () => {
  const full = explain(new Error("No space left on device (os error 28)"), "write", "/runs/a");
  assert.match(full.message, /^Cannot write \/runs\/a: the disk is full\..*--resume/);
  assert.match(
    explain(new Error("Read-only file system (os error 30)"), "create", "/runs").message,
    /read-only.*--runs/,
  );
  assert.match(explain(new Deno.errors.PermissionDenied("no"), "write", "/runs").message, /permissions/);
  assert.match(explain(new Deno.errors.NotCapable("no"), "write", "/elsewhere/a").message, /--allow-write=\/elsewhere/);
});

Deno.test("histograms count every weight once, survivors and pruned apart, and values that are not finite aside", () => {
  const [histogram] = histogramsOf({
    arm: "ticket",
    level: 1,
    replicate: 1,
    draw: 1,
    network: { name: "one", input: flat(2), layers: [{ type: "dense", units: 3, activation: "none" }] },
    firstIteration: 0,
    norms: [],
    normalization: Float32Array.of(1 / 255, 0, 1 / 255, 0),
    layers: [{
      name: "dense1",
      inputs: 2,
      outputs: 3,
      mask: Uint8Array.of(1, 1, 0, 1, 0, 1),
      initial: Float32Array.of(-1, 1, 0.5, 0, -0.5, 0.25),
      final: Float32Array.of(-2, 0.01, 0, NaN, 0, 2),
      initialBias: new Float32Array(3),
      finalBias: new Float32Array(3),
    }],
  });
  assert.ok(histogram);
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  assert.equal(histogram.limit, 2);
  assert.equal(sum(histogram.initialSurviving), 4);
  assert.equal(sum(histogram.initialPruned), 2);
  assert.equal(sum(histogram.finalSurviving), 3);
  assert.equal(histogram.notFinite, 1);
  assert.equal(histogram.finalSurviving[0], 1, "−limit falls into the first bin");
  assert.equal(histogram.finalSurviving.at(-1), 1, "limit falls into the last bin");
  assert.equal(histogram.finalSurviving[32], 1, "0.01 falls right of zero");
});

Deno.test("the revision is read from a branch, a packed branch or a detached HEAD, and is null without a repository", async () => {
  const revision = "0123456789abcdef0123456789abcdef01234567";
  using folder = new TemporaryFolder();
  const git = new URL(`file://${folder.path}/`);
  assert.equal(await gitRevision(git), null);
  await Deno.writeTextFile(`${folder.path}/HEAD`, `${revision}\n`);
  assert.equal(await gitRevision(git), revision);
  await Deno.writeTextFile(`${folder.path}/HEAD`, "ref: refs/heads/main\n");
  assert.equal(await gitRevision(git), null);
  await Deno.writeTextFile(`${folder.path}/packed-refs`, `# pack-refs\n${revision} refs/heads/main\n`);
  assert.equal(await gitRevision(git), revision);
  await Deno.mkdir(`${folder.path}/refs/heads`, { recursive: true });
  await Deno.writeTextFile(`${folder.path}/refs/heads/main`, `${revision.replace("0", "f")}\n`);
  assert.equal(await gitRevision(git), revision.replace("0", "f"));
});
