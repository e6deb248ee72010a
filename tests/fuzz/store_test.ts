/** A run folder's own files: checkpoints, compact tickets and logs, whole, or refused by name. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { formatSafetensors, parseSafetensors, storeTensor } from "../../src/data/safetensors.ts";
import type { Snapshot } from "../../src/lottery/types.ts";
import { formatCheckpoint, parseCheckpoint } from "../../src/store/checkpoint.ts";
import { formatCompactTicket, loadCompactTicket } from "../../src/store/compact_ticket.ts";
import { CorruptRunError } from "../../src/store/errors.ts";
import { LineLog } from "../../src/store/line_log.ts";
import { fakeLottery, tinyConfig } from "../store/fake_lottery.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { allocated, assertRefusal, awkwardJson, awkwardText, damage, damaged, holds, Outcomes } from "./support.ts";
import { assertFits, surviving, ticket } from "./tickets.ts";

const refusal = /^Cannot read f: ./;

/** Snapshots between levels and within them, rewound ones too. */
const snapshots: Snapshot[] = [];
for (const rewind of [0, 20]) {
  for await (const event of fakeLottery(tinyConfig({ levels: 1, rewind }), { partial: true })) {
    if (event.type === "snapshot") snapshots.push(event.snapshot);
  }
}
const checkpoints = await Promise.all(
  snapshots.map(async (snapshot) => ({ snapshot, bytes: await formatCheckpoint(snapshot, "run") })),
);

Deno.test("a checkpoint, whatever is damaged in it, is the same snapshot or refused by name", async () => {
  const outcomes = new Outcomes();
  await holds(
    fc.asyncProperty(fc.constantFrom(...checkpoints), fc.option(damage), async ({ snapshot, bytes }, what) => {
      try {
        assert.deepEqual(await parseCheckpoint(what ? damaged(bytes, what) : bytes, "run", "f"), snapshot);
        outcomes.count("read");
      } catch (error) {
        assertRefusal(error, [SyntaxError], refusal);
        assert.ok(what, "a whole checkpoint was refused");
        outcomes.count("refused");
      }
    }),
  );
  outcomes.assertSeen("read", "refused");
});

Deno.test("a checkpoint that says something else of itself is refused by name", async () => {
  const metadata = fc.oneof(
    fc.record({ state: fc.oneof(awkwardText, awkwardJson.map((value) => JSON.stringify(value))) }),
    fc.record({ format: awkwardText }),
    fc.record({ version: awkwardText }),
    fc.record({ run: awkwardText }),
    fc.record({ sha256: awkwardText }),
  );
  await holds(fc.asyncProperty(fc.constantFrom(...checkpoints), metadata, async ({ bytes }, own) => {
    const { tensors, metadata } = parseSafetensors(bytes, "f");
    const error = await parseCheckpoint(formatSafetensors(tensors, { ...metadata, ...own }), "run", "f")
      .catch((error: unknown) => error);
    assertRefusal(error, [SyntaxError], refusal);
  }));
});

Deno.test("any ticket comes back from its compact file, with zeros where it prunes", async () => {
  await holds(fc.property(ticket, (wanted) => {
    const found = loadCompactTicket(formatCompactTicket(wanted), "f");
    assert.deepEqual(found.network, wanted.network);
    assert.deepEqual(found.masks.map((mask) => [...mask]), wanted.masks.map((mask) => [...mask]));
    assert.deepEqual(surviving(found.initial, found.masks), surviving(wanted.initial, wanted.masks));
    assert.equal(found.firstIteration, wanted.firstIteration);
    if (wanted.rewind) {
      assert.ok(found.rewind);
      assert.deepEqual(surviving(found.rewind.layers, found.masks), surviving(wanted.rewind.layers, wanted.masks));
      assert.deepEqual(found.rewind.norms, wanted.rewind.norms);
    } else assert.equal(found.rewind, undefined);
    for (const [index, { weight }] of found.initial.entries()) {
      assert.ok(weight.every((value, at) => found.masks[index]?.[at] === 1 || value === 0));
    }
  }));
});

Deno.test("a damaged compact ticket fits its network or is refused by name", async () => {
  const outcomes = new Outcomes();
  const change = fc.record({
    at: fc.nat(),
    what: fc.constantFrom("remove" as const, "type" as const, "bytes" as const),
    byte: fc.nat(255),
  });
  const file = ticket.map((own) => formatCompactTicket(own));
  const bytes = fc.oneof(
    fc.tuple(file, damage).map(([own, what]) => damaged(own, what)),
    fc.tuple(file, change).map(([own, { at, what, byte }]) => {
      const { tensors, metadata } = parseSafetensors(own, "f");
      const changed = new Map(tensors);
      const [name, tensor] = [...tensors][at % tensors.size] ?? [];
      if (name === undefined || tensor === undefined) return own;
      if (what === "remove") changed.delete(name);
      if (what === "type") changed.set(name, { ...tensor, dtype: tensor.dtype === "U8" ? "I8" : "I32" });
      // Positions that lead elsewhere: out of the layer, or to as many survivors as there are no values for.
      if (what === "bytes") changed.set(name, { ...tensor, data: tensor.data.slice().fill(byte) });
      return formatSafetensors(changed, metadata);
    }),
  );
  await holds(fc.property(bytes, (own) => {
    try {
      const { network, masks, initial, rewind } = loadCompactTicket(own, "f");
      assertFits(network, initial);
      if (rewind) assertFits(network, rewind.layers, rewind.norms);
      masks.forEach((mask, index) => assert.equal(mask.length, initial[index]?.weight.length));
      outcomes.count("read");
    } catch (error) {
      assertRefusal(error, [SyntaxError], refusal);
      outcomes.count("refused");
    }
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("a compact ticket that claims a network of any size allocates no more than a network may have", async () => {
  const count = fc.oneof(fc.integer({ min: 2 ** 15, max: 1_000_000 }), fc.constant(1_000_000));
  const [own] = fc.sample(ticket, 1);
  assert.ok(own);
  const { metadata } = parseSafetensors(formatCompactTicket(own), "f");
  await holds(fc.asyncProperty(count, count, async (channels, units) => {
    const network = {
      name: "large",
      input: { channels, height: 1, width: 1 },
      layers: [{ type: "dense", units, activation: "none" }],
    };
    const bytes = formatSafetensors({
      "dense1.gaps": storeTensor([0], new Uint8Array(0)),
      "dense1.values": storeTensor([0], new Float32Array(0)),
    }, { ...metadata, network: JSON.stringify(network) });
    const { value: error, bytes: taken } = await allocated(() =>
      Promise.resolve().then(() => loadCompactTicket(bytes, "f")).catch((error: unknown) => error)
    );
    assertRefusal(error, [SyntaxError], /^Cannot read f: its network has \d+ weights, and at most \d+ are taken\.$/);
    assert.ok(taken < 2 ** 20, `${taken} bytes were allocated`);
  }));
});

Deno.test("a log of any lines is read to its last whole one, or refused by the line that is wrong", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/log`;
  const outcomes = new Outcomes();
  const line = fc.oneof(
    { weight: 8, arbitrary: fc.nat(20).map((key) => JSON.stringify({ key: `k${key}` })) },
    { weight: 1, arbitrary: awkwardText },
    { weight: 1, arbitrary: awkwardJson.map((value) => JSON.stringify(value)) },
  );
  const keyOf = (value: unknown): string | undefined =>
    typeof value === "object" && value !== null && "key" in value && typeof value.key === "string"
      ? value.key
      : undefined;
  await holds(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), fc.nat(3), async (lines, torn) => {
      const whole = lines.map((text) => `${text}\n`).join("");
      await Deno.writeTextFile(path, whole.slice(0, whole.length - torn));
      try {
        using log = await LineLog.read(path, keyOf);
        const kept = (await Deno.readTextFile(path)).split("\n").slice(0, -1);
        await log.append([{ key: "last", text: '{"key":"last"}' }]);
        assert.deepEqual((await Deno.readTextFile(path)).split("\n"), [...kept, '{"key":"last"}', ""]);
        outcomes.count("read");
      } catch (error) {
        assertRefusal(error, [CorruptRunError], /^Cannot read .*\/log: line \d+ is (?:damaged|there twice \(.*\))\. /);
        outcomes.count("refused");
      }
    }),
    { nightly: 5_000 },
  );
  outcomes.assertSeen("read", "refused");
});
