/**
 * What the property tests of parsers share: how many cases, what damage to do to bytes, and what a refusal must look like.
 *
 * A failure prints seed and path of its case; the same test with `-- --seed=N --path=P` begins with that case.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { isNightly } from "../nightly.ts";

const seed = argument("seed");
const path = argument("path");

/** Tries a property on a few hundred cases, or on 10,000 in the nightly form, shrinks what fails and prints it. */
export async function holds<Values>(
  property: fc.IAsyncProperty<Values> | fc.IProperty<Values>,
  { cases = 300, nightly = 10_000 }: { readonly cases?: number; readonly nightly?: number } = {},
): Promise<void> {
  await fc.assert(property, {
    numRuns: isNightly ? nightly : cases,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  });
}

function argument(name: string): string | undefined {
  return Deno.args.find((text) => text.startsWith(`--${name}=`))?.slice(name.length + 3);
}

/** How often a property saw which outcome: a test that never saw one of them has shown nothing about it. */
export class Outcomes {
  readonly #counts = new Map<string, number>();

  /** One more. */
  count(outcome: string): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
  }

  /** Each of these was seen; a case that is replayed by its seed alone need not show all. */
  assertSeen(...outcomes: readonly string[]): void {
    if (path !== undefined) return;
    for (const outcome of outcomes) assert.ok(this.#counts.has(outcome), `no case was "${outcome}"`);
  }
}

/** A class of errors. */
// deno-lint-ignore ban-types
type Kind = Function;

/**
 * An error that a parser may throw: of one of its classes exactly, with a message of its own in the form that it promises,
 * short, on one line, and nothing in it that moves a terminal's cursor.
 */
export function assertRefusal(error: unknown, kinds: readonly Kind[], message: RegExp): asserts error is Error {
  assert.ok(error instanceof Error, `not an error: ${String(error)}`);
  assert.ok(kinds.includes(error.constructor), `${error.constructor.name}: ${error.stack}`);
  assert.match(error.message, message);
  assert.ok(error.message.length <= 1200, `a message of ${error.message.length} characters: ${error.message}`);
  assert.doesNotMatch(error.message, /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
  // What the engine says when nobody checked before.
  assert.doesNotMatch(
    error.message,
    /call stack|Invalid (?:array|typed array|string|DataView) length|allocation failed|Cannot read propert|is not a function|is not iterable|out of bounds|convert object to primitive/,
  );
}

/** Bytes that work allocates at most, what it leaves behind included, beyond those there were. */
export async function allocated<Value>(work: () => Promise<Value>): Promise<{ value: Value; bytes: number }> {
  const before = Deno.memoryUsage().external;
  const value = await work();
  return { value, bytes: Deno.memoryUsage().external - before };
}

/** Something that happens to a file. Places are taken modulo its length. */
export type Damage =
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "flip"; readonly bits: readonly number[] }
  | { readonly kind: "overwrite" | "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "number"; readonly at: number; readonly value: bigint; readonly little: boolean }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number };

const interesting = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffffffn,
  0xffffffffn,
  1n << 40n,
  (1n << 53n) - 1n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

/** Any damage. */
export const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("flip" as const), bits: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }) }),
  fc.record({
    kind: fc.constantFrom("overwrite" as const, "insert" as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
  }),
  fc.record({
    kind: fc.constant("number" as const),
    at: fc.nat(64),
    value: fc.oneof(fc.constantFrom(...interesting), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
    little: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("repeat" as const), at: fc.nat(), length: fc.nat(64) }),
);

/** A damaged copy. */
export function damaged(bytes: Uint8Array<ArrayBuffer>, what: Damage): Uint8Array<ArrayBuffer> {
  const at = "at" in what && bytes.length > 0 ? what.at % bytes.length : 0;
  switch (what.kind) {
    case "cut":
      return bytes.slice(0, at);
    case "flip": {
      const copy = bytes.slice();
      for (const bit of what.bits) copy[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
      return copy;
    }
    case "overwrite": {
      const copy = bytes.slice();
      copy.set(what.bytes.subarray(0, copy.length - at), at);
      return copy;
    }
    case "insert":
      return Uint8Array.of(...bytes.subarray(0, at), ...what.bytes, ...bytes.subarray(at));
    case "number": {
      const copy = new Uint8Array(Math.max(bytes.length, at + 8));
      copy.set(bytes);
      new DataView(copy.buffer).setBigUint64(at, what.value, what.little);
      return copy;
    }
    case "repeat":
      return Uint8Array.of(...bytes.subarray(0, at + what.length), ...bytes.subarray(at));
  }
}

/** Texts that trip programs up: names of prototypes, empty, long, controls, bidirectional, half a surrogate pair. */
export const awkwardText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "__metadata__",
    "\u0000",
    "\u001b[2J",
    "a\nb",
    "\u202egnp.exe",
    "\ud800",
    "ключ 🎟",
    "0",
    "-1",
    "x".repeat(5000),
  ),
);

/** Numbers that trip programs up. */
export const awkwardNumber: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    0.5,
    255,
    256,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    1e21,
    1e308,
    Infinity,
    -Infinity,
    NaN,
    5e-324,
  ),
);

/** A value nested so deeply that whoever walks it by recursion runs out of stack. */
export function deeplyNested(depth: number, around: "[" | "{" = "["): string {
  return around === "[" ? "[".repeat(depth) + "]".repeat(depth) : '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
}

/** Values as JSON brings them, with awkward texts, numbers and names, prototypes' among them. */
export const awkwardJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false),
    awkwardNumber,
    awkwardText,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(awkwardText, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;
