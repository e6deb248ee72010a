import assert from "node:assert/strict";
import { type Lifetime, place } from "../../src/nn/activations.ts";
import { architecture, architectureNames } from "../../src/nn/architectures.ts";
import { evaluationLifetimes, trainingLifetimes } from "../../src/nn/graph.ts";
import { layOut } from "../../src/nn/network.ts";
import { integers } from "../reference/tensors.ts";

const image = { channels: 3, height: 32, width: 32 };

function total(words: readonly number[]): number {
  return words.reduce((sum, count) => sum + count, 0);
}

/** No two that are alive at once in one place, and every place large enough. */
function assertSound(lifetimes: readonly Lifetime[], isShared = true): void {
  const { places, placeOf } = place(lifetimes, isShared);
  for (const [index, a] of lifetimes.entries()) {
    const at = placeOf.get(a.name);
    assert.ok(at !== undefined && (places[at] ?? 0) >= a.words, a.name);
    for (const b of lifetimes.slice(index + 1)) {
      if (placeOf.get(b.name) !== at) continue;
      assert.ok(a.last < b.first || b.last < a.first, `${a.name} and ${b.name} are alive at once in place ${at}`);
      assert.ok(!a.isAlone && !b.isAlone, `${a.name} and ${b.name} share a place, and one must be alone`);
    }
  }
}

Deno.test("place() never gives one place to two tensors that are alive at once", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const numbers = integers(seed, 4 * 30, 20);
    const lifetimes = Array.from({ length: 30 }, (_, index): Lifetime => {
      const [words = 0, first = 0, length = 0, alone = 0] = numbers.subarray(index * 4);
      return { name: `tensor ${index}`, words: words + 1, first, last: first + length, isAlone: alone === 0 };
    });
    assertSound(lifetimes);
  }
});

Deno.test("place() takes no more than the most that is alive at once, where tensors are alike", () => {
  const chain = Array.from({ length: 9 }, (_, index): Lifetime => ({
    name: `tensor ${index}`,
    words: 100,
    first: index,
    last: index + 1,
  }));
  assert.deepEqual(place(chain).places, [100, 100]);
  assert.equal(place(chain, false).places.length, 9);
});

for (const name of architectureNames) {
  Deno.test(`activations of ${name} share memory in training and in evaluation, and never while both are needed`, () => {
    const layout = layOut(
      architecture(name, name === "lenet" ? { ...image, channels: 1 } : image, 10, { dropout: 0.5 }),
    );
    const shape = { layout, replicates: 2, images: 60 };
    for (const lifetimes of [trainingLifetimes(shape), evaluationLifetimes(shape)]) {
      assertSound(lifetimes);
      const alone = total(lifetimes.map(({ words }) => words));
      const shared = total(place(lifetimes).places);
      assert.ok(shared < alone, `${shared} of ${alone}`);
      // No plan can do with less than what one launch needs.
      const launches = Math.max(...lifetimes.map(({ last }) => last)) + 1;
      const needed = Array.from(
        { length: launches },
        (_, launch) =>
          total(lifetimes.filter(({ first, last }) => first <= launch && launch <= last).map(({ words }) => words)),
      );
      assert.ok(shared >= Math.max(...needed));
      assert.ok(shared <= 1.25 * Math.max(...needed), `${shared} where ${Math.max(...needed)} are needed at once`);
    }
  });
}
