/** The page that lays tickets over each other, and tickets as files, by requests. */
import assert from "node:assert/strict";
import { formatReference, parseReference, parseTicketFile, ticketFileOf } from "../../src/dashboard/tickets.ts";
import { loadTicket } from "../../src/lottery/ticket.ts";
import { loadCompactTicket } from "../../src/store/compact_ticket.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { type TestApp, testApp } from "./app.ts";
import { recordLargeRun } from "./fixtures.ts";

/** A run of LeNet with tickets of three levels and two replicates. */
async function withTickets(body: (app: TestApp, id: string, folder: string) => Promise<void>): Promise<void> {
  using folder = new TemporaryFolder();
  const id = await recordLargeRun(folder.path, {
    levels: 2,
    replicates: 2,
    evaluations: 5,
    tickets: [0, 1, 2],
    preset: "lenet-quick",
  });
  await using app = await testApp(folder.path);
  await body(app, id, folder.path);
}

Deno.test("two tickets are laid over each other as counting their masks says, with the chance line", async () => {
  await withTickets(async (app, id) => {
    const [a, b] = await Promise.all(
      [1, 2].map((replicate) => app.dashboard.readTicket(id, { arm: "ticket", level: 2, replicate, draw: 1 })),
    );
    const [maskA, maskB] = [a?.masks[0], b?.masks[0]];
    assert.ok(maskA && maskB);
    const kept = count(maskA);
    const shared = maskA.reduce((sum, own, index) => sum + (own === 1 && maskB[index] === 1 ? 1 : 0), 0);
    const response = await app.get(`/tickets?a=${id}:2:1&b=${id}:2:2`);
    assert.equal(response.status, 200);
    const html = await response.text();
    const row = plain(
      html.slice(html.indexOf('<th scope="row">dense1</th>'), html.indexOf('<th scope="row">dense2</th>')),
    );
    assert.match(row, new RegExp(`${(100 * shared / kept).toFixed(1)} %`));
    assert.match(row, new RegExp(`${(100 * count(maskB) / maskA.length).toFixed(1)} % ±`));
    assert.match(row, new RegExp(` ${shared.toLocaleString("en")} ${kept.toLocaleString("en")} `));
    const [a2, b2] = [kept / maskA.length, count(maskB) / maskA.length];
    const measures = [
      shared / (kept + count(maskB) - shared),
      a2 * b2 / (a2 + b2 - a2 * b2),
      maskA.reduce((sum, own, index) => sum + (own === maskB[index] ? 0 : 1), 0) / maskA.length,
      a2 + b2 - 2 * a2 * b2,
    ].map((value) => `${(100 * value).toFixed(1)} %`).join(" ");
    assert.ok(row.includes(` ${measures} `), `${row} lacks ${measures}`);
    for (const [path, heads] of [[`run=${id}&level=2`, "Shared By chance"], [`a=${id}:2:1&b=${id}:2:2`, "in B"]]) {
      const page = plain(await (await app.get(`/tickets?${path}`)).text());
      assert.ok(page.includes(`${heads} Jaccard Jaccard by chance Hamming Hamming by chance`), path);
      // Two seeds are one pair, whose mean is what it is.
      assert.ok(page.includes(` ${measures} `), path);
    }
    assert.match(html, /class="answer">Level 2, replicate 1 and level 2, replicate 2 share/);
    assert.match(html, /start on the same side of zero/);
    assert.doesNotMatch(html, / style="/);
  });
});

Deno.test("a ticket and its control have the same mask and other values; the same ticket starts the same", async () => {
  await withTickets(async (app, id) => {
    const own = plain(await (await app.get(`/tickets?a=${id}:1:1&b=${id}:1:1`)).text());
    assert.match(own, /the very same weights/);
    assert.match(own, /start from the same initial values/);
    const control = await app.get(`/tickets?a=${id}:1:1&b=${id}:1:1:reinit:1`);
    assert.equal(control.status, 200);
    assert.match(plain(await control.text()), /start from different values/);
  });
});

Deno.test("a run alone has its seeds against each other, or its levels, each cell opening its two tickets", async () => {
  await withTickets(async (app, id) => {
    for (const query of [`run=${id}`, `a=${id}`]) {
      const html = await (await app.get(`/tickets?${query}`)).text();
      assert.match(html, /the tickets of two seeds share/);
      assert.match(html, /Seed by seed/);
    }
    const html = await (await app.get(`/tickets?run=${id}&by=levels&replicate=2`)).text();
    assert.match(html, /Level by level/);
    const cells = html.match(/href="\/tickets\?a=[^"]*"/g) ?? [];
    assert.equal(cells.length, 6);
    for (const cell of cells) {
      const path = cell.slice(6, -1).replaceAll("&amp;", "&");
      assert.equal((await app.get(path)).status, 200, path);
    }
  });
});

Deno.test("a level whose tickets' files are missing is no choice, and the nearest one with files is shown instead", async () => {
  using folder = new TemporaryFolder();
  const levels = 6;
  const id = await recordLargeRun(folder.path, {
    levels,
    replicates: 3,
    evaluations: 5,
    tickets: Array.from({ length: levels + 1 }, (_, level) => level),
    preset: "lenet-quick",
  });
  const tickets = `${folder.path}/${id}/tickets`;
  /** The app over files of these levels alone, and the level that its page opens on. */
  const opensOn = async (kept: readonly number[]): Promise<{ level: number; html: string }> => {
    for await (const { name } of Deno.readDir(tickets)) {
      if (!kept.includes(Number(name.slice(13, 15)))) await Deno.remove(`${tickets}/${name}`);
    }
    await using app = await testApp(folder.path);
    const html = await (await app.get(`/tickets?run=${id}`)).text();
    return { level: Number(/<a [^>]*level=(\d+)"[^>]*aria-current="true"/.exec(html)?.[1] ?? NaN), html };
  };
  const all = await opensOn([0, 1, 2, 3, 4, 5, 6]);
  const best = all.level;
  assert.ok(best > 1, "the best level is one that others are below");
  assert.match(plain(all.html), /2 of 3 tickets have their files/);
  const others = [0, 1, 2, 3, 4, 5, 6].filter((level) => level !== best);
  const without = await opensOn(others);
  assert.equal(Math.abs(without.level - best), 1);
  assert.match(plain(without.html), new RegExp(`The best level is ${best}, too few of whose tickets' files are there`));
  assert.doesNotMatch(without.html, new RegExp(`href="[^"]*by=replicates(?:&amp;|&)level=${best}"`));
  const last = await opensOn([0]);
  assert.equal(last.level, 0);
  const none = await opensOn([]);
  assert.match(plain(none.html), /The files of the tickets of level \d are not there/);
});

Deno.test("levels are called nested only when they are", async () => {
  await withTickets(async (app, id, folder) => {
    const first = await app.dashboard.readTicket(id, { arm: "ticket", level: 1, replicate: 1, draw: 1 });
    const second = await app.dashboard.readTicket(id, { arm: "ticket", level: 2, replicate: 1, draw: 1 });
    assert.ok(first && second);
    const broken = second.masks.some((mask, layer) =>
      mask.some((own, index) => own > (first.masks[layer]?.[index] ?? 0))
    );
    const words = async (): Promise<string> =>
      plain(await (await app.get(`/tickets?run=${id}&by=levels&replicate=1`)).text());
    assert.match(await words(), broken ? /are not nested/ : /are nested/);
    // The file of another seed's level has survivors that this one has pruned.
    const tickets = `${folder}/${id}/tickets`;
    await Deno.copyFile(
      `${tickets}/ticket-level-02-replicate-2.safetensors`,
      `${tickets}/ticket-level-02-replicate-1.safetensors`,
    );
    await using again = await testApp(folder);
    const html = plain(await (await again.get(`/tickets?run=${id}&by=levels&replicate=1`)).text());
    assert.match(html, /are not nested: level 2 has [\d,]+ weights that the level before had pruned/);
  });
});

Deno.test("tickets of different networks are said to be incomparable, whatever their order", async () => {
  using folder = new TemporaryFolder();
  const size = { levels: 1, replicates: 1, evaluations: 3, draws: 0, tickets: [1] };
  const lenet = await recordLargeRun(folder.path, { ...size, preset: "lenet-quick" });
  const conv = await recordLargeRun(folder.path, { ...size, preset: "conv2" });
  await using app = await testApp(folder.path);
  for (const [a, b] of [[lenet, conv], [conv, lenet]]) {
    const response = await app.get(`/tickets?a=${a}:1:1&b=${b}:1:1`);
    assert.equal(response.status, 200);
    assert.match(plain(await response.text()), /These cannot be compared: one is a ticket of/);
  }
});

Deno.test("what names no ticket is a 400 that says how to name one, and what is not there a 404", async () => {
  await withTickets(async (app, id) => {
    for (
      const [query, status, wanted] of [
        [`a=${id}:x:1&b=${id}:1:1`, 400, /names no ticket: RUN:LEVEL:REPLICATE is wanted/],
        [`a=${id}:1:1&b=${id}:1:1:noise:1`, 400, /b=.* names no ticket/],
        [`a=${id}:1:9&b=${id}:1:1`, 404, /There is no ticket/],
        [`a=../../etc:1:1&b=${id}:1:1`, 404, /There is no ticket/],
        [`run=lenet-0000000000`, 404, /There is no run/],
        [`run=${id}&by=colours`, 400, /by= is replicates or levels/],
        [`run=${id}&level=minus`, 400, /level= is a whole number/],
        [`run=${id}&level=77`, 404, /has no tickets there/],
      ] as const
    ) {
      const response = await app.get(`/tickets?${query}`);
      assert.equal(response.status, status, query);
      assert.match(plain(await response.text()), wanted, query);
    }
  });
});

Deno.test("a damaged ticket is told, and the page stands", async () => {
  await withTickets(async (app, id, folder) => {
    await Deno.writeTextFile(`${folder}/${id}/tickets/ticket-level-01-replicate-2.safetensors`, "no ticket");
    for (const query of [`run=${id}&by=replicates&level=1`, `a=${id}:1:1&b=${id}:1:2`]) {
      const response = await app.get(`/tickets?${query}`);
      assert.equal(response.status, 200, query);
      assert.match(plain(await response.text()), /Cannot read/, query);
    }
    assert.equal((await app.get(`/runs/${id}/tickets/ticket-level-01-replicate-2.safetensors`)).status, 409);
  });
});

Deno.test("without a run in the address those with tickets are offered; without any it says how to get some", async () => {
  await withTickets(async (app, id) => {
    assert.match(await (await app.get("/tickets")).text(), new RegExp(`href="/tickets\\?run=${id}"`));
  });
  using folder = new TemporaryFolder();
  await using app = await testApp(folder.path);
  assert.match(plain(await (await app.get("/tickets")).text()), /No run has trained a network yet/);
});

Deno.test("a ticket is given away byte for byte, and its survivors alone as a compact ticket", async () => {
  await withTickets(async (app, id, folder) => {
    const file = "ticket-level-02-replicate-1.safetensors";
    const response = await app.get(`/runs/${id}/tickets/${file}`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-disposition") ?? "", new RegExp(`attachment; filename="${id}-${file}"`));
    const bytes = await response.bytes();
    assert.deepEqual(bytes, await Deno.readFile(`${folder}/${id}/tickets/${file}`));
    const compact = await app.get(`/runs/${id}/tickets/ticket-level-02-replicate-1.compact.safetensors`);
    const small = await compact.bytes();
    assert.ok(small.length < bytes.length / 2);
    assert.deepEqual(loadCompactTicket(small).masks, loadTicket(bytes).masks);
    const control = await app.get(`/runs/${id}/tickets/reinit-level-02-replicate-1-draw-1.safetensors`);
    assert.equal(control.status, 200);
    await control.body?.cancel();
  });
});

Deno.test("no name leads to another file than a ticket", async () => {
  await withTickets(async (app, id) => {
    for (
      const name of [
        "config.json",
        "..%2Fconfig.json",
        "%2e%2e%2f%2e%2e%2fsecret.safetensors",
        "ticket-level-2-replicate-1.safetensors",
        "ticket-level-02-replicate-01.safetensors",
        "ticket-level-02-replicate-1-draw-2.safetensors",
        "ticket-level-09-replicate-1.safetensors",
        "ticket-level-02-replicate-1.safetensors.bak",
        "noise-level-02-replicate-1-draw-1.safetensors",
      ]
    ) {
      const response = await app.get(`/runs/${id}/tickets/${name}`);
      assert.equal(response.status, 404, name);
      await response.body?.cancel();
    }
    assert.equal((await app.get("/runs/nope/tickets/ticket-level-02-replicate-1.safetensors")).status, 404);
  });
});

Deno.test("references and file names say a network and are read back", () => {
  for (
    const network of [
      { arm: "ticket", level: 0, replicate: 1, draw: 1 },
      { arm: "reinit", level: 12, replicate: 5, draw: 3 },
      { arm: "ticket", level: 120, replicate: 15, draw: 1 },
    ] as const
  ) {
    assert.deepEqual(parseReference(formatReference({ run: "lenet-98b50788f1-2", network })), {
      run: "lenet-98b50788f1-2",
      network,
    });
    assert.deepEqual(parseTicketFile(ticketFileOf(network)), { network, isCompact: false });
  }
  for (const text of ["", ":1:1", "run", "run:1", "run:1:0", "run:-1:1", "run:1:1:ticket:1:more"]) {
    assert.equal(parseReference(text), undefined, text);
  }
});

function count(mask: Uint8Array): number {
  return mask.reduce((sum, own) => sum + own, 0);
}

function plain(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll("&#39;", "'").replaceAll("&amp;", "&").replaceAll("\u00a0", " ")
    .replaceAll(/\s+/g, " ");
}
