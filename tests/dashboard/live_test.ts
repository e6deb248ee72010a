import assert from "node:assert/strict";
import { type EventStream, LiveConnection } from "../../src/dashboard/live.ts";
import type { DashboardEvent } from "../../src/dashboard/types.ts";

/** A stream whose other end is the test. */
class Stream implements EventStream {
  onopen: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readyState = 0;
  readonly address: string;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  constructor(address: string) {
    this.address = address;
  }

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  open(version: string): void {
    this.readyState = 1;
    this.onopen?.(new Event("open"));
    this.tell({ type: "hello", version });
  }

  fail(isFinal: boolean): void {
    this.readyState = isFinal ? 2 : 0;
    this.onerror?.(new Event("error"));
  }

  tell(event: DashboardEvent): void {
    this.say(event.type, JSON.stringify(event));
  }

  say(type: string, data: string): void {
    this.#listeners.get(type)?.(new MessageEvent(type, { data }));
  }
}

/** A page whose clock and visibility are the test's. */
function surroundings() {
  const streams: Stream[] = [];
  const timers: { callback: () => void; ms: number }[] = [];
  const page = { isHidden: false };
  const connection = new LiveConnection({
    open: (address) => {
      const stream = new Stream(address);
      streams.push(stream);
      return stream;
    },
    isHidden: () => page.isHidden,
    later: (callback, ms) => {
      const timer = { callback, ms };
      timers.push(timer);
      return () => void timers.splice(0, timers.length, ...timers.filter((own) => own !== timer));
    },
  });
  return {
    connection,
    page,
    timers,
    streams,
    open: () => streams.filter(({ readyState }) => readyState !== 2),
    last: (): Stream => streams.at(-1) ?? assert.fail("No stream was opened."),
    pass: () => timers.shift()?.callback(),
  };
}

const gone = (id: string): DashboardEvent => ({ type: "gone", id });
const settled = (): Promise<void> => new Promise((resolve) => queueMicrotask(() => resolve()));

Deno.test("all listeners of a page share one stream, and each hears of its own runs", async () => {
  const { connection, streams, last } = surroundings();
  const heard: string[] = [];
  const listen = (name: string, runs?: string[]): () => void =>
    connection.listen({
      ...(runs ? { runs } : {}),
      hear: (event) => heard.push(`${name} ${"id" in event ? event.id : ""}`),
    });
  listen("first", ["a"]);
  listen("second", ["b", "a"]);
  await settled();
  assert.deepEqual(streams.map(({ address }) => address), ["/api/events?runs=a%2Cb"]);
  last().open("1");
  last().tell(gone("b"));
  last().tell(gone("a"));
  assert.deepEqual(heard, ["second b", "first a", "second a"]);
  const leave = listen("all");
  await settled();
  assert.deepEqual([streams[0]?.readyState, last().address], [2, "/api/events"]);
  leave();
  await settled();
  assert.equal(last().address, "/api/events?runs=a%2Cb");
});

Deno.test("the stream ends with the last listener", async () => {
  const { connection, open } = surroundings();
  const leave = connection.listen({ hear: () => {} });
  await settled();
  assert.equal(open().length, 1);
  leave();
  await settled();
  assert.equal(open().length, 0);
});

Deno.test("a listener is told to look again exactly when the version is another than it knew", async () => {
  const { connection, last } = surroundings();
  let missed = 0;
  connection.listen({ version: "1", hear: () => {}, missed: () => missed++ });
  await settled();
  last().open("1");
  assert.equal(missed, 0);
  last().fail(false);
  assert.equal(connection.state.value, "lost");
  last().open("1");
  assert.equal(missed, 0);
  last().fail(false);
  last().open("2");
  assert.equal(missed, 1);
  assert.equal(connection.state.value, "live");
});

Deno.test("a stream that the browser gives up is opened again, after waits that grow and end", async () => {
  const { connection, last, open, pass, timers } = surroundings();
  connection.listen({ hear: () => {} });
  await settled();
  const waits: (number | undefined)[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    last().fail(true);
    waits.push(timers[0]?.ms);
    assert.equal(open().length, 0);
    pass();
    assert.equal(open().length, 1);
    assert.equal(connection.state.value, "lost");
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000]);
  last().open("1");
  assert.equal(connection.state.value, "live");
  last().fail(true);
  assert.equal(timers[0]?.ms, 1000);
});

Deno.test("a page that is hidden for long has no stream, and has one again when it is seen", async () => {
  const { connection, page, open, pass, last, timers } = surroundings();
  let missed = 0;
  connection.listen({ version: "1", hear: () => {}, missed: () => missed++ });
  await settled();
  last().open("1");
  page.isHidden = true;
  connection.visibilityChanged();
  assert.equal(open().length, 1);
  page.isHidden = false;
  connection.visibilityChanged();
  assert.deepEqual([open().length, timers.length], [1, 0]);
  page.isHidden = true;
  connection.visibilityChanged();
  pass();
  assert.deepEqual([open().length, connection.state.value], [0, "connecting"]);
  page.isHidden = false;
  connection.visibilityChanged();
  assert.equal(open().length, 1);
  last().open("5");
  assert.equal(missed, 1);
});

Deno.test("a page that was never seen opens no stream", async () => {
  const { connection, page, open } = surroundings();
  page.isHidden = true;
  connection.listen({ hear: () => {} });
  await settled();
  assert.equal(open().length, 0);
  page.isHidden = false;
  connection.visibilityChanged();
  assert.equal(open().length, 1);
});

Deno.test("what is no event is passed over", async () => {
  const { connection, last } = surroundings();
  const heard: DashboardEvent[] = [];
  connection.listen({ hear: (event) => heard.push(event) });
  await settled();
  last().open("1");
  for (
    const data of ["", "{", "null", "[]", '{"type":"gone"}', '{"type":"run","row":null}', '{"type":"run","row":{}}']
  ) {
    last().say("run", data);
    last().say("gone", data);
  }
  assert.deepEqual(heard, []);
  last().tell(gone("a"));
  assert.deepEqual(heard, [gone("a")]);
});
