import assert from "node:assert/strict";
import { computed, Signal, signal } from "@preact/signals";
import fc from "npm:fast-check@4.10.2";
import { deserialize, serialize } from "../../src/fresh/serialize.ts";

Deno.test("props come through as they were", () => {
  const values = fc.anything({
    key: fc.string().filter((key) => key !== "__proto__"),
    withDate: true,
    withMap: true,
    withSet: true,
    withBigInt: true,
  });
  fc.assert(fc.property(values, (value) => assert.deepStrictEqual(deserialize(serialize(value)), value)));
});

Deno.test("a key that would become a prototype is refused", () => {
  assert.throws(() => serialize(JSON.parse('{"__proto__": {"isTrusted": true}}')), /__proto__/);
});

Deno.test("numbers that JSON does not hold come through", () => {
  const values = [NaN, Infinity, -Infinity, -0, undefined, 12345678901234567890n];
  assert.deepStrictEqual(deserialize(serialize(values)), values);
});

Deno.test("a signal is a signal again, and one that two props share is one", () => {
  const shared = signal({ count: 3 });
  const copy: unknown = deserialize(serialize({ a: shared, b: [shared], c: computed(() => shared.value.count * 2) }));
  assert.ok(typeof copy === "object" && copy !== null && "a" in copy && "b" in copy && "c" in copy);
  const { a, b, c } = copy;
  assert.ok(a instanceof Signal && c instanceof Signal && Array.isArray(b));
  assert.deepEqual(a.value, { count: 3 });
  assert.equal(b[0], a);
  assert.equal(c.value, 6);
  assert.equal(Reflect.set(c, "value", 7), false, "a computed signal cannot be set");
});

Deno.test("a function is refused", () => {
  assert.throws(() => serialize({ onClick: () => {} }), /function/i);
});
