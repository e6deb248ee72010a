/**
 * Plan tables that come from outside, in a file that `bench calibrate` wrote or in a run's manifest.
 *
 * @module
 */
import * as z from "npm:zod@4.6.7";
import { isPrintable, legible, quoted } from "../data/quoted.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import { type LockstepRow, numericsOf, type PlanRow, type PlanTable, planTable, type SpeedRow } from "../nn/plan.ts";
import { shortHash } from "./config.ts";

const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

const row = z.strictObject({
  type: z.enum(["dense", "conv"]),
  fromWeights: z.int().min(0),
  compactBelow: z.number().min(0).max(1),
  tiles: z.enum(["register", "workgroup"]),
}) satisfies z.ZodType<PlanRow>;
const rows = z.array(row).max(1000).exactOptional();

const lockstepRow = z.strictObject({ fromWork: count, atMost: z.int().min(1).nullable() }) satisfies z.ZodType<
  LockstepRow
>;
const lockstepRows = z.array(lockstepRow).max(1000).exactOptional();

// They are printed: what moves a terminal's cursor is no part of a name.
const name = z.string().min(1).max(300).refine(isPrintable, "there are characters in it that cannot be printed");

const milliseconds = z.number().gt(0).max(1e9);
const speedRow = z.strictObject({
  network: name,
  work: count.min(1),
  batchSize: z.int().min(1),
  networks: z.int().min(1),
  remaining: z.number().gt(0).max(1),
  stepMs: milliseconds,
  evaluationMsPerThousandImages: milliseconds,
}) satisfies z.ZodType<SpeedRow>;
const speedRows = z.array(speedRow).max(1000).exactOptional();

const schema = z.strictObject({
  version: z.literal(planTable.version),
  adapter: name.exactOptional(),
  software: rows,
  gpu: rows,
  lockstep: z.strictObject({ software: lockstepRows, gpu: lockstepRows }).exactOptional(),
  speed: z.strictObject({ software: speedRows, gpu: speedRows }).exactOptional(),
}) satisfies z.ZodType<PlanTable>;

/**
 * Checks a plan table.
 *
 * @throws {RangeError} naming the first thing that is wrong
 */
export function parsePlanTable(value: unknown): PlanTable {
  const version: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "version") : undefined;
  if (version !== undefined && version !== planTable.version) {
    throw new RangeError(
      `The plan table is of version ${
        quoted(version)
      }, and this version of Winnow reads ${planTable.version}: measure one anew ` +
        "with `deno task bench calibrate`.",
    );
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new RangeError(`The plan table is wrong: ${explain(parsed.error.issues[0])}. ${remedy}`);
  }
  const { software, gpu, lockstep, speed } = parsed.data;
  if (!software && !gpu) {
    throw new RangeError(`The plan table has rows for no kind of adapter: give "software" or "gpu". ${remedy}`);
  }
  for (const kind of ["software", "gpu"] as const) {
    const twice = repeated(parsed.data[kind]?.map(({ type, fromWeights }) => `${type} from ${fromWeights} weights`));
    const twiceInLockstep = repeated(lockstep?.[kind]?.map(({ fromWork }) => `lockstep from ${fromWork}`));
    const twiceInSpeed = repeated(
      speed?.[kind]?.map(({ network, work, networks, remaining }) =>
        `the speed of ${legible(network, 100)} with work ${work}, ${networks} in lockstep, at ${remaining}`
      ),
    );
    const overlapping = twice ?? twiceInLockstep ?? twiceInSpeed;
    if (overlapping === undefined) continue;
    throw new RangeError(`The plan table has two rows of ${kind} for ${overlapping}: leave one out.`);
  }
  return parsed.data;
}

const remedy = "`deno task bench calibrate` writes one, and docs/run-folder.md describes it.";

/** The hash of what numbers depend on in a table: part of a run's identity. */
export function planHashOf(table: PlanTable): Promise<string> {
  return shortHash(numericsOf(table));
}

/** Why a table was not measured on this adapter, in a sentence; undefined where it was, or was made for all of its kind. */
export function otherAdapter(table: PlanTable, { name }: Pick<AdapterInfo, "name">): string | undefined {
  if (table.adapter === undefined || table.adapter === name) return undefined;
  return `The plan table was measured on ${
    legible(table.adapter, 200)
  }, and ${name} computes: what it says is faster may not be ` +
    "here. `deno task bench calibrate` measures this one, for runs that begin after it.";
}

function repeated(names: readonly string[] = []): string | undefined {
  return names.find((name, index) => names.indexOf(name) < index);
}

function explain(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return "it is no plan table";
  const where = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  return legible(where + issue.message.replace(/^./, (letter) => letter.toLowerCase()), 300);
}
