/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): what happens to runs, to every page that
 * listens.
 *
 * @module
 */
import type { Change } from "./registry.ts";
import type { DashboardEvent, EventQuery } from "./types.ts";
import type { Watcher } from "./watcher.ts";

/** Milliseconds after which a browser connects once more. */
const retryMs = 2_000;

/** Milliseconds between comments that keep a quiet connection from being closed on the way. */
const heartbeatMs = 15_000;

/**
 * Bytes that wait for a client. One that has more waiting does not read, and is dropped; it comes back when it can, and fetches
 * what it missed. A row has some 800 bytes, so this is what a thousand runs changing at once come to.
 */
const mostWaiting = 1 << 20;

/** Who listens. */
interface Client {
  readonly runs: ReadonlySet<string> | undefined;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Ends its wait for the request's end. */
  readonly forget: () => void;
  /** Whether it has its `hello`, and hears what happens from then on. */
  isGreeted: boolean;
}

/** All streams of events. */
export class EventStreams implements Disposable {
  readonly #watcher: Pick<Watcher, "listen">;
  readonly #version: () => string;
  readonly #ready: () => Promise<void>;
  readonly #clients = new Set<Client>();
  readonly #encoder = new TextEncoder();
  #stopListening: (() => void) | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  /**
   * @param version what `hello` says
   * @param ready ends when all runs are known: what was there before then is nothing that happened
   */
  constructor(watcher: Pick<Watcher, "listen">, version: () => string, ready: () => Promise<void>) {
    this.#watcher = watcher;
    this.#ready = ready;
    this.#version = version;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * Opens a stream: `hello`, then what happens. It ends with a client that goes away (the stream is cancelled), for a client that
   * does not read, and with the signal where there is one.
   */
  open({ runs }: EventQuery, signal?: AbortSignal): ReadableStream<Uint8Array> {
    let own: Client | undefined;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        if (signal?.aborted) return controller.close();
        const end = (): void => this.#drop(client);
        const client: Client = {
          runs: runs ? new Set(runs) : undefined,
          controller,
          forget: () => signal?.removeEventListener("abort", end),
          isGreeted: false,
        };
        own = client;
        signal?.addEventListener("abort", end);
        this.#clients.add(client);
        controller.enqueue(this.#encoder.encode(`retry: ${retryMs}\n\n`));
        this.#begin();
        // Not waited for: a folder that cannot be read keeps nobody from listening until it can.
        void this.#ready().catch(() => {}).then(() => this.#greet(client));
      },
      cancel: () => own && this.#drop(own),
    }, new ByteLengthQueuingStrategy({ highWaterMark: mostWaiting }));
  }

  /** Ends all streams. */
  [Symbol.dispose](): void {
    for (const client of [...this.#clients]) this.#drop(client);
  }

  #greet(client: Client): void {
    if (!this.#clients.has(client)) return;
    client.isGreeted = true;
    client.controller.enqueue(this.#encode({ type: "hello", version: this.#version() }));
  }

  #begin(): void {
    this.#stopListening ??= this.#watcher.listen((change) => this.#tell(change));
    this.#heartbeat ??= setInterval(() => this.#send(this.#encoder.encode(": still here\n\n"), undefined), heartbeatMs);
  }

  #tell(change: Change): void {
    this.#send(this.#encode(change), change.type === "run" ? change.row.id : change.id);
  }

  /** The same bytes to all that want to know of a run. */
  #send(bytes: Uint8Array, id: string | undefined): void {
    for (const client of [...this.#clients]) {
      if (!client.isGreeted || id !== undefined && client.runs && !client.runs.has(id)) continue;
      if ((client.controller.desiredSize ?? 0) >= bytes.length) client.controller.enqueue(bytes);
      else {
        // What waits for it goes at once, and so does its connection.
        client.controller.error(new Error("The client does not read its events."));
        this.#drop(client);
      }
    }
  }

  #drop(client: Client): void {
    if (!this.#clients.delete(client)) return;
    client.forget();
    try {
      client.controller.close();
    } catch {
      // The client has closed it, or it has failed.
    }
    if (this.#clients.size > 0) return;
    this.#stopListening?.();
    this.#stopListening = undefined;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  #encode(event: DashboardEvent): Uint8Array {
    return this.#encoder.encode(`id: ${this.#version()}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
}
