/**
 * How jobs are submitted: a profile file, and flags over it. Everything is checked before it comes near a script: a value that would
 * end its line, or its quotation marks, is refused.
 *
 * @module
 */
import * as z from "npm:zod@4.6.7";
import { isPrintable, legible, quoted } from "../data/quoted.ts";
import type { SlurmProfile } from "./slurm.ts";

/** So often a task that was killed is queued again, where the profile does not say. */
export const usualRetries = 3;

/**
 * So long before the end of its time a task is told to write its checkpoint, where the profile does not say: Slurm looks every half minute,
 * and the checkpoint itself takes a second or two of the paper's networks.
 */
const usualSignalSeconds = 180;

/** A name, or several with commas. */
const names = z.string().regex(/^[\w.,+-]{1,200}$/, "it must be a name, of letters, digits and . _ - + ,");
const count = z.int().min(1).max(100_000);
const line = z.string().min(1).max(2000).refine(isPrintable, "it must be one line without control characters");

/** Options that a profile has keys for, or that would take from the script what is its own. */
const ownOptions = "account constraint cpus-per-task gres mem partition qos time " +
  "array chdir comment dependency error help job-name no-requeue open-mode output parsable requeue signal test-only version wait wrap";
const ownOption = new RegExp(`^(?:-[aoeJdDW]|--(?:${ownOptions.replaceAll(" ", "|")})(?:[=\\s]|$))`);

const option = line.regex(/^-{1,2}[A-Za-z]/, "it must be an option, such as --exclusive")
  .regex(/^[^"'\\#`$]*$/, "it must have none of \" ' \\ # ` $ in it")
  .refine(
    (text) => !ownOption.test(text),
    "it has a key or a flag of its own, or is the script's own business",
  );

const schema = z.strictObject({
  partition: names.exactOptional(),
  account: names.exactOptional(),
  qos: names.exactOptional(),
  constraint: z.string().regex(
    /^[\w.,:=&|!*()[\]+@-]{1,200}$/,
    "it must be features, such as a100 or a100|h100, without spaces",
  ).exactOptional(),
  gres: z.string().regex(/^[\w.,:=+-]{1,200}$/, "it must be resources, such as gpu:1").exactOptional(),
  cpus: count.exactOptional(),
  memory: z.string().regex(/^[1-9]\d{0,8}[KMGT]?$/, "it must be a size, such as 8G").exactOptional(),
  time: z.string().regex(
    /^(?:\d{1,6}(?::[0-5]?\d){0,2}|\d{1,4}-\d{1,2}(?::[0-5]?\d){0,2})$/,
    "it must be a time as Slurm writes it: minutes, hours:minutes:seconds, or days-hours:minutes:seconds",
  ).exactOptional(),
  signalSeconds: z.int().min(0).max(65_535).exactOptional(),
  atOnce: count.exactOptional(),
  retries: z.int().min(0).max(1000).exactOptional(),
  environment: z.record(
    z.string().regex(/^[A-Za-z_]\w{0,99}$/, "it must be the name of a variable"),
    z.string().max(4000).refine(isPrintable, "it must be one line without control characters"),
  ).exactOptional(),
  setup: z.array(line).max(100).exactOptional(),
  options: z.array(option).max(100).exactOptional(),
}) satisfies z.ZodType<SlurmProfile>;

/**
 * Checks a profile.
 *
 * @param value anything, for instance parsed JSON
 * @throws {RangeError} naming the key that is wrong, its value and what is wanted
 */
export function parseProfile(value: unknown): SlurmProfile {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RangeError(explain(value, parsed.error.issues[0]));
  const { time, signalSeconds } = parsed.data;
  const limit = time === undefined ? undefined : secondsOf(time);
  if (limit === 0) throw new RangeError(`The profile's time is ${quoted(time)}: it must be more than nothing.`);
  if (limit !== undefined && signalSeconds !== undefined && signalSeconds >= limit) {
    throw new RangeError(
      `The profile's signalSeconds is ${signalSeconds}, and its time ${
        quoted(time)
      } is ${limit} seconds: a task would be told to ` +
        "stop before it begins. Lower signalSeconds, or raise time.",
    );
  }
  return parsed.data;
}

/**
 * How many seconds before its time limit a task is told to write its checkpoint: as the profile says, 0 for never; or at most a quarter of
 * the limit.
 */
export function signalSecondsOf({ time, signalSeconds }: Pick<SlurmProfile, "time" | "signalSeconds">): number {
  if (signalSeconds !== undefined) return signalSeconds;
  const quarter = time === undefined ? Infinity : Math.ceil(secondsOf(time) / 4);
  return Math.min(usualSignalSeconds, quarter);
}

/** A time as Slurm writes it, in seconds. */
function secondsOf(time: string): number {
  const [days, rest] = time.includes("-") ? time.split("-") : [undefined, time];
  const [first = 0, second = 0, third = 0] = (rest ?? "").split(":").map(Number);
  if (days !== undefined) return ((Number(days) * 24 + first) * 60 + second) * 60 + third;
  return rest?.split(":").length === 3 ? (first * 60 + second) * 60 + third : first * 60 + second;
}

/** A flag of a profile's key. */
interface ProfileFlag {
  /** `--partition`. */
  readonly flag: string;
  /** What stands for its value in help. */
  readonly value: string;
  /** What it does. */
  readonly description: string;
}

/** The flags of `sweep --engine slurm`, over what its profile file says. */
export const slurmFlags: readonly ProfileFlag[] = [
  { flag: "--profile", value: "FILE", description: "Slurm: how jobs are submitted, as JSON; flags override it" },
  { flag: "--partition", value: "NAME", description: "Slurm: the partition" },
  { flag: "--account", value: "NAME", description: "Slurm: the account that pays" },
  { flag: "--qos", value: "NAME", description: "Slurm: the quality of service" },
  { flag: "--constraint", value: "FEATURES", description: "Slurm: what nodes must have, such as a100" },
  { flag: "--gres", value: "LIST", description: "Slurm: resources of a task, such as gpu:1" },
  { flag: "--gpus", value: "N", description: "Slurm: graphics cards of a task, the same as --gres gpu:N" },
  { flag: "--cpus", value: "N", description: "Slurm: processors of a task" },
  { flag: "--memory", value: "SIZE", description: "Slurm: memory of a task, such as 8G" },
  { flag: "--time", value: "LIMIT", description: "Slurm: time limit of a task, such as 4:00:00" },
  {
    flag: "--signal-seconds",
    value: "N",
    description:
      `Slurm: so long before its time limit a task writes its checkpoint and is queued again; 0 for never (${usualSignalSeconds}, at most a quarter of --time)`,
  },
  { flag: "--at-once", value: "N", description: "Slurm: most tasks of a sweep at once" },
  {
    flag: "--retries",
    value: "N",
    description: `Slurm: how often in a row a task that was killed is queued again (${usualRetries})`,
  },
  { flag: "--env", value: "A=1,B=2", description: "Slurm: environment of the tasks" },
];

/** Which key a flag gives, of those that are taken as they are. */
const keys = {
  "--partition": "partition",
  "--account": "account",
  "--qos": "qos",
  "--constraint": "constraint",
  "--gres": "gres",
  "--memory": "memory",
  "--time": "time",
} as const;
const counts = {
  "--cpus": "cpus",
  "--signal-seconds": "signalSeconds",
  "--at-once": "atOnce",
  "--retries": "retries",
} as const;

/**
 * A profile with what flags say over it.
 *
 * @param values texts by flag; other commands' flags are passed over
 * @throws {RangeError} naming the flag or key that is wrong
 */
export function profileWith(profile: SlurmProfile, values: ReadonlyMap<string, string>): SlurmProfile {
  const changes: Record<string, unknown> = {};
  const flagOf = new Map<string, string>();
  const give = (flag: string, key: string, value: unknown): void => {
    changes[key] = value;
    flagOf.set(key, flag);
  };
  for (const [flag, key] of Object.entries(keys)) {
    if (values.has(flag)) give(flag, key, values.get(flag));
  }
  for (const [flag, key] of Object.entries(counts)) {
    if (values.has(flag)) give(flag, key, wholeNumber(flag, values.get(flag) ?? ""));
  }
  const gpus = values.get("--gpus");
  if (gpus !== undefined) {
    if (values.has("--gres")) throw new RangeError("--gpus N is the same as --gres gpu:N: leave one out.");
    give("--gpus", "gres", `gpu:${wholeNumber("--gpus", gpus)}`);
  }
  const environment = values.get("--env");
  if (environment !== undefined) {
    give("--env", "environment", { ...profile.environment, ...variables(environment) });
  }
  // What is wrong with a flag's value is said of the flag.
  const alone = schema.safeParse(changes);
  const [wrong] = alone.success ? [] : alone.error.issues;
  if (wrong) {
    const key = String(wrong.path[0]);
    throw new RangeError(`${flagOf.get(key) ?? key} ${wrongOf(changes, wrong)}.`);
  }
  return parseProfile({ ...profile, ...changes });
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new RangeError(`${flag} is ${quoted(text)}: it must be a whole number.`);
  return Number(text);
}

function variables(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").map((own) => {
      const at = own.indexOf("=");
      if (at < 1) {
        throw new RangeError(`--env has ${quoted(own)}: it must be variables with their values, such as A=1,B=2.`);
      }
      return [own.slice(0, at), own.slice(at + 1)];
    }),
  );
}

function explain(value: unknown, issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return "This is no profile.";
  if (issue.code === "unrecognized_keys") {
    return `The profile has the key ${quoted(issue.keys[0])}, which there is not: choose among ${
      Object.keys(schema.shape).join(", ")
    }.`;
  }
  if (issue.path.length === 0) return `The profile is ${quoted(value)}: it must be an object of settings.`;
  return `The profile's ${legible(issue.path.join("."))} ${wrongOf(value, issue)}.`;
}

/** What is there, and what must be instead. */
function wrongOf(value: unknown, issue: z.core.$ZodIssue): string {
  // Of a variable, its name may be what is wrong.
  const inner = issue.code === "invalid_key" ? issue.issues[0] : undefined;
  const wrong = inner ? issue.path.at(-1) : at(value, issue.path);
  const message = (inner ?? issue).message.replace(/^./, (letter) => letter.toLowerCase());
  return `is ${quoted(wrong)}: ${legible(message, 300)}`;
}

/** What stands at a path of keys. */
function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}
