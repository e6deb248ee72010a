/**
 * `denow`, run for real by `/bin/sh` in folders of its own, with stand-ins for what it calls on the PATH: `deno`, `npm`,
 * `id`, `uname` and `apt-get`. Nothing is installed and no network is used.
 */
import assert from "node:assert/strict";

const PINNED = "2.9.6";

/** Stand-ins append what they were called with to `$LOG`, one call a line. */
const record = (name: string): string => `printf '%s\\n' "${name} $*" >>"$LOG"`;

/** A Deno of some version; an adapter answers it when the file `$ADAPTERS/<backend>` is there. */
const denoStub = (version: string): string =>
  `#!/bin/sh
case $1 in
  -V) echo "deno ${version}" ;;
  eval)
    ${record("probe ${DENO_WEBGPU_BACKEND:-any}")}
    if [ -e "$ADAPTERS/\${DENO_WEBGPU_BACKEND:-any}" ]; then echo adapter; else echo none; fi
    ;;
  *)
    echo "deno ${version}"
    for argument; do echo "argument $argument"; done
    echo "folder $PWD"
    echo "runtime $XDG_RUNTIME_DIR"
    echo "path $PATH"
    exit 7
    ;;
esac
`;

/** An npm that installs as the real one does: a launcher, and the program in the package for the platform. */
const npmStub = `#!/bin/sh
${record("npm")}
while [ "$1" != --prefix ]; do shift; done
command -p mkdir -p "$2/node_modules/@deno/linux-x64-glibc" "$2/node_modules/deno"
command -p sleep 0.1
command -p cp "$STUBS/deno-${PINNED}" "$2/node_modules/@deno/linux-x64-glibc/deno"
`;

const offlineNpmStub = `#!/bin/sh
while [ "$1" != --prefix ]; do shift; done
command -p mkdir -p "$2/node_modules"
echo "npm error network request to the registry failed, reason: getaddrinfo ENOTFOUND" >&2
exit 1
`;

/** An apt-get that knows packages only after an update, like a new machine's, and brings the Vulkan driver. */
const aptStub = `#!/bin/sh
${record("apt-get")}
case "$*" in
  update) : >"$ADAPTERS/package-lists" ;;
  *) [ -e "$ADAPTERS/package-lists" ] && : >"$ADAPTERS/vulkan" ;;
esac
`;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A machine in a folder: `project/` with denow in it, `bin/` as the whole PATH, `cache/` for what denow keeps. */
class Machine implements AsyncDisposable {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** @param adapters the backends through which an adapter answers: "vulkan", and "any" for none in particular */
  static async create(bin: Record<string, string>, adapters: readonly string[] = []): Promise<Machine> {
    const machine = new Machine(await Deno.realPath(await Deno.makeTempDir({ prefix: "denow test " })));
    for (const folder of ["project", "bin", "stubs", "adapters", "elsewhere"]) {
      await Deno.mkdir(machine.path(folder));
    }
    const denow = await Deno.readTextFile(new URL("../denow", import.meta.url));
    await Deno.writeTextFile(machine.path("project/denow"), denow, { mode: 0o755 });
    await Deno.writeTextFile(machine.path("project/deno.json"), "{}");
    const stubs = { [`stubs/deno-${PINNED}`]: denoStub(PINNED), "bin/uname": "#!/bin/sh\necho Linux\n" };
    for (const [name, text] of Object.entries(bin)) Object.assign(stubs, { [`bin/${name}`]: text });
    for (const [name, text] of Object.entries(stubs)) {
      await Deno.writeTextFile(machine.path(name), text, { mode: 0o755 });
    }
    for (const backend of adapters) await Deno.writeTextFile(machine.path(`adapters/${backend}`), "");
    return machine;
  }

  path(name: string): string {
    return `${this.root}/${name}`;
  }

  async run(args: readonly string[], options: { script?: string; cwd?: string } = {}): Promise<Outcome> {
    const output = await new Deno.Command("/bin/sh", {
      args: [options.script ?? this.path("project/denow"), ...args],
      cwd: this.path(options.cwd ?? "project"),
      clearEnv: true,
      env: {
        PATH: this.path("bin"),
        WINNOW_CACHE: this.path("cache"),
        LOG: this.path("log"),
        STUBS: this.path("stubs"),
        ADAPTERS: this.path("adapters"),
      },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    return { code: output.code, stdout: text.decode(output.stdout), stderr: text.decode(output.stderr) };
  }

  /** `Deno.symlink` would want the right to read and write everything. */
  async link(target: string, name: string): Promise<void> {
    const args = ["-c", 'command -p ln -s "$1" "$2"', "sh", target, this.path(name)];
    assert.ok((await new Deno.Command("/bin/sh", { args }).output()).success);
  }

  /** What the stand-ins were called with since the last look. */
  async calls(): Promise<string[]> {
    try {
      const lines = (await Deno.readTextFile(this.path("log"))).split("\n").slice(0, -1);
      await Deno.remove(this.path("log"));
      return lines;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async listCache(): Promise<string[]> {
    const names: string[] = [];
    for await (const entry of Deno.readDir(this.path("cache"))) names.push(entry.name);
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

function test(name: string, body: () => Promise<void>): void {
  // It is a wrapper for POSIX systems; on Windows the tasks are run with `deno task`.
  Deno.test({ name, fn: body, ignore: Deno.build.os === "windows" });
}

const argumentsOf = (outcome: Outcome): string[] =>
  outcome.stdout.split("\n").filter((line) => line.startsWith("argument ")).map((line) => line.slice(9));

test("denow runs the pinned Deno on the PATH, silently, with the arguments and exit code untouched", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED) });
  const outcome = await machine.run(["run", "a file.ts", "", "--flag=*"]);
  assert.deepEqual(argumentsOf(outcome), ["run", "a file.ts", "", "--flag=*"]);
  assert.equal(outcome.code, 7);
  assert.equal(outcome.stderr, "");
  assert.deepEqual(await machine.calls(), []);
});

test("denow finds this project's tasks from another folder and leaves the folder as it is", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED) });
  const outcome = await machine.run(["task", "data", "--data-dir", "x"], { cwd: "elsewhere" });
  const config = machine.path("project/deno.json");
  assert.deepEqual(argumentsOf(outcome), ["task", "--config", config, "data", "--data-dir", "x"]);
  assert.match(outcome.stdout, new RegExp(`^folder ${machine.path("elsewhere")}$`, "m"));
});

test("denow keeps a --config that was given", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED) });
  for (const given of [["--config", "other.json"], ["--config=other.json"], ["-c", "other.json"]]) {
    const outcome = await machine.run(["task", ...given, "data"]);
    assert.deepEqual(argumentsOf(outcome), ["task", ...given, "data"]);
  }
});

test("denow finds its project through relative and absolute symlinks", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED) });
  await machine.link("../project/denow", "elsewhere/first");
  await machine.link(machine.path("elsewhere/first"), "bin/winnow");
  for (const script of [machine.path("elsewhere/first"), machine.path("bin/winnow"), "../elsewhere/first"]) {
    const outcome = await machine.run(["task", "data"], { script, cwd: "bin" });
    assert.deepEqual(argumentsOf(outcome), ["task", "--config", machine.path("project/deno.json"), "data"], script);
  }
  const named = await machine.run(["task", "data"], { script: "first", cwd: "elsewhere" });
  assert.deepEqual(argumentsOf(named), ["task", "--config", machine.path("project/deno.json"), "data"]);
});

test("denow copied out of its project says so", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED) });
  await Deno.copyFile(machine.path("project/denow"), machine.path("elsewhere/denow"));
  const outcome = await machine.run(["task", "data"], { script: machine.path("elsewhere/denow") });
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /elsewhere has no deno\.json/);
});

test("denow installs the pinned Deno with npm once, with one line, and is silent from the second time on", async () => {
  for (const other of [undefined, "1.46.3", "2.9.5", "2.10.0"]) {
    const deno: Record<string, string> = other === undefined ? {} : { deno: denoStub(other) };
    await using machine = await Machine.create({ ...deno, npm: npmStub });
    const first = await machine.run(["task", "data"]);
    assert.match(first.stdout, new RegExp(`^deno ${PINNED}$`, "m"), `with Deno ${other} on the PATH`);
    assert.match(first.stderr, /^denow: installing Deno [^\n]*\/cache\/deno-2\.9\.6[^\n]*\n$/);
    const [call, ...more] = await machine.calls();
    assert.match(call ?? "", /^npm install .*deno@2\.9\.6$/);
    assert.deepEqual(more, []);
    assert.deepEqual(await machine.listCache(), [`deno-${PINNED}`, "runtime"]);

    const second = await machine.run(["task", "data"]);
    assert.match(second.stdout, new RegExp(`^deno ${PINNED}$`, "m"));
    assert.match(second.stdout, new RegExp(`^path ${machine.path(`cache/deno-${PINNED}`)}:`, "m"));
    assert.equal(second.stderr, "");
    assert.deepEqual(await machine.calls(), []);
  }
});

test("several first starts of denow at once each get a whole Deno", async () => {
  await using machine = await Machine.create({ npm: npmStub });
  const outcomes = await Promise.all([1, 2, 3].map(() => machine.run(["task", "data"])));
  for (const outcome of outcomes) assert.match(outcome.stdout, new RegExp(`^deno ${PINNED}$`, "m"));
  assert.deepEqual(await machine.listCache(), [`deno-${PINNED}`, "runtime"]);
});

test("denow passes on why npm failed, what to do, and leaves nothing half-installed", async () => {
  await using machine = await Machine.create({ npm: offlineNpmStub, deno: denoStub("1.46.3") });
  const outcome = await machine.run(["task", "data"]);
  assert.equal(outcome.code, 1);
  assert.equal(outcome.stdout, "");
  assert.match(outcome.stderr, /needs Deno 2\.9\.6, the PATH has 1\.46\.3/);
  assert.match(outcome.stderr, /getaddrinfo ENOTFOUND/);
  assert.match(outcome.stderr, /Check the network/);
  assert.deepEqual(await machine.listCache(), []);
});

test("denow refuses a program from npm that does not run here", async () => {
  await using machine = await Machine.create({ npm: npmStub });
  const broken = "#!/bin/sh\necho 'libc.so.6: not found' >&2\nexit 127\n";
  await Deno.writeTextFile(machine.path(`stubs/deno-${PINNED}`), broken);
  const outcome = await machine.run(["task", "data"]);
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /libc\.so\.6: not found/);
  assert.deepEqual(await machine.listCache(), []);
});

test("denow goes on with a newer Deno 2 and says so only where the pinned one cannot be installed", async () => {
  for (const version of ["2.9.7", "2.10.0", "2.10.0-rc.1"]) {
    await using machine = await Machine.create({ deno: denoStub(version) });
    const outcome = await machine.run(["task", "data"]);
    assert.match(outcome.stdout, new RegExp(`^deno ${version}$`, "m"));
    assert.match(outcome.stderr, /^denow: going on with the Deno 2\.[^\n]*\n$/);
  }
  for (const version of ["2.9.5", "2.8.9", "1.99.99", "3.0.0", "2", "nonsense"]) {
    await using machine = await Machine.create({ deno: denoStub(version) });
    const outcome = await machine.run(["task", "data"]);
    assert.equal(outcome.code, 1, version);
    assert.ok(outcome.stderr.includes(`the PATH has ${version}`), outcome.stderr);
  }
});

test("denow without Deno and npm says what to install", async () => {
  await using machine = await Machine.create({});
  const outcome = await machine.run(["task", "lottery"]);
  assert.equal(outcome.code, 1);
  assert.equal(outcome.stdout, "");
  assert.match(outcome.stderr, /^denow: cannot run: this project needs Deno 2\.9\.6, the PATH has none/);
  assert.match(outcome.stderr, /Install npm .* or Deno 2\.9\.6 .*, then run the same command again\.\n$/);
});

test("denow looks for an adapter once, needs no root for it, and looks again when its answer is for another machine", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED) }, ["vulkan"]);
  for (const expected of [["probe vulkan"], []]) {
    const outcome = await machine.run(["task", "lottery"]);
    assert.equal(outcome.stderr, "");
    assert.equal(outcome.code, 7);
    const calls = await machine.calls();
    assert.deepEqual(calls.map((call) => call.split(" ").slice(0, 2).join(" ")), expected);
  }
  await Deno.writeTextFile(machine.path("cache/adapter"), "another machine 2.9.6\n");
  await machine.run(["task", "lottery"]);
  assert.equal((await machine.calls()).length, 1);
});

test("denow insists on an adapter for what computes and for nothing else", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED), id: "#!/bin/sh\necho 1000\n" });
  const computing = [
    "task lottery",
    "task -q test",
    "task test:nightly",
    "task ok",
    "task doctor",
    "task bench",
    "task experiment fig4 --scale 0.1",
    "task sweep fig26 --jobs 2",
    "test",
  ];
  for (const command of computing) {
    assert.equal((await machine.run(command.split(" "))).code, 1, command);
  }
  await machine.calls();
  const others = [
    "--version",
    "fmt",
    "lint",
    "check",
    "task",
    "task data",
    "task --filter test data",
    "task lottery --help",
    "task experiment",
    "task experiment fig4 --draw",
    "task sweep",
    "task sweep status fig26",
    "task sweep fig26 --engine slurm --time 60",
    "task sweep fig26 --engine=slurm",
    "task sweep paper --dry-run",
  ];
  for (const command of others) {
    assert.equal((await machine.run(command.split(" "))).code, 7, command);
    assert.deepEqual(await machine.calls(), [], command);
  }
});

test("denow without an adapter and without root prints the command and touches nothing", async () => {
  const known = { "apt-get": "sudo apt-get install mesa-vulkan-drivers", dnf: "sudo dnf install mesa-vulkan-drivers" };
  for (const [manager, command] of Object.entries(known)) {
    const stubs = { deno: denoStub(PINNED), id: "#!/bin/sh\necho 1000\n", [manager]: aptStub };
    await using machine = await Machine.create(stubs);
    const outcome = await machine.run(["task", "lottery"]);
    assert.equal(outcome.code, 1);
    assert.equal(outcome.stdout, "");
    assert.match(outcome.stderr, /^denow: no WebGPU adapter answers on this machine/);
    assert.ok(outcome.stderr.includes(`\n  ${command}`), outcome.stderr);
    assert.ok((await machine.calls()).every((call) => call.startsWith("probe")));
    assert.deepEqual(await machine.listCache(), ["runtime"]);
  }
});

test("denow as root installs the software driver with apt-get, after an update where that is needed", async () => {
  const stubs = { deno: denoStub(PINNED), id: "#!/bin/sh\necho 0\n", "apt-get": aptStub };
  await using machine = await Machine.create(stubs);
  const outcome = await machine.run(["task", "lottery"]);
  assert.equal(outcome.code, 7);
  assert.match(outcome.stderr, /^denow: installing mesa-vulkan-drivers with apt-get[^\n]*\n$/);
  const calls = (await machine.calls()).filter((call) => call.startsWith("apt-get"));
  const install = "apt-get install -y --no-install-recommends mesa-vulkan-drivers";
  assert.deepEqual(calls, [install, "apt-get update", install]);
  assert.equal((await machine.run(["task", "lottery"])).stderr, "");
});

test("denow says what apt-get said when the driver cannot be installed", async () => {
  const failing = "#!/bin/sh\necho 'E: Unable to fetch some archives'\nexit 100\n";
  const stubs = { deno: denoStub(PINNED), id: "#!/bin/sh\necho 0\n", "apt-get": failing };
  await using machine = await Machine.create(stubs);
  const outcome = await machine.run(["task", "lottery"]);
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /E: Unable to fetch some archives/);
  assert.match(outcome.stderr, /\n {2}apt-get install mesa-vulkan-drivers\n/);
});

test("denow takes OpenGL's adapter where Vulkan has none and nothing may be installed, and says so once", async () => {
  const stubs = { deno: denoStub(PINNED), id: "#!/bin/sh\necho 1000\n", "apt-get": aptStub };
  await using machine = await Machine.create(stubs, ["any"]);
  const first = await machine.run(["task", "lottery"]);
  assert.equal(first.code, 7);
  assert.match(first.stderr, /^denow: computing through OpenGL[^\n]*sudo apt-get install mesa-vulkan-drivers\n$/);
  assert.equal((await machine.run(["task", "lottery"])).stderr, "");
});

test("denow gives the driver a private runtime folder where none is set", async () => {
  await using machine = await Machine.create({ deno: denoStub(PINNED) });
  const outcome = await machine.run(["run", "x.ts"]);
  assert.match(outcome.stdout, new RegExp(`^runtime ${machine.path("cache/runtime")}$`, "m"));
  const { mode } = await Deno.stat(machine.path("cache/runtime"));
  assert.equal((mode ?? 0) & 0o777, 0o700);
});
