/** First-layer pictures: their counts against the masks, and as files by requests. */
import assert from "node:assert/strict";
import { decode } from "npm:fast-png@8.0.0";
import { greyOf, imagePng, imagesOf, shadePaths, survivorsPerPixel } from "../../src/dashboard/images.ts";
import type { Ticket } from "../../src/lottery/ticket.ts";
import type { LayerValues } from "../../src/nn/network.ts";
import { layOut, type NetworkSpec } from "../../src/nn/network.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { type TestApp, testApp } from "./app.ts";
import { recordLargeRun } from "./fixtures.ts";

const dense: NetworkSpec = {
  name: "dense",
  input: { channels: 2, height: 3, width: 4 },
  layers: [{ type: "dense", units: 5, activation: "none" }],
};
const convolution: NetworkSpec = {
  name: "conv",
  input: { channels: 3, height: 8, width: 8 },
  layers: [
    { type: "conv", channels: 6, activation: "relu" },
    { type: "dense", units: 2, activation: "none" },
  ],
};

/** A ticket of which every third weight of the first layer survives, weights growing from below zero. */
function ticketOf(network: NetworkSpec): Ticket {
  const { layers } = layOut(network);
  return {
    network,
    masks: layers.map(({ inputs, outputs }) =>
      Uint8Array.from({ length: inputs * outputs }, (_, at) => at % 3 === 0 ? 1 : 0)
    ),
    initial: layers.map(({ inputs, outputs }): LayerValues => ({
      weight: Float32Array.from({ length: inputs * outputs }, (_, at) => at - inputs * outputs / 2),
      bias: new Float32Array(outputs),
    })),
    metadata: {},
  };
}

Deno.test("survivors per pixel are counted over channels and units, as the layout of the weights says", () => {
  const ticket = ticketOf(dense);
  const [layer] = layOut(dense).layers;
  const [mask] = ticket.masks;
  assert.ok(layer && mask);
  const counts = survivorsPerPixel(mask, layer);
  assert.equal(counts.length, 12);
  for (let pixel = 0; pixel < 12; pixel++) {
    let own = 0;
    for (let channel = 0; channel < 2; channel++) {
      for (let unit = 0; unit < 5; unit++) own += mask[(channel * 12 + pixel) * 5 + unit] ?? 0;
    }
    assert.equal(counts[pixel], own, `pixel ${pixel}`);
  }
});

Deno.test("a heat map says how many pixels keep a connection, and is empty where none does", () => {
  const ticket = ticketOf(dense);
  const [mask] = ticket.masks;
  assert.ok(mask);
  // The first pixel loses everything, in both channels.
  for (const channel of [0, 1]) mask.fill(0, channel * 12 * 5, channel * 12 * 5 + 5);
  const [image, none] = imagesOf(ticket);
  assert.ok(image);
  assert.equal(none, undefined);
  assert.equal(image.name, "pixels");
  assert.match(image.words, /^11 of 12 pixels keep a connection to dense1/);
  assert.equal(image.cells.length, 11);
  assert.ok(!image.cells.some(({ x, y }) => x === 0 && y === 0));
  assert.ok(image.cells.some(({ shade }) => shade === "heat-10"), "the pixel with most is not the darkest");
  assert.equal(image.scale[0]?.label, "0");
});

Deno.test("a unit's picture has its surviving weights where its pixels are, and trained values where there are any", () => {
  const ticket = ticketOf(dense);
  const [mask] = ticket.masks;
  assert.ok(mask);
  const unit = imagesOf(ticket, undefined, 2)[1];
  assert.ok(unit);
  const kept = Array.from({ length: 24 }, (_, input) => input).filter((input) => mask[input * 5 + 1] === 1);
  assert.equal(unit.cells.length, kept.length);
  for (const [index, input] of kept.entries()) {
    const at = input % 12;
    assert.deepEqual(
      { x: unit.cells[index]?.x, y: unit.cells[index]?.y },
      { x: (input >= 12 ? 5 : 0) + at % 4, y: Math.floor(at / 4) },
    );
  }
  assert.match(unit.words, /initial values/);
  const trained = { network: dense, layers: ticket.initial };
  assert.match(imagesOf(ticket, trained, 2)[1]?.words ?? "", /trained values/);
});

Deno.test("filters stand as tiles with every survivor in its place, and the words count them", () => {
  const ticket = ticketOf(convolution);
  const [mask] = ticket.masks;
  const [image] = imagesOf(ticket);
  assert.ok(mask && image);
  const kept = mask.reduce((sum, own) => sum + own, 0);
  assert.equal(image.cells.length, kept);
  assert.equal(new Set(image.cells.map(({ x, y }) => `${x} ${y}`)).size, kept, "two weights in one place");
  assert.equal(image.tiles.length, 6 * 3);
  for (const { x, y } of image.cells) {
    assert.ok(
      image.tiles.some((tile) =>
        x >= tile.x && y >= tile.y && x + 1 <= tile.x + tile.width && y + 1 <= tile.y + tile.height
      ),
      `a weight at ${x}, ${y} is outside of every tile`,
    );
  }
  assert.match(image.words, new RegExp(`^6 filters of 3 × 3 weights for red, green and blue: ${kept} of 162 weights`));
  // The most negative is the darkest, the most positive the lightest.
  assert.ok(image.cells.some(({ shade }) => shade === "tone-0"));
  assert.ok(image.cells.some(({ shade }) => shade === "tone-10"));
});

Deno.test("what is no picture gets none", () => {
  const flat = { ...dense, input: { channels: 24, height: 1, width: 1 } };
  assert.deepEqual(imagesOf(ticketOf(flat)), []);
});

Deno.test("squares side by side are one rectangle, and all of them are drawn", () => {
  const cells = [[0, 0, "a"], [1, 0, "a"], [2, 0, "b"], [4, 0, "a"], [0, 1, "a"], [0.5, 3, "b"], [
    1.5,
    3,
    "b",
  ]] as const;
  const paths = shadePaths(cells.map(([x, y, shade]) => ({ x, y, shade })));
  const area = paths.flatMap(({ path }) => [...path.matchAll(/h(\d+)v1/g)].map(([, width]) => Number(width)))
    .reduce((sum, width) => sum + width, 0);
  assert.equal(area, cells.length);
  assert.equal(paths.find(({ shade }) => shade === "a")?.path, "M0 0h2v1h-2zM4 0h1v1h-1zM0 1h1v1h-1z");
  assert.equal(paths.find(({ shade }) => shade === "b")?.path, "M2 0h1v1h-1zM0.5 3h2v1h-2z");
});

Deno.test("shades of a heat map get darker step by step, those of weights lighter, and no two are alike", () => {
  const heat = Array.from({ length: 11 }, (_, step) => greyOf(`heat-${step}`));
  const tone = Array.from({ length: 11 }, (_, step) => greyOf(`tone-${step}`));
  for (let step = 1; step < 11; step++) {
    assert.ok((heat[step] ?? 0) < (heat[step - 1] ?? 0), `heat-${step}`);
    assert.ok((tone[step] ?? 0) > (tone[step - 1] ?? 0), `tone-${step}`);
  }
});

Deno.test("a PNG has each square in its grey at its place", () => {
  const [image] = imagesOf(ticketOf(dense));
  assert.ok(image);
  const { width, height, data, channels } = decode(imagePng(image));
  assert.deepEqual([width, height, channels], [4 * 12 + 24, 3 * 12 + 24, 1]);
  for (const { x, y, shade } of image.cells) {
    assert.equal(data[(12 + y * 12 + 6) * width + 12 + x * 12 + 6], greyOf(shade));
  }
});

/** A run of LeNet and one of Conv-2 with tickets and trained values. */
async function withRuns(body: (app: TestApp, lenet: string, conv: string) => Promise<void>): Promise<void> {
  using folder = new TemporaryFolder();
  const size = { levels: 1, replicates: 1, evaluations: 3, draws: 0, tickets: [1] };
  const lenet = await recordLargeRun(folder.path, { ...size, preset: "lenet-quick" });
  const conv = await recordLargeRun(folder.path, { ...size, preset: "conv2" });
  await using app = await testApp(folder.path);
  await body(app, lenet, conv);
}

Deno.test("pictures are files of PNG and SVG, with their numbers in words", async () => {
  await withRuns(async (app, lenet, conv) => {
    const [mask] = (await app.dashboard.readTicket(lenet, { arm: "ticket", level: 1, replicate: 1, draw: 1 }))?.masks ??
      [];
    assert.ok(mask);
    const connected = Array.from({ length: 784 }, (_, pixel) =>
      mask.subarray(pixel * 300, pixel * 300 + 300).includes(1))
      .filter((own) => own).length;
    const svg = await app.get(`/runs/${lenet}/images/ticket/1/1/1/pixels.svg`);
    assert.equal(svg.status, 200);
    assert.equal(svg.headers.get("content-type"), "image/svg+xml");
    assert.match(await svg.text(), new RegExp(`<desc>${connected} of 784 pixels keep a connection`));
    const png = await app.get(`/runs/${lenet}/images/ticket/1/1/1/unit-300.png`);
    assert.equal(png.headers.get("content-type"), "image/png");
    assert.equal(decode(await png.bytes()).width, 28 * 12 + 24);
    const filters = await app.get(`/runs/${conv}/images/ticket/1/1/1/filters.svg`);
    assert.match(await filters.text(), /64 filters of 3 × 3 weights for red, green and blue/);
  });
});

Deno.test("what has no picture is not found, and no path leads out of the run", async () => {
  await withRuns(async (app, lenet, conv) => {
    for (
      const path of [
        `${lenet}/images/ticket/1/1/1/filters.svg`,
        `${lenet}/images/ticket/1/1/1/unit-301.svg`,
        `${lenet}/images/ticket/1/1/1/unit-0.svg`,
        `${lenet}/images/ticket/0/1/1/pixels.svg`,
        `${lenet}/images/noise/1/1/1/pixels.svg`,
        `${lenet}/images/ticket/1/1/1/pixels.gif`,
        `${lenet}/images/..%2f..%2fetc/pixels.svg`,
        `${conv}/images/ticket/1/1/1/pixels.svg`,
        "nope/images/ticket/1/1/1/pixels.svg",
      ]
    ) {
      const response = await app.get(`/runs/${path}`);
      assert.equal(response.status, 404, path);
      await response.body?.cancel();
    }
  });
});
