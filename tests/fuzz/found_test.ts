/** Cases that the property tests found, each as it was: what was wrong before stands in its test's name. */
import assert from "node:assert/strict";
import { parseArguments, UsageError } from "../../src/cli/arguments.ts";
import { lotteryCommand, lotteryTools } from "../../src/cli/lottery.ts";
import { quoted } from "../../src/data/quoted.ts";
import { formatSafetensors, parseSafetensors, storeTensor } from "../../src/data/safetensors.ts";
import { changed, parseConfig } from "../../src/lottery/config.ts";
import { formatModel, formatTicket, loadModel, loadTicket } from "../../src/lottery/ticket.ts";
import { flat, type NetworkSpec } from "../../src/nn/network.ts";
import { rememberingConsole } from "../cli/console.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { assertRefusal, deeplyNested } from "./support.ts";

const network: NetworkSpec = {
  name: "one",
  input: flat(1),
  layers: [{ type: "dense", units: 1, activation: "none" }],
};
const layers = [{ weight: Float32Array.of(1), bias: Float32Array.of(0) }];
const ticket = formatTicket({ network, masks: [Uint8Array.of(1)], initial: layers, metadata: {} });

function header(text: string, dataBytes = 0): Uint8Array<ArrayBuffer> {
  const own = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + own.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(own.length), true);
  bytes.set(own, 8);
  return bytes;
}

function refusesFile(bytes: Uint8Array<ArrayBuffer>, message: RegExp): void {
  assert.throws(() => parseSafetensors(bytes, "f"), (error) => {
    assertRefusal(error, [SyntaxError], message);
    return true;
  });
}

function refusesConfig(changes: unknown, message: RegExp): void {
  assert.ok(typeof changes === "object" && changes !== null);
  assert.throws(() => parseConfig(changed("lenet", { ...changes })), (error) => {
    assertRefusal(error, [RangeError], message);
    return true;
  });
}

Deno.test("a tensor of another type than the ticket's was a TypeError without the file's name", () => {
  const { tensors, metadata } = parseSafetensors(ticket, "f");
  for (const name of tensors.keys()) {
    const tensor = tensors.get(name);
    assert.ok(tensor);
    const other = new Map(tensors).set(name, { ...tensor, dtype: tensor.dtype === "U8" ? "I8" : "I32" });
    assert.throws(() => loadTicket(formatSafetensors(other, metadata), "f"), (error) => {
      assertRefusal(error, [SyntaxError], /^Cannot read f: /);
      return true;
    });
  }
  const model = parseSafetensors(formatModel({ network, layers }), "f");
  const integers = new Map(model.tensors).set("dense1.weight", storeTensor([1, 1], Int32Array.of(1)));
  assert.throws(() => loadModel(formatSafetensors(integers, model.metadata), "f"), {
    name: "SyntaxError",
    message: "Cannot read f: dense1.weight is I32 [1, 1], and F32 [1, 1] is wanted.",
  });
});

Deno.test("a header that gives one name to two tensors was read as the last of them", () => {
  const tensor = '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}';
  refusesFile(
    header(`{"a":${tensor},"a":${tensor}}`, 1),
    /^Cannot read f: at byte 8, the header has the key "a" twice/,
  );
  refusesFile(header(`{"a":${tensor},"\\u0061":${tensor}}`, 1), /the key "a" twice/);
});

Deno.test("an element type that was nested deeply ran the engine out of stack", () => {
  const deep = deeplyNested(100_000);
  refusesFile(
    header(`{"a":{"dtype":${deep},"shape":[1],"data_offsets":[0,1]}}`, 1),
    /has dtype \[\[\[…\]\]\]; known are/,
  );
});

Deno.test("a message repeated all of a long name, with what moves a terminal's cursor", () => {
  const name = `${"x".repeat(100_000)}\u009b2J`;
  refusesFile(header(JSON.stringify({ [name]: 1 })), /entry for tensor "x{80}…" is not an object/);
  refusesFile(header('{"\u009b2J":1}'), /entry for tensor "\\u009b2J" is not an object/);
  assert.throws(() => formatSafetensors({ [name]: { dtype: "F32", shape: [2], data: new Uint8Array(4) } }), (error) => {
    assertRefusal(error, [RangeError], /^Cannot write tensor "x{80}…": it has 4 bytes/);
    return true;
  });
  refusesConfig({ "\u001b[2J": 1 }, /^There is no setting "\\u001b\[2J"\. /);
  const layer = { type: "dense", units: 1, activation: "none", "\u001b[2J": 1 };
  refusesConfig({ network: { name: "x", layers: [layer] } }, /unrecognized key: "\\u001b\[2J"/);
  refusesConfig({ lrDrops: Array(100_000).fill(7) }, /^--lr-drops is 7,7,.*…, and 7 does not ascend: /);
  assert.throws(() => parseArguments([`--${"x".repeat(100_000)}`], [], 0), (error) => {
    assertRefusal(error, [UsageError], /^There is no flag --x+…\. See --help\.$/);
    return true;
  });
  assert.throws(() => parseArguments(["a\nb"], [], 0), { name: "UsageError", message: /^Cannot take "a\\nb": / });
});

Deno.test("a setting without bounds was said to be null", () => {
  refusesConfig(JSON.parse('{"levels":1e999}'), /^--levels is Infinity, and it must be a whole number/);
  refusesConfig(JSON.parse('{"lrDrops":[5,1e999]}'), /^--lr-drops is \[5,Infinity\], and it must be/);
});

Deno.test("a setting that was nested deeply ran the engine out of stack", () => {
  refusesConfig({ levels: JSON.parse(deeplyNested(50_000)) }, /^--levels is \[\[\[…\]\]\], and it must be/);
  refusesConfig(
    { levels: JSON.parse(deeplyNested(50_000, "{")) },
    /^--levels is \{"a":\{"a":\{…\}\}\}, and it must be/,
  );
});

Deno.test("a preset that is an object with a toString of its own was a TypeError of the engine", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/config.json`;
  const cases = [
    ['{"preset":{"toString":1}}', /^There is no preset \{"toString":1\}\. Choose one of lenet-quick, /],
    [`{"preset":${deeplyNested(50_000)}}`, /^There is no preset \[\[\[…\]\]\]\. Choose one of /],
    ["{\n\u001b[2J\n}", /^Cannot use --config .*config\.json: it is not JSON \(.*\)\.$/],
  ] as const;
  for (const [text, message] of cases) {
    await Deno.writeTextFile(path, text);
    const { lottery, loadDataset } = lotteryTools;
    const tools = { console: rememberingConsole(), signal: new AbortController().signal, lottery, loadDataset };
    await assert.rejects(lotteryCommand(["--config", path, "--runs", folder.path], tools), (error) => {
      assertRefusal(error, [UsageError], message);
      return true;
    });
  }
});

Deno.test("a network's name that cannot be printed came into messages and on the terminal", () => {
  for (const name of ["\u001b[2J", "a\nb", "\ud800", "\u2028", "\u202egnp.exe"]) {
    refusesConfig(
      { network: { name, layers: network.layers } },
      /name: there are characters in it that cannot be printed/,
    );
  }
  parseConfig(changed("lenet", { network: { name: "сеть 🎟", layers: network.layers } }));
});

Deno.test("quoted() says values as JSON does, short and in one line", () => {
  for (const value of ["", 'a"b\\c\n', 0, -1.5, true, null, [1, "2", [3]], { a: { b: [] } }, [], {}]) {
    assert.equal(quoted(value), JSON.stringify(value));
  }
  assert.equal(quoted(undefined), "undefined");
  assert.equal(quoted([[[1]]]), "[[[…]]]");
  assert.equal(quoted(Array(20).fill(1)), "[1,1,1,1,1,1,1,1,…]");
});
