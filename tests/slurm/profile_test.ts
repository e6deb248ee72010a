import assert from "node:assert/strict";
import { parseProfile, profileWith, signalSecondsOf, slurmFlags } from "../../src/slurm/profile.ts";

const whole = {
  partition: "gpu,long",
  account: "lab-7",
  qos: "normal",
  constraint: "(a100|h100)&nvlink",
  gres: "gpu:a100:1",
  cpus: 4,
  memory: "8G",
  time: "1-12:30:00",
  signalSeconds: 120,
  atOnce: 20,
  retries: 5,
  environment: { VK_DRIVER_FILES: "/opt/it's here/icd.json", EMPTY: "" },
  setup: ["module load vulkan", "ulimit -c 0"],
  options: ["--exclusive", "--nice=100", "-v"],
};

Deno.test("a profile is taken as it is, whole or empty", () => {
  assert.deepEqual(parseProfile(whole), whole);
  assert.deepEqual(parseProfile({}), {});
  for (const time of ["90", "90:00", "4:00:00", "1-0", "2-12:30", "2-12:30:15"]) {
    assert.deepEqual(parseProfile({ time }), { time });
  }
});

Deno.test("the example's profile is one", async () => {
  const example = JSON.parse(await Deno.readTextFile(new URL("../../examples/slurm/profile.json", import.meta.url)));
  assert.deepEqual(parseProfile(example), example);
});

Deno.test("what a profile gets wrong is named by its key, with the value", () => {
  const cases: readonly [unknown, RegExp][] = [
    [[], /^The profile is \[\]: it must be an object of settings\.$/],
    [
      { partitions: "gpu" },
      /^The profile has the key "partitions", which there is not: choose among partition, account/,
    ],
    [{ partition: 3 }, /^The profile's partition is 3: /],
    [{ cpus: 1.5 }, /^The profile's cpus is 1\.5: /],
    [{ time: "soon" }, /^The profile's time is "soon": it must be a time as Slurm writes it/],
    [{ time: "0" }, /^The profile's time is "0": it must be more than nothing\.$/],
    [{ memory: "8 GB" }, /^The profile's memory is "8 GB": it must be a size, such as 8G\.$/],
    [{ environment: { "A B": "1" } }, /^The profile's environment\.A B is "A B": it must be the name of a variable\.$/],
    [{ environment: { A: "1\n2" } }, /^The profile's environment\.A is "1\\n2": it must be one line/],
    [{ setup: ["true", "a\nb"] }, /^The profile's setup\.1 is "a\\nb": it must be one line/],
    [{ options: ["--array=0-3"] }, /^The profile's options\.0 is "--array=0-3": it has a key or a flag of its own/],
    [
      { time: "2", signalSeconds: 120 },
      /^The profile's signalSeconds is 120, and its time "2" is 120 seconds: .* Lower/,
    ],
  ];
  for (const [value, message] of cases) assert.throws(() => parseProfile(value), { name: "RangeError", message });
});

Deno.test("no value can break out of the script: line ends, quotation marks and the like are refused in every option", () => {
  const wicked = [
    "a\n#SBATCH --wrap=x",
    "a\r",
    'a"b',
    "a'b",
    "a\\b",
    "a b\u2028c",
    "a#b",
    "$(reboot)",
    "`id`",
    "a\u0000",
  ];
  for (const key of ["partition", "account", "qos", "constraint", "gres", "memory", "time"]) {
    for (const value of [...wicked, "", "a b"]) {
      assert.throws(() => parseProfile({ [key]: value }), {
        name: "RangeError",
        message: new RegExp(`^The profile's ${key}`),
      });
    }
  }
  for (const value of wicked) {
    assert.throws(() => parseProfile({ options: [`--nice=${value}`] }), { name: "RangeError" }, value);
  }
});

Deno.test("flags lie over the profile, and what is wrong with one is said of the flag", () => {
  const values = new Map([
    ["--partition", "debug"],
    ["--gpus", "2"],
    ["--cpus", "8"],
    ["--time", "10"],
    ["--signal-seconds", "60"],
    ["--at-once", "3"],
    ["--retries", "0"],
    ["--env", "EMPTY=full,B=x=y"],
    ["--json", ""],
  ]);
  assert.deepEqual(profileWith(parseProfile(whole), values), {
    ...whole,
    partition: "debug",
    gres: "gpu:2",
    cpus: 8,
    time: "10",
    signalSeconds: 60,
    atOnce: 3,
    retries: 0,
    environment: { VK_DRIVER_FILES: "/opt/it's here/icd.json", EMPTY: "full", B: "x=y" },
  });
  const cases: readonly [string, string, RegExp][] = [
    ["--partition", "a b", /^--partition is "a b": it must be a name/],
    ["--cpus", "many", /^--cpus is "many": it must be a whole number\.$/],
    ["--cpus", "0", /^--cpus is 0: /],
    ["--gpus", "-1", /^--gpus is "-1": it must be a whole number\.$/],
    ["--env", "A", /^--env has "A": it must be variables with their values, such as A=1,B=2\.$/],
    ["--env", "A=1,2B=3", /^--env is "2B": it must be the name of a variable\.$/],
    ["--signal-seconds", "3600", /^The profile's signalSeconds is 3600, and its time "1:00" is 60 seconds/],
  ];
  for (const [flag, value, message] of cases) {
    assert.throws(() => profileWith({ time: "1:00" }, new Map([[flag, value]])), { name: "RangeError", message });
  }
  const both = new Map([["--gpus", "1"], ["--gres", "gpu:1"]]);
  assert.throws(() => profileWith({}, both), { message: "--gpus N is the same as --gres gpu:N: leave one out." });
});

Deno.test("every flag but the profile's own changes the profile", () => {
  for (const { flag } of slurmFlags) {
    if (flag === "--profile") continue;
    const value = flag === "--env" ? "A=1" : "7";
    assert.notDeepEqual(profileWith({}, new Map([[flag, value]])), {}, flag);
  }
});

Deno.test("without signalSeconds a task is told three minutes before its limit, and at most a quarter of it", () => {
  const found = [{}, { time: "4:00:00" }, { time: "8" }, { time: "1" }, { time: "0-1", signalSeconds: 60 }]
    .map((profile) => signalSecondsOf(parseProfile(profile)));
  assert.deepEqual(found, [180, 180, 120, 15, 60]);
});
