/**
 * The live connection of a page: one stream of server-sent events that all its islands share. It comes back by itself, and a page
 * that nobody looks at gives it up: browsers open six connections to a host, and a seventh tab would wait for ever.
 *
 * @module
 */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { DashboardEvent } from "./types.ts";

/** How the connection stands. */
export type LiveState = "connecting" | "live" | "lost";

/** What is told to the reader. */
export const liveWords = {
  connecting: "Connecting",
  live: "Live",
  lost: "Connection lost, trying again",
} as const satisfies Record<LiveState, string>;

/** Somebody who wants to hear of runs. */
export interface Listener {
  /** Only of these runs; of all when left out. */
  readonly runs?: readonly string[];
  /** The dashboard's version when what the page shows was read; undefined when that is not known. */
  readonly version?: string;
  /** Told of every event but `hello`. */
  readonly hear: (event: DashboardEvent) => void;
  /** Told that events may have been missed: what the page shows must be fetched once more. */
  readonly missed?: () => void;
}

/** What of an `EventSource` is used. */
export interface EventStream {
  /** Told when it opens. */
  onopen: ((event: Event) => void) | null;
  /** Told when it fails. */
  onerror: ((event: Event) => void) | null;
  /** 2 when it has given up. */
  readonly readyState: number;
  /** Adds a listener for a type of events. */
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  /** Ends it. */
  close(): void;
}

/** What of a page is used; tests give their own. */
export interface Surroundings {
  /** Opens a stream. */
  readonly open: (address: string) => EventStream;
  /** Whether the page is hidden. */
  readonly isHidden: () => boolean;
  /** Calls back later; returns what takes it back. */
  readonly later: (callback: () => void, ms: number) => () => void;
}

/** A page that is hidden this long lets go of its connection: longer than a look at another tab. */
const hiddenMs = 20_000;

/** How long to wait before another attempt when the browser has given up, doubled with each up to the last. */
const firstWaitMs = 1_000;
const lastWaitMs = 8_000;

/** The state of an `EventSource` that has given up. */
const closed = 2;

const types = ["run", "gone", "moved"] as const satisfies DashboardEvent["type"][];

/** A page's connection. */
export class LiveConnection {
  readonly #surroundings: Surroundings;
  readonly #state = signal<LiveState>("connecting");
  readonly #listeners = new Set<Listener>();
  /** The last version that was heard of since a listener joined, for those that have been told. */
  readonly #versions = new WeakMap<Listener, string | undefined>();
  #stream: EventStream | undefined;
  #address: string | undefined;
  #cancel: (() => void) | undefined;
  #waitMs = firstWaitMs;

  /** Nothing is opened before somebody listens. */
  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** How it stands. */
  get state(): ReadonlySignal<LiveState> {
    return this.#state;
  }

  /** Listens; what is returned ends that. The connection is there as long as somebody listens. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#versions.set(listener, listener.version);
    // Islands come one after another: one stream for all of them.
    queueMicrotask(() => this.#adapt());
    return () => {
      this.#listeners.delete(listener);
      queueMicrotask(() => this.#adapt());
    };
  }

  /** Says that the page is hidden or seen again. */
  visibilityChanged(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#surroundings.isHidden()) {
      this.#waitMs = firstWaitMs;
      this.#adapt();
    } else if (this.#stream) this.#cancel = this.#surroundings.later(() => this.#close(), hiddenMs);
  }

  /** Lets go of the connection until the page is seen again. */
  suspend(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#close();
  }

  /** Opens, changes or ends the stream, as listeners want it. */
  #adapt(): void {
    if (this.#listeners.size === 0) return this.suspend();
    const wanted = addressFor([...this.#listeners]);
    if (this.#stream && wanted === this.#address) return;
    if (!this.#stream && this.#surroundings.isHidden()) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#stream?.close();
    this.#open(wanted);
  }

  #open(address: string): void {
    const stream = this.#surroundings.open(address);
    this.#stream = stream;
    this.#address = address;
    stream.onopen = () => {
      if (stream !== this.#stream) return;
      this.#waitMs = firstWaitMs;
      this.#state.value = "live";
    };
    stream.onerror = () => {
      if (stream !== this.#stream) return;
      this.#state.value = "lost";
      // The browser tries again by itself after an interruption, and never again after a refusal.
      if (stream.readyState === closed) this.#tryLater();
    };
    stream.addEventListener("hello", ({ data }) => this.#greeted(stream, data));
    for (const type of types) {
      stream.addEventListener(type, ({ data }) => {
        const event = stream === this.#stream ? eventFrom(data) : undefined;
        if (!event) return;
        for (const listener of [...this.#listeners]) {
          if (concerns(event, listener)) listener.hear(event);
        }
      });
    }
  }

  #greeted(stream: EventStream, data: string): void {
    const event = stream === this.#stream ? eventFrom(data) : undefined;
    if (event?.type !== "hello") return;
    for (const listener of [...this.#listeners]) {
      const known = this.#versions.get(listener);
      this.#versions.set(listener, event.version);
      if (known !== event.version) listener.missed?.();
    }
  }

  #tryLater(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#cancel?.();
    const wait = this.#waitMs;
    this.#waitMs = Math.min(lastWaitMs, wait * 2);
    this.#cancel = this.#surroundings.later(() => {
      this.#cancel = undefined;
      this.#adapt();
    }, wait);
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#address = undefined;
    this.#state.value = "connecting";
  }
}

/** The connection of this page. */
let own: LiveConnection | undefined;

/** The connection that all islands of this page share. Only for a browser: call it in an effect. */
export function live(): LiveConnection {
  own ??= connectionOf(document);
  return own;
}

function connectionOf(page: Document): LiveConnection {
  const connection = new LiveConnection({
    open: (address) => new EventSource(address),
    isHidden: () => page.visibilityState === "hidden",
    later: (callback, ms) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  });
  page.addEventListener("visibilitychange", () => connection.visibilityChanged());
  // A page that is left is kept for a step back only without a connection.
  addEventListener("pagehide", () => connection.suspend());
  addEventListener("pageshow", () => connection.visibilityChanged());
  addEventListener("online", () => connection.visibilityChanged());
  return connection;
}

/** The stream that all listeners hear what they want from. */
function addressFor(listeners: readonly Listener[]): string {
  const wanted = listeners.flatMap(({ runs }) => runs ?? []);
  if (listeners.some(({ runs }) => runs === undefined)) return "/api/events";
  return `/api/events?${new URLSearchParams({ runs: [...new Set(wanted)].sort().join(",") })}`;
}

function concerns(event: DashboardEvent, { runs }: Listener): boolean {
  if (event.type === "hello" || runs === undefined) return true;
  return runs.includes(event.type === "run" ? event.row.id : event.id);
}

/** An event of our own server; undefined for what is none, such as that of another version. */
function eventFrom(data: string): DashboardEvent | undefined {
  try {
    const event: unknown = JSON.parse(data);
    return isEvent(event) ? event : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is DashboardEvent {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  switch (value.type) {
    case "hello":
      return "version" in value && typeof value.version === "string";
    case "run":
      return "row" in value && typeof value.row === "object" && value.row !== null && "id" in value.row;
    case "gone":
    case "moved":
      return "id" in value && typeof value.id === "string";
    default:
      return false;
  }
}
