/** Compact tickets: small, and the same ticket when read. */
import assert from "node:assert/strict";
import { RandomStream } from "../../src/data/random.ts";
import { formatSafetensors, parseSafetensors, storeTensor } from "../../src/data/safetensors.ts";
import { formatTicket, loadTicket, type Ticket } from "../../src/lottery/ticket.ts";
import { architecture } from "../../src/nn/architectures.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { fromArena, type LayerValues, layOut, type NetworkSpec } from "../../src/nn/network.ts";
import { formatCompactTicket, loadCompactTicket } from "../../src/store/compact_ticket.ts";

const lenet = architecture("lenet", { channels: 1, height: 28, width: 28 }, 10, { width: 1, dropout: 0 });

/** Convolutions, one without bias, a residual block and batch norms. */
const residual: NetworkSpec = {
  name: "residual",
  input: { channels: 2, height: 6, width: 6 },
  layers: [
    { type: "conv", channels: 3, bias: false, activation: "none" },
    { type: "batch-norm", activation: "relu" },
    {
      type: "residual",
      branch: [{ type: "conv", channels: 4, stride: 2, activation: "none" }, {
        type: "batch-norm",
        activation: "none",
      }],
      shortcut: [{ type: "conv", channels: 4, size: 1, stride: 2, bias: false, activation: "none", prunable: false }],
    },
    { type: "global-average-pool" },
    { type: "dense", units: 4, activation: "none" },
  ],
};

function ticketOf(
  network: NetworkSpec,
  density: number,
  seed: number,
  rewind: "none" | "some" | "all" | "equal",
): Ticket {
  const layout = layOut(network);
  const random = new RandomStream(seed, "dropout");
  const draw = (): number => random.uint32() / 2 ** 32;
  const values = (own: number): LayerValues[] => fromArena(layout, glorot(layout, own));
  const initial = values(seed);
  const other = values(seed + 1);
  const rewound = initial.map(({ weight, bias }, index) => ({
    weight: weight.map((value, at) =>
      rewind === "all" || rewind === "some" && at % 3 === 0 ? other[index]?.weight[at] ?? 0 : value
    ),
    bias: rewind === "equal" ? bias : bias.map((_, at) => at / 8),
  }));
  const channels = (count: number, from: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, (_, at) => from + at / 4);
  return {
    network,
    masks: layout.layers.map(({ inputs, outputs }) =>
      Uint8Array.from({ length: inputs * outputs }, () => draw() < density ? 1 : 0)
    ),
    initial,
    ...(rewind === "none" ? {} : {
      firstIteration: 500,
      rewind: {
        layers: rewound,
        norms: layout.norms.map(({ extent }) => ({
          scale: channels(extent.channels, 1),
          shift: channels(extent.channels, 2),
          mean: channels(extent.channels, -3),
          variance: channels(extent.channels, 4),
        })),
      },
    }),
    metadata: { arm: "ticket", level: "3", replicate: "1", run: "x", config: '{"seed":1}' },
  };
}

/** What a ticket uses: pruned values are zero. */
function pruned(ticket: Ticket): Ticket {
  const zeroed = (layers: readonly LayerValues[]): LayerValues[] =>
    layers.map(({ weight, bias }, index) => {
      const bits = new Uint32Array(weight.slice().buffer);
      return { weight: new Float32Array(bits.map((own, at) => ticket.masks[index]?.[at] ? own : 0).buffer), bias };
    });
  const { rewind } = ticket;
  return {
    ...ticket,
    initial: zeroed(ticket.initial),
    ...(rewind ? { rewind: { layers: zeroed(rewind.layers), norms: rewind.norms } } : {}),
  };
}

/** Bytes of the dense form: every bit of every value is in them. */
function denseBytes(ticket: Ticket): Uint8Array {
  return formatTicket(pruned(ticket));
}

Deno.test("a compact ticket read back is the ticket, bit for bit, at any density, rewound or not", () => {
  for (const network of [lenet, residual]) {
    for (const rewind of ["none", "some", "all", "equal"] as const) {
      for (const [seed, density] of [0, 0.003, 0.036, 0.5, 1].entries()) {
        const ticket = ticketOf(network, density, seed, rewind);
        const bytes = formatCompactTicket(ticket);
        const back = loadCompactTicket(bytes);
        assert.deepEqual(denseBytes(back), denseBytes(ticket), `${network.name} ${rewind} ${density}`);
        assert.equal(back.metadata["config"], '{"seed":1}');
        assert.deepEqual(formatCompactTicket(back), bytes, "written again it is the same file");
      }
    }
  }
});

Deno.test("gaps of every length around the byte's end come back, and so do zeros with a sign, NaNs and denormals", () => {
  const network: NetworkSpec = {
    name: "row",
    input: { channels: 2100, height: 1, width: 1 },
    layers: [{ type: "dense", units: 1, activation: "none" }],
  };
  const mask = new Uint8Array(2100);
  let at = 0;
  for (const gap of [1, 253, 254, 255, 256, 509, 510, 1]) mask[at += gap] = 1;
  const bits = Uint32Array.from(
    { length: 2100 },
    (_, index) => [0x80000000, 0x7fc00001, 0xffa00123, 1][index % 4] ?? 0,
  );
  const ticket: Ticket = {
    network,
    masks: [mask],
    initial: [{ weight: new Float32Array(bits.buffer), bias: Float32Array.of(-0) }],
    metadata: {},
  };
  const back = loadCompactTicket(formatCompactTicket(ticket));
  assert.deepEqual(back.masks, ticket.masks);
  assert.deepEqual(denseBytes(back), denseBytes(ticket));
  // Position 0 has a gap of 1 from in front of the row.
  assert.equal(loadCompactTicket(formatCompactTicket({ ...ticket, masks: [mask.with(0, 1)] })).masks[0]?.[0], 1);
});

Deno.test("at 3.6 % remaining a compact ticket of LeNet has under a tenth of the dense weights' bytes, rewound or not", () => {
  const weights = layOut(lenet).weights * 4;
  for (const rewind of ["none", "all"] as const) {
    const { length } = formatCompactTicket(ticketOf(lenet, 0.036, 7, rewind));
    assert.ok(length < weights / 10, `${rewind}: ${length} of ${weights} bytes`);
  }
});

Deno.test("rewind values are kept only where they differ", () => {
  const tensors = (rewind: "some" | "all" | "equal"): ReturnType<typeof parseSafetensors>["tensors"] =>
    parseSafetensors(formatCompactTicket(ticketOf(lenet, 0.1, 3, rewind)), "t").tensors;
  const count = (rewind: "some" | "all" | "equal", name: string): number | undefined =>
    tensors(rewind).get(name)?.shape[0];
  const survivors = count("all", "dense1.values") ?? 0;
  assert.equal(count("all", "dense1.rewind.values"), survivors);
  assert.equal(count("all", "dense1.rewind.gaps"), undefined);
  const some = count("some", "dense1.rewind.values") ?? 0;
  assert.ok(some > survivors / 4 && some < survivors / 2, `${some} of ${survivors}`);
  assert.equal(count("equal", "dense1.rewind.values"), undefined);
});

Deno.test("a compact ticket that is cut, flipped or something else is refused with its name, or is another sound ticket", () => {
  const bytes = formatCompactTicket(ticketOf(residual, 0.4, 1, "some"));
  for (let end = 0; end < bytes.length; end += 7) {
    assert.throws(() => loadCompactTicket(bytes.slice(0, end), "c.safetensors"), {
      name: "SyntaxError",
      message: /c\.safetensors/,
    });
  }
  for (let at = 0; at < bytes.length; at++) {
    try {
      loadCompactTicket(bytes.slice().with(at, (bytes[at] ?? 0) ^ 0x11), "c.safetensors");
    } catch (error) {
      assert.ok(error instanceof SyntaxError, `byte ${at}: ${error}`);
    }
  }
  assert.throws(
    () => loadCompactTicket(formatTicket(ticketOf(residual, 1, 1, "none"))),
    /Dense tickets are read by loadTicket/,
  );
  assert.throws(() => loadTicket(bytes), { name: "SyntaxError" });
});

Deno.test("gaps that lead out of the layer, or stop in the middle, are refused", () => {
  const network: NetworkSpec = {
    name: "row",
    input: { channels: 300, height: 1, width: 1 },
    layers: [{ type: "dense", units: 1, activation: "none" }],
  };
  const read = (...gaps: number[]): Ticket =>
    loadCompactTicket(formatSafetensors({
      "dense1.gaps": storeTensor([gaps.length], Uint8Array.from(gaps)),
      "dense1.values": storeTensor(
        [gaps.filter((gap) => gap < 255).length],
        new Float32Array(gaps.filter((gap) => gap < 255).length),
      ),
      "dense1.bias": storeTensor([1], new Float32Array(1)),
    }, { format: "winnow-compact-ticket", version: "1", network: JSON.stringify(network), firstIteration: "0" }));
  assert.equal(read(255, 45).masks[0]?.[299], 1);
  assert.equal(read(255, 0).masks[0]?.[254], 1);
  assert.throws(() => read(255, 46), /dense1\.gaps leads to position 300 of 300/);
  assert.throws(() => read(1, 0), /dense1\.gaps leads to position 0/);
  assert.throws(() => read(0), /dense1\.gaps leads to position -1/);
  assert.throws(() => read(1, 255), /ends within a gap/);
});
