/** Whether what is wrong with a run's files is found, each by its name. */
import assert from "node:assert/strict";
import { formatTicket, loadTicket } from "../../src/lottery/ticket.ts";
import { verifyRun } from "../../src/store/verify.ts";
import { filesBelow, link, TemporaryFolder } from "./folders.ts";
import { recordRun } from "./recorded_runs.ts";

const ticket = "tickets/ticket-level-01-replicate-1.safetensors";
const final = "finals/ticket-level-02-replicate-1.safetensors";

/** Verifies a run of which something was changed. */
async function problemsAfter(damage: (folder: string) => Promise<void> | void): Promise<string> {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await damage(`${runs.path}/${id}`);
  const { problems } = await verifyRun(runs.path, id);
  return problems.join("\n");
}

function flip(name: string, at: number): (folder: string) => Promise<void> {
  return async (folder) => {
    const bytes = await Deno.readFile(`${folder}/${name}`);
    const index = at < 0 ? bytes.length + at : at;
    await Deno.writeFile(`${folder}/${name}`, bytes.with(index, (bytes[index] ?? 0) ^ 1));
  };
}

function edit(name: string, change: (text: string) => string): (folder: string) => Promise<void> {
  return async (folder) => {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    const changed = change(text);
    assert.notEqual(changed, text, "the test changes something");
    await Deno.writeTextFile(`${folder}/${name}`, changed);
  };
}

Deno.test("finished, unfinished, rewound and extended runs are whole, and verifying changes nothing", async () => {
  using runs = new TemporaryFolder();
  const ids = [
    await recordRun(runs.path, { replicates: 2, reinitDraws: 2, saveFinals: "all" }),
    await recordRun(runs.path, { seed: 2 }, { levels: 2 }),
    await recordRun(runs.path, { seed: 3, rewind: 30 }),
    await recordRun(runs.path, { seed: 4, rewind: 20, controls: [] }),
    await recordRun(runs.path, { seed: 5, levels: 1, controls: [] }),
  ];
  assert.equal(await recordRun(runs.path, { seed: 5, levels: 2, replicates: 2 }), ids[4]);
  const before = await filesBelow(runs.path);
  for (const id of ids) {
    const { problems, notes, files } = await verifyRun(runs.path, id);
    assert.deepEqual([problems, notes], [[], []], id);
    assert.ok(files > 5);
  }
  assert.deepEqual(await filesBelow(runs.path), before);
});

Deno.test("a flipped bit in either checkpoint is found", async () => {
  for (const name of ["checkpoint.safetensors", "checkpoint.previous.safetensors"]) {
    assert.match(await problemsAfter(flip(name, -1)), new RegExp(`Cannot read ${name}: its checksum does not fit`));
  }
});

Deno.test("a ticket that is missing, cut, of another network or with another mask is found", async () => {
  const named = (what: string): RegExp => new RegExp(`${ticket}.*${what}`);
  assert.match(await problemsAfter((folder) => Deno.remove(`${folder}/${ticket}`)), named("It is missing"));
  assert.match(await problemsAfter((folder) => Deno.truncate(`${folder}/${ticket}`, 900)), named("ends before"));
  const other = ticket.replace("01", "02");
  assert.match(
    await problemsAfter((folder) => Deno.copyFile(`${folder}/${other}`, `${folder}/${ticket}`)),
    named("it says of itself .*, ticket, 2, 1, 1, and .*, ticket, 1, 1, 1 is wanted"),
  );
  const masked = (change: (mask: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) => async (folder: string) => {
    const found = loadTicket(await Deno.readFile(`${folder}/${ticket}`));
    await Deno.writeFile(
      `${folder}/${ticket}`,
      formatTicket({ ...found, masks: found.masks.map((mask, index) => index === 0 ? change(mask) : mask) }),
    );
  };
  // lenet-quick prunes 40 % of 6 weights and 20 % of 4: 4 and 3 survive.
  const fewer = await problemsAfter(masked((mask) => mask.with(0, 0)));
  assert.match(fewer, named("survivors per layer are 3, 3, and 4, 3 is wanted"));
  assert.match(fewer, named("survivors in all are 6, and 7 is wanted"));
  assert.match(await problemsAfter(masked((mask) => mask.toReversed())), named("its mask is not the checkpoint's"));
});

Deno.test("a flipped bit in the initial or rewind values of any ticket is found, pruned weights included", async () => {
  for (const level of ["01", "02"]) {
    // The file ends with the masks, as the narrowest tensors: 10 bytes. In front of them are values.
    const name = ticket.replace("01", level);
    for (const at of [-11, -40]) {
      assert.match(
        await problemsAfter(flip(name, at)),
        new RegExp(`level-0[12].*: the initial values of replicate 1 are not`),
      );
    }
  }
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { rewind: 30, controls: [] });
  await flip(ticket, -11)(`${runs.path}/${id}`);
  assert.match(
    (await verifyRun(runs.path, id)).problems.join(),
    /the (?:initial|rewind) values of replicate 1 are not/,
  );
});

Deno.test("trained values where the ticket prunes are found, and a cut file of them", async () => {
  assert.match(
    await problemsAfter((folder) => Deno.truncate(`${folder}/${final}`, 700)),
    new RegExp(`${final}.*ends before`),
  );
  // The last weight of dense2, which level 2 prunes, is followed by nothing but the normalisation at the file's end.
  const found = await problemsAfter(async (folder) => {
    const bytes = await Deno.readFile(`${folder}/${final}`);
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const { "dense2.weight": { data_offsets: [, end] } } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, header)),
    );
    new DataView(bytes.buffer).setFloat32(header + end - 4, 0.5, true);
    await Deno.writeFile(`${folder}/${final}`, bytes);
  });
  assert.match(found, new RegExp(`${final}: A weight that the ticket prunes is not zero`));
});

Deno.test("metrics that are missing, damaged, doubled or another number than was summed up are found", async () => {
  const metrics = (change: (lines: string[]) => string[]): Promise<string> =>
    problemsAfter(edit("metrics.jsonl", (text) => change(text.split("\n")).join("\n")));
  assert.match(
    await metrics((lines) => lines.toSpliced(1, 1)),
    /metrics\.jsonl: ticket level 0 replicate 1 has evaluations at 0, 40, 50, and 0, 20, 40, 50 is wanted/,
  );
  assert.match(await metrics((lines) => lines.with(2, "{}")), /metrics\.jsonl: line 3 is damaged/);
  assert.match(await metrics((lines) => lines.toSpliced(1, 0, lines[1] ?? "")), /evaluations at 0, 20, 20, 40, 50/);
  assert.match(
    await metrics((lines) => lines.with(1, (lines[1] ?? "").replace(/"testAccuracy":[\d.]+/, '"testAccuracy":0.1'))),
    /the minimum of ticket level 0 replicate 1 is 20, [\d.]+, 0\.1, /,
  );
  assert.match(
    await problemsAfter((folder) => Deno.remove(`${folder}/metrics.jsonl`)),
    /ticket level 2 replicate 1 has evaluations at nothing/,
  );
});

Deno.test("a run stopped within a level is whole, and a line that its checkpoint counts on is missed", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { controls: [] }, { levels: 3, partial: true });
  const { problems, notes } = await verifyRun(runs.path, id);
  assert.deepEqual([problems, notes], [[], []]);
  await edit("metrics.jsonl", (text) => text.split("\n").toSpliced(1, 1).join("\n"))(`${runs.path}/${id}`);
  assert.match(
    (await verifyRun(runs.path, id)).problems.join(),
    /ticket level 0 replicate 1 has evaluations up to its checkpoint at 0, 40, and 0, 20, 40 is wanted/,
  );
});

Deno.test("a summary or timings that say something else than the checkpoint, or are missing, are found", async () => {
  assert.match(await problemsAfter((folder) => Deno.remove(`${folder}/summary.json`)), /summary\.json: It is missing/);
  assert.match(
    await problemsAfter(edit("summary.json", (text) => text.replace('"kept": 4', '"kept": 5'))),
    /summary\.json: It does not say what the checkpoint does/,
  );
  assert.match(await problemsAfter(edit("summary.json", (text) => text.slice(9))), /summary\.json: /);
  assert.match(
    await problemsAfter(edit("timings.jsonl", (text) => text.replace("1.5", "9"))),
    /timings\.jsonl: It does not say/,
  );
});

Deno.test("a config or manifest that cannot be read, or is another run's, is found", async () => {
  assert.match(await problemsAfter(edit("config.json", (text) => text.replace('"lr"', '"rl"'))), /config\.json: /);
  assert.match(await problemsAfter((folder) => Deno.remove(`${folder}/config.json`)), /config\.json: It is missing/);
  assert.match(
    await problemsAfter(edit("manifest.json", (text) => text.replace("lenet-quick-", "lenet-slow-"))),
    /manifest\.json: It belongs to lenet-slow-/,
  );
  assert.match(
    await problemsAfter(edit("manifest.json", (text) => text.replace("schema", "scheme"))),
    /manifest\.json/,
  );
});

Deno.test("files that do not belong are problems; what a kill leaves behind is a note", async () => {
  assert.match(await problemsAfter((folder) => Deno.writeTextFile(`${folder}/notes.txt`, "")), /notes\.txt is no file/);
  assert.match(await problemsAfter((folder) => Deno.writeTextFile(`${folder}/arms/x`, "")), /arms\/x is no file/);
  assert.match(await problemsAfter((folder) => link("/etc", `${folder}/etc`)), /^etc is no file of this run/);
  assert.doesNotMatch(
    await problemsAfter((folder) => Deno.writeTextFile(`${folder}/a\x1b[31m`, "")),
    // deno-lint-ignore no-control-regex
    /\x1b/,
  );
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { controls: [] }, { levels: 2 });
  const folder = `${runs.path}/${id}`;
  await Deno.writeTextFile(`${folder}/lock`, "");
  await Deno.writeTextFile(`${folder}/lock.${crypto.randomUUID()}.takeover`, "");
  await Deno.writeTextFile(`${folder}/.summary.json.new`, "");
  await Deno.writeTextFile(`${folder}/tickets/.${crypto.randomUUID()}.new`, "");
  await Deno.writeTextFile(`${folder}/.nfs00000000000000070000a1b2`, "");
  await Deno.copyFile(`${folder}/${ticket}`, `${folder}/${ticket.replace("01", "02")}`);
  const { problems, notes } = await verifyRun(runs.path, id);
  assert.deepEqual(problems, []);
  assert.match(notes.join("\n"), /^lock was left behind, and is not used/m);
  assert.match(notes.join("\n"), /^\.summary\.json\.new was left behind/m);
  assert.equal(notes.length, 6);
  assert.match(notes.join("\n"), /level-02.* is of a level that the checkpoint does not have yet/);
});
