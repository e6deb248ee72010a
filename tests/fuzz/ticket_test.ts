/** Tickets and models: whatever the file holds, values of the right number for its network or a SyntaxError with its name. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { formatSafetensors, parseSafetensors, type StoredTensor } from "../../src/data/safetensors.ts";
import { formatModel, formatTicket, loadModel, loadTicket } from "../../src/lottery/ticket.ts";
import { network } from "./networks.ts";
import { assertRefusal, awkwardJson, awkwardText, damage, damaged, deeplyNested, holds, Outcomes } from "./support.ts";
import { assertFits, model, surviving, ticket } from "./tickets.ts";

const refusal = /^Cannot read f: ./;

/** Reads a file as a ticket and as a model, or checks how it is refused. */
function outcomesOf(bytes: Uint8Array<ArrayBuffer>, outcomes: Outcomes): void {
  try {
    const { network, masks, initial, rewind, firstIteration = 0 } = loadTicket(bytes, "f");
    assertFits(network, initial);
    if (rewind) assertFits(network, rewind.layers, rewind.norms);
    masks.forEach((mask, index) => assert.equal(mask.length, initial[index]?.weight.length));
    assert.ok(masks.every((mask) => mask.every((value) => value <= 1)));
    assert.ok(Number.isSafeInteger(firstIteration));
    outcomes.count("ticket");
  } catch (error) {
    assertRefusal(error, [SyntaxError], refusal);
    outcomes.count("no ticket");
  }
  try {
    const { network, layers, norms, normalization } = loadModel(bytes, "f");
    assertFits(network, layers, norms);
    if (normalization) assert.equal(normalization.length, 2 * network.input.channels);
    outcomes.count("model");
  } catch (error) {
    assertRefusal(error, [SyntaxError], refusal);
    outcomes.count("no model");
  }
}

Deno.test("any ticket comes back from its file: masks, survivors' values, what it is rewound to and its metadata", async () => {
  await holds(fc.property(ticket, (wanted) => {
    const found = loadTicket(formatTicket(wanted), "f");
    assert.deepEqual(found.network, wanted.network);
    assert.deepEqual(found.masks.map((mask) => [...mask]), wanted.masks.map((mask) => [...mask]));
    assert.deepEqual(surviving(found.initial, found.masks), surviving(wanted.initial, wanted.masks));
    assert.equal(found.firstIteration, wanted.firstIteration);
    assert.equal(found.rewind === undefined, wanted.rewind === undefined);
    if (found.rewind && wanted.rewind) {
      assert.deepEqual(surviving(found.rewind.layers, found.masks), surviving(wanted.rewind.layers, wanted.masks));
      assert.deepEqual(found.rewind.norms, wanted.rewind.norms);
    }
    // A key of the format's own says what the format says.
    for (const [key, text] of Object.entries(wanted.metadata)) {
      if (!["format", "version", "network", "firstIteration"].includes(key)) {
        assert.equal(Object.getOwnPropertyDescriptor(found.metadata, key)?.value, text);
      }
    }
  }));
});

Deno.test("any trained network comes back from its file", async () => {
  await holds(fc.property(model, (wanted) => assert.deepEqual(loadModel(formatModel(wanted), "f"), wanted)));
});

Deno.test("a damaged ticket or model fits its network or is refused by name", async () => {
  const outcomes = new Outcomes();
  const file = fc.oneof(ticket.map((own) => formatTicket(own)), model.map((own) => formatModel(own)));
  await holds(fc.property(file, damage, (bytes, what) => outcomesOf(damaged(bytes, what), outcomes)));
  outcomes.assertSeen("ticket", "no ticket", "model", "no model");
});

Deno.test("tensors that are missing, of other shapes, types or names are refused by name", async () => {
  const outcomes = new Outcomes();
  const file = fc.oneof(ticket.map((own) => formatTicket(own)), model.map((own) => formatModel(own)));
  const change = fc.record({
    at: fc.nat(),
    what: fc.constantFrom(
      "remove" as const,
      "rename" as const,
      "type" as const,
      "flatten" as const,
      "nothing" as const,
    ),
    name: fc.oneof(
      fc.constantFrom("dense1.mask", "x.rewind.weight", "normalization", "dense1.rewind.bias"),
      awkwardText,
    ),
  });
  await holds(fc.property(file, change, (bytes, { at, what, name }) => {
    const { tensors, metadata } = parseSafetensors(bytes, "f");
    const changed = new Map<string, StoredTensor>(tensors);
    const [chosen, tensor] = [...tensors][at % tensors.size] ?? [];
    if (chosen === undefined || tensor === undefined || name === "__metadata__") return;
    if (what !== "nothing") changed.delete(chosen);
    if (what === "rename") changed.set(name, tensor);
    if (what === "type") changed.set(chosen, { ...tensor, dtype: tensor.dtype === "U8" ? "I8" : "I32" });
    if (what === "flatten") {
      const size = tensor.dtype === "U8" ? 1 : 4;
      changed.set(chosen, { ...tensor, shape: [tensor.data.length / size] });
    }
    outcomesOf(formatSafetensors(changed, metadata), outcomes);
  }));
  outcomes.assertSeen("ticket", "no ticket", "model", "no model");
});

Deno.test("metadata that say anything at all of their network are a network that fits, or refused by name", async () => {
  const outcomes = new Outcomes();
  const file = fc.oneof(ticket.map((own) => formatTicket(own)), model.map((own) => formatModel(own)));
  const networkText = fc.oneof(
    awkwardText,
    awkwardJson.map((value) => JSON.stringify(value)),
    network.map((spec) => JSON.stringify(spec)),
    fc.tuple(network, awkwardText, awkwardJson).map(([spec, key, value]) =>
      JSON.stringify({ ...spec, layers: [{ ...spec.layers[0], ...Object.fromEntries([[key, value]]) }] })
    ),
    fc.tuple(network, awkwardJson).map(([spec, value]) => JSON.stringify({ ...spec, layers: [value] })),
    fc.constantFrom(
      deeplyNested(50_000),
      `{"name":"x","input":${deeplyNested(50_000, "{")},"layers":[]}`,
      `{"name":"x","input":{"channels":1,"height":1,"width":1},"layers":${deeplyNested(50_000)}}`,
      JSON.stringify({
        name: "large",
        input: { channels: 1_000_000, height: 1_000_000, width: 1_000_000 },
        layers: [{ type: "dense", units: 1_000_000, activation: "none" }],
      }),
    ),
  );
  const metadata = fc.oneof(
    { weight: 3, arbitrary: fc.record({ network: networkText }) },
    {
      weight: 1,
      arbitrary: fc.record({
        firstIteration: fc.oneof(awkwardText, fc.constantFrom("00", "1e3", "999999999", "9999999999", "٣")),
      }),
    },
    { weight: 1, arbitrary: fc.record({ format: awkwardText, version: awkwardText }, { requiredKeys: [] }) },
  );
  await holds(fc.property(file, metadata, (bytes, own) => {
    const { tensors, metadata } = parseSafetensors(bytes, "f");
    outcomesOf(formatSafetensors(tensors, { ...metadata, ...own }), outcomes);
  }));
  outcomes.assertSeen("ticket", "no ticket", "model", "no model");
});
