/** Which runs of a sweep train at once on one machine. */
import assert from "node:assert/strict";
import { inOrder, type LocalTask, type Machine, nextTask, overallFraction, roomOn } from "../../src/sweeps/local.ts";

const gib = 2 ** 30;

function taskOf(index: number, bytes: number, seconds = 1): LocalTask {
  return { index, bytes, seconds };
}

function machine(changes: Partial<Machine> = {}): Machine {
  return { kind: "software", cores: 4, freeBytes: 16 * gib, cardBytes: null, ...changes };
}

Deno.test("what takes longest is begun first, and equals in the order of the sweep", () => {
  const order = inOrder([taskOf(0, 1, 5), taskOf(1, 1, 9), taskOf(2, 1, 5), taskOf(3, 1, 7)]);
  assert.deepEqual(order.map(({ index }) => index), [1, 3, 0, 2]);
});

Deno.test("as many are at work as processes and memory have room for, and a smaller one goes before a larger that does not fit", () => {
  const [large, medium, small] = [taskOf(0, 6), taskOf(1, 5), taskOf(2, 3)];
  const waiting = [large, medium, small];
  assert.equal(nextTask(waiting, [], { processes: 2, bytes: 10 }), large);
  assert.equal(nextTask([medium, small], [large], { processes: 2, bytes: 10 }), small);
  assert.equal(nextTask([medium], [large, small], { processes: 2, bytes: 100 }), undefined);
  assert.equal(nextTask([medium], [large], { processes: 2, bytes: 10 }), undefined);
  assert.equal(nextTask([medium], [large], { processes: 2, bytes: null }), medium);
  assert.equal(nextTask([], [], { processes: 2, bytes: 10 }), undefined);
});

Deno.test("a run that is larger than the machine is begun when nothing else is at work", () => {
  assert.equal(nextTask([taskOf(0, 50)], [taskOf(1, 1)], { processes: 4, bytes: 10 }), undefined);
  assert.deepEqual(nextTask([taskOf(0, 50)], [], { processes: 4, bytes: 10 }), taskOf(0, 50));
});

Deno.test("a queue is worked off whole, never beyond its room", () => {
  const room = { processes: 3, bytes: 12 };
  let waiting = inOrder(Array.from({ length: 40 }, (_, index) => taskOf(index, 1 + index * 7 % 11, index * 13 % 17)));
  const working: LocalTask[] = [];
  const done: number[] = [];
  while (waiting.length + working.length > 0) {
    for (let task = nextTask(waiting, working, room); task; task = nextTask(waiting, working, room)) {
      waiting = waiting.filter((own) => own !== task);
      working.push(task);
    }
    assert.ok(working.length <= room.processes);
    assert.ok(working.length === 1 || working.reduce((sum, { bytes }) => sum + bytes, 0) <= room.bytes);
    done.push(working.shift()?.index ?? assert.fail("nothing is at work, and something waits"));
  }
  assert.deepEqual(done.sort((a, b) => a - b), Array.from({ length: 40 }, (_, index) => index));
});

Deno.test("a software adapter has room for a process on each core, as far as memory goes", () => {
  assert.deepEqual(roomOn(machine(), undefined), {
    processes: 4,
    bytes: 0.8 * 16 * gib - 4 * gib / 2,
    reason: "at most 4 at once, one for each processor, since the adapter is software",
  });
  const tight = roomOn(machine({ cores: 64, freeBytes: 4 * gib }), undefined);
  assert.equal(tight.processes, 6);
  assert.ok((tight.bytes ?? -1) >= 0);
  assert.equal(tight.reason, "at most 6 at once, as the machine's memory allows");
  assert.equal(roomOn(machine({ freeBytes: gib / 4 }), undefined).processes, 1);
  assert.equal(roomOn(machine({ freeBytes: null }), undefined).bytes, null);
  assert.deepEqual(roomOn(machine(), 7).processes, 7);
  assert.match(roomOn(machine(), 7).reason, /^at most 7 at once, as --jobs says$/);
});

Deno.test("a graphics card whose memory nobody knows trains one run at a time, and says what to do about it", () => {
  const unknown = roomOn(machine({ kind: "gpu" }), undefined);
  assert.deepEqual({ processes: unknown.processes, bytes: unknown.bytes }, { processes: 1, bytes: null });
  assert.match(unknown.reason, /--adapter-memory GIB tells, or --jobs N/);
  assert.equal(roomOn(machine({ kind: "gpu" }), 3).processes, 3);
  const known = roomOn(machine({ kind: "gpu", cardBytes: 10 * gib }), undefined);
  assert.deepEqual({ processes: known.processes, bytes: known.bytes }, { processes: 4, bytes: 9 * gib });
});

Deno.test("progress over all counts each run by what it takes", () => {
  const tasks = [{ ...taskOf(0, 1, 30), fraction: 1 }, { ...taskOf(1, 1, 10), fraction: 0.5 }];
  assert.equal(overallFraction(tasks), 35 / 40);
  assert.equal(overallFraction([]), 1);
  assert.equal(overallFraction([{ ...taskOf(0, 0, 0), fraction: 0.25 }]), 0.25);
});
