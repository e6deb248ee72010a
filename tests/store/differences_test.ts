/** Where runs differ in what they were told and made with. */
import assert from "node:assert/strict";
import { preset } from "../../src/lottery/config.ts";
import { differencesOf } from "../../src/store/differences.ts";
import type { Manifest } from "../../src/store/manifest.ts";

function manifest(changes: Partial<Manifest> = {}): Manifest {
  return {
    schema: 1,
    id: "lenet-0000000000",
    adapter: { name: "paper", driver: "1.0", kind: "software" },
    data: { name: "mnist", digest: "ab".repeat(32), original: true, files: [] },
    planHash: "0123456789",
    sessions: [{
      started: "2026-11-25",
      winnow: "0.1.0",
      gitRevision: null,
      deno: "2.9.6",
      v8: "15",
      platform: "linux",
    }],
    ...changes,
  };
}

Deno.test("runs that agree in everything have no differences, and one run has none", () => {
  const run = { config: preset("lenet"), manifest: manifest() };
  assert.deepEqual(differencesOf([run, run, { config: preset("lenet"), manifest: manifest() }]), []);
  assert.deepEqual(differencesOf([run]), []);
  assert.deepEqual(differencesOf([]), []);
});

Deno.test("each difference has every run's value, in the order of the runs", () => {
  const runs = [
    { config: preset("lenet"), manifest: manifest() },
    { config: preset("lenet", { lr: 0.01 }), manifest: manifest() },
    { config: preset("lenet", { seed: 7 }), manifest: manifest({ planHash: "other" }) },
  ];
  assert.deepEqual(differencesOf(runs), [
    { name: "--lr", values: ["0.0012", "0.01", "0.0012"] },
    { name: "--seed", values: ["1", "1", "7"] },
    { name: "plan table", values: ["0123456789", "0123456789", "other"] },
  ]);
});

Deno.test("what cannot be read of a run is one difference, and none of its settings is another", () => {
  const whole = { config: preset("lenet"), manifest: manifest() };
  const torn = { config: undefined, manifest: manifest({ planHash: "other" }) };
  assert.deepEqual(differencesOf([whole, torn]), [
    { name: "config.json", values: ["", "cannot be read"] },
    { name: "plan table", values: ["0123456789", "other"] },
  ]);
  assert.deepEqual(differencesOf([{ config: preset("lenet"), manifest: undefined }, whole]), [
    { name: "manifest.json", values: ["cannot be read", ""] },
  ]);
});
