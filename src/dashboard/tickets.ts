/**
 * Tickets against each other: which ones an address names, and what their masks have in common.
 *
 * @module
 */
import {
  chanceOf,
  isSameNetwork,
  measuresOf,
  type OverlapMeasures,
  overlapOf,
  type PackedLayer,
  packLayer,
  shareOf,
  type TicketOverlap,
} from "../analysis/overlap.ts";
import { bestLevel } from "../analysis/outcome.ts";
import { spread } from "../analysis/statistics.ts";
import { percent } from "../analysis/words.ts";
import { legible } from "../data/quoted.ts";
import { armNames } from "../lottery/arms/names.ts";
import type { Ticket } from "../lottery/ticket.ts";
import type { NetworkKey } from "../lottery/types.ts";
import { layOut } from "../nn/network.ts";
import type { Dashboard } from "./dashboard.ts";
import { parseNetworkKey } from "./network_key.ts";
import { ticketFiles } from "./run_folder.ts";
import type { RunView } from "./types.ts";

/** A ticket of a run. */
export interface TicketReference {
  /** The run's id. */
  readonly run: string;
  /** Which of its networks. */
  readonly network: NetworkKey;
}

/** A ticket as it is compared. */
export interface PackedTicket extends TicketReference {
  /** Its layers. */
  readonly layers: readonly PackedLayer[];
  /** The network's name. */
  readonly architecture: string;
  /** Weights that survive, in all. */
  readonly kept: number;
  /** Weights in all. */
  readonly size: number;
  /** Equal for tickets that start from the same values. */
  readonly start: string;
}

/** Tickets of one run against each other. */
export interface TicketMatrix {
  /** What they are: the replicates of a level, or the levels of a replicate. */
  readonly by: "replicates" | "levels";
  /** The level, when they are its replicates. */
  readonly level: number;
  /** The replicate, when they are its levels. */
  readonly replicate: number;
  /** The tickets. */
  readonly tickets: readonly PackedTicket[];
  /** Each against each; null on the diagonal. */
  readonly overlaps: readonly (readonly (TicketOverlap | null)[])[];
  /** What they have in common, in sentences. */
  readonly words: readonly string[];
}

/** `run:level:replicate`, or with `:arm:draw` behind it. */
export function formatReference({ run, network: { level, replicate, arm, draw } }: TicketReference): string {
  return `${run}:${level}:${replicate}${arm === "ticket" ? "" : `:${arm}:${draw}`}`;
}

/** Reads what {@linkcode formatReference} gives; undefined for anything else. */
export function parseReference(text: string): TicketReference | undefined {
  const [run = "", level = "", replicate = "", arm = "ticket", draw = "1", ...rest] = text.trim().split(":");
  const network = parseNetworkKey([arm, level, replicate, draw]);
  return run === "" || rest.length > 0 || !network ? undefined : { run, network };
}

/** A ticket in a sentence: "level 3, replicate 1", with its run's name before it where that is needed. */
export function nameOf(
  { run, network: { level, replicate, arm, draw } }: TicketReference,
  isElsewhere = false,
): string {
  return [
    ...(isElsewhere ? [run] : []),
    ...(arm === "ticket" ? [] : [arm]),
    level === 0 ? "dense level" : `level ${level}`,
    `replicate ${replicate}`,
    ...(arm !== "ticket" ? [`draw ${draw}`] : []),
  ].join(", ");
}

/** The name of a ticket's file. */
export function ticketFileOf({ arm, level, replicate, draw }: NetworkKey): string {
  const name = `${arm}-level-${String(level).padStart(2, "0")}-replicate-${replicate}`;
  return `${arm === "ticket" ? name : `${name}-draw-${draw}`}.safetensors`;
}

/** The network whose ticket's file is called so; undefined for what is no such name. */
export function parseTicketFile(
  name: string,
): { readonly network: NetworkKey; readonly isCompact: boolean } | undefined {
  const [, arm = "", level = "", replicate = "", draw = "1", compact] =
    /^([a-z-]+)-level-(\d{2,4})-replicate-(\d{1,5})(?:-draw-(\d{1,5}))?(\.compact)?\.safetensors$/.exec(name) ?? [];
  const network = parseNetworkKey([arm, level, replicate, draw]);
  const isCompact = compact !== undefined;
  return network && ticketFileOf(network) === name.replace(".compact.", ".") ? { network, isCompact } : undefined;
}

/** The tickets of a run, as far as it has come: by arm, level, replicate and draw. */
export function ticketsOf({ id, summary }: Pick<RunView, "id" | "summary">): TicketReference[] {
  return (summary?.arms ?? []).toSorted((a, b) => armNames.indexOf(a.name) - armNames.indexOf(b.name))
    .flatMap(({ name: arm, levels }) =>
      levels.flatMap(({ level, replicates }) =>
        replicates.map(({ replicate, draw }) => ({ run: id, network: { arm, level, replicate, draw } }))
      )
    );
}

/**
 * Reads a ticket as it is compared; undefined where there is none.
 *
 * @throws {SyntaxError} when its file is damaged
 */
export async function readPacked(dashboard: Dashboard, reference: TicketReference): Promise<PackedTicket | undefined> {
  const ticket = await dashboard.readTicket(reference.run, reference.network);
  return ticket && pack(reference, ticket);
}

function pack(reference: TicketReference, { network, masks, initial, rewind }: Ticket): PackedTicket {
  const starts = (rewind?.layers ?? initial).map(({ weight }) => weight);
  const layers = layOut(network).layers.map(({ name }, index) =>
    packLayer(name, masks[index] ?? new Uint8Array(), starts[index])
  );
  return {
    ...reference,
    layers,
    architecture: network.name,
    kept: layers.reduce((sum, { kept }) => sum + kept, 0),
    size: layers.reduce((sum, { size }) => sum + size, 0),
    start: fingerprint(starts),
  };
}

/** FNV-1a over the bits of the values: tells starts apart that are not equal, for all that is at stake here. */
function fingerprint(starts: readonly Float32Array<ArrayBuffer>[]): string {
  let hash = 0x811c9dc5;
  for (const { buffer, byteOffset, length } of starts) {
    const bits = new Uint32Array(buffer, byteOffset, length);
    for (let index = 0; index < length; index++) hash = Math.imul(hash ^ (bits[index] ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16);
}

/** Weights that a matrix reads at most, over all its tickets: a second or so of reading (2026-11-25, two busy cores). */
const mostWeights = 30_000_000;

/** Tickets that a matrix has at most. */
const mostTickets = 24;

/** What a matrix is asked for by; parts that are missing are chosen. */
export interface MatrixQuery {
  /** What stands against each other. */
  readonly by?: "replicates" | "levels" | undefined;
  /** Of which level, by replicates. */
  readonly level?: number | undefined;
  /** Of which replicate, by levels. */
  readonly replicate?: number | undefined;
}

/** Which matrices a run has. */
export interface MatrixChoices {
  /** Levels that tickets were trained at. */
  readonly levels: readonly number[];
  /** Replicates that were. */
  readonly replicates: readonly number[];
  /** Those levels of which the files of two replicates are there, so that these can be laid over each other. */
  readonly keptLevels: readonly number[];
  /** Those replicates of which the files of two levels are there. */
  readonly keptReplicates: readonly number[];
}

/** The levels and replicates of a run's tickets. */
export async function matrixChoices(run: Pick<RunView, "id" | "summary" | "folder">): Promise<MatrixChoices> {
  const networks = ticketsOf(run).map(({ network }) => network).filter(({ arm }) => arm === "ticket");
  const files = await ticketFiles(run);
  const kept = networks.filter((network) => files.has(ticketFileOf(network)));
  const sorted = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
  const twice = (values: readonly number[]): number[] =>
    sorted(values.filter((value, index) => values.indexOf(value) !== index));
  return {
    levels: sorted(networks.map(({ level }) => level)),
    replicates: sorted(networks.map(({ replicate }) => replicate)),
    keptLevels: twice(kept.map(({ level }) => level)),
    keptReplicates: twice(kept.map(({ replicate }) => replicate)),
  };
}

/** The number that is nearest to another; of two as near, the smaller. */
function nearest(numbers: readonly number[], to: number): number | undefined {
  return numbers.toSorted((a, b) => Math.abs(a - to) - Math.abs(b - to) || a - b)[0];
}

/**
 * A run's tickets against each other: the replicates of its best level, or of the level nearest to it whose files are there; where
 * there is one replicate, its levels.
 *
 * @returns the matrix, or in a sentence why there is none
 */
export async function readMatrix(
  dashboard: Dashboard,
  run: RunView,
  query: MatrixQuery,
): Promise<TicketMatrix | string> {
  const { levels, replicates, keptLevels, keptReplicates } = await matrixChoices(run);
  const by = query.by ?? (replicates.length > 1 ? "replicates" : "levels");
  const best = bestLevel(run.figures)?.level ?? levels.at(-1) ?? 0;
  const level = query.level ?? nearest(keptLevels, best) ?? best;
  const replicate = query.replicate ?? keptReplicates[0] ?? replicates[0] ?? 1;
  const references = ticketsOf(run).filter(({ network }) =>
    network.arm === "ticket" && (by === "replicates" ? network.level === level : network.replicate === replicate)
  );
  if (references.length < 2) {
    return by === "replicates"
      ? `At level ${level} there is ${references.length === 0 ? "no ticket" : "one ticket"}, and two are needed.`
      : `Replicate ${replicate} has ${
        references.length === 0 ? "no ticket" : "tickets of one level"
      }, and two are needed.`;
  }
  const weights = run.summary?.arms[0]?.levels[0]?.layers.reduce((sum, { size }) => sum + size, 0) ?? 0;
  const most = Math.min(mostTickets, Math.floor(mostWeights / Math.max(1, weights)));
  if (most < 2) {
    return `A network of ${
      weights.toLocaleString("en")
    } weights is too large for a table of all its tickets: name two below.`;
  }
  const files = await ticketFiles(run);
  const kept = references.filter(({ network }) => files.has(ticketFileOf(network)));
  const chosen = evenly(kept, most);
  const tickets: PackedTicket[] = [];
  for (const reference of chosen) {
    // One after the other: packed, a ticket takes a twentieth of its file.
    const ticket = await readPacked(dashboard, reference);
    if (ticket) tickets.push(ticket);
  }
  if (tickets.length < 2) {
    const where = by === "replicates" ? `level ${level}` : `replicate ${replicate}`;
    return `The files of the tickets of ${where} are not there, so there is nothing to lay over each other.`;
  }
  const overlaps = tickets.map((a) => tickets.map((b) => a === b ? null : overlapOf(a.layers, b.layers)));
  const words = by === "replicates"
    ? replicateWords(level, tickets, overlaps)
    : levelWords(replicate, tickets, overlaps);
  if (by === "replicates" && query.level === undefined && level !== best) {
    words.push(
      `The best level is ${best}, too few of whose tickets' files are there; ${level} is the nearest one with enough.`,
    );
  }
  if (kept.length < references.length) {
    words.push(`${kept.length} of ${references.length} tickets have their files; the others are left out.`);
  }
  if (chosen.length < kept.length) {
    words.push(`${chosen.length} of ${kept.length} tickets are shown, evenly spread; any two can be named below.`);
  }
  return { by, level, replicate, tickets, overlaps, words };
}

/** So many of a list, evenly spread, first and last among them. */
function evenly<Value>(values: readonly Value[], most: number): Value[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, index) => values[Math.round(index * (values.length - 1) / (most - 1))])
    .filter((value) => value !== undefined);
}

function pairsOf(overlaps: TicketMatrix["overlaps"]): TicketOverlap[] {
  return overlaps.flatMap((row, index) => row.slice(index + 1)).filter((overlap) => overlap !== null);
}

/** Means over all pairs of tickets, of a layer or in all. */
export interface MeanShare {
  /** The layer. */
  readonly name: string;
  /** Of a ticket's survivors those that the other has as well. */
  readonly share: number;
  /** The smallest share of a pair. */
  readonly least: number;
  /** The largest one. */
  readonly most: number;
  /** The share by chance. */
  readonly chance: number;
  /** Jaccard and Hamming, beside chance. */
  readonly measures: OverlapMeasures;
}

/** Means over all pairs of tickets: in all, then per layer. */
export function meanShares(overlaps: TicketMatrix["overlaps"]): MeanShare[] {
  const pairs = pairsOf(overlaps);
  const names = ["all layers", ...(pairs[0]?.layers.map(({ name }) => name) ?? [])];
  return names.flatMap((name, index) => {
    const own = pairs.map(({ all, layers }) => index === 0 ? all : layers[index - 1]).filter((one) =>
      one !== undefined
    );
    const shares = spread(own.map(shareOf));
    const chances = spread(own.map(chanceOf));
    if (!shares || !chances) return [];
    const measures = own.map(measuresOf);
    const meanOf = (measure: keyof OverlapMeasures): number | null =>
      spread(measures.map((one) => one[measure]))?.mean ?? null;
    return [{
      name,
      share: shares.mean,
      least: shares.minimum,
      most: shares.maximum,
      chance: chances.mean,
      measures: {
        jaccard: meanOf("jaccard"),
        chanceJaccard: meanOf("chanceJaccard"),
        hamming: meanOf("hamming"),
        chanceHamming: meanOf("chanceHamming"),
      },
    }];
  });
}

function replicateWords(
  level: number,
  tickets: readonly PackedTicket[],
  overlaps: TicketMatrix["overlaps"],
): string[] {
  const [first] = tickets;
  const [all, ...layers] = meanShares(overlaps);
  if (!first || !all) return [];
  if (first.kept === first.size) return ["At the dense level all weights survive, so all tickets are the same."];
  const pairs = pairsOf(overlaps);
  const range = pairs.length > 1 ? ` (${percent(all.least)} to ${percent(all.most)})` : "";
  const away = pairs.map(({ all: { shared, expected, deviation } }) =>
    deviation === 0 ? 0 : (shared - expected) / deviation
  );
  const mean = away.reduce((sum, value) => sum + value, 0) / away.length;
  const verdict = Math.abs(mean) < 3
    ? "each seed finds weights of its own"
    : mean > 0
    ? `more than chance, by ${Math.round(mean).toLocaleString("en")} standard deviations`
    : `less than chance, by ${Math.round(-mean).toLocaleString("en")} standard deviations`;
  const ranked = layers.toSorted((a, b) => (b.share - b.chance) - (a.share - a.chance));
  const [most] = ranked;
  return [
    `At level ${level}, with ${percent(first.kept / first.size)} of the weights, the tickets of two seeds share ${
      percent(all.share)
    } of their survivors${range}; chance alone would give ${percent(all.chance)}: ${verdict}.`,
    ...(most && ranked.length > 1 && mean >= 3
      ? [
        `Furthest above chance is ${most.name}: they share ${percent(most.share)} of its survivors, chance ${
          percent(most.chance)
        }.`,
      ]
      : []),
  ];
}

function levelWords(
  replicate: number,
  tickets: readonly PackedTicket[],
  overlaps: TicketMatrix["overlaps"],
): string[] {
  const broken = tickets.slice(1).flatMap((ticket, index) => {
    const overlap = overlaps[index + 1]?.[index]?.all;
    return overlap && overlap.shared < overlap.keptA ? [{ ticket, back: overlap.keptA - overlap.shared }] : [];
  });
  const first = tickets[0];
  const last = tickets.at(-1);
  const span = first && last
    ? `from ${percent(first.kept / first.size)} to ${percent(last.kept / last.size)} of the weights`
    : "";
  return broken.length === 0
    ? [
      `The tickets of replicate ${replicate} are nested, ${span}: whatever survives at a level survived at all levels before it, as it must when each round prunes what the last one left.`,
    ]
    : [
      `The tickets of replicate ${replicate} are not nested: ${
        broken.map(({ ticket, back }) =>
          `level ${ticket.network.level} has ${back.toLocaleString("en")} weights that the level before had pruned`
        )
          .join(", ")
      }. Pruning goes on from what is left, so a file of this run is not what it was: runs verify says which.`,
    ];
}

/** Two tickets beside each other, or why they cannot be. */
export type TicketPair =
  | {
    readonly kind: "overlap";
    readonly a: PackedTicket;
    readonly b: PackedTicket;
    readonly overlap: TicketOverlap;
    /** Whether both start from the same values, so that their signs agree by themselves. */
    readonly isSameStart: boolean;
  }
  | { readonly kind: "problem"; readonly status: 200 | 400 | 404; readonly problem: string };

/** Lays two tickets over each other. */
export async function readPair(dashboard: Dashboard, first: string, second: string): Promise<TicketPair> {
  const references = [first, second].map(parseReference);
  const wrong = references.findIndex((reference) => !reference);
  const [one, other] = references;
  if (!one || !other) {
    return {
      kind: "problem",
      status: 400,
      problem:
        `${wrong === 0 ? "a" : "b"}=${
          legible([first, second][wrong] ?? "", 80)
        } names no ticket: RUN:LEVEL:REPLICATE is wanted, ` +
        "such as lenet-98b50788f1:7:1, and for a control RUN:LEVEL:REPLICATE:reinit:DRAW.",
    };
  }
  const tickets: PackedTicket[] = [];
  for (const reference of [one, other]) {
    try {
      const ticket = await readPacked(dashboard, reference);
      if (!ticket) {
        return {
          kind: "problem",
          status: 404,
          problem: `There is no ticket ${
            legible(formatReference(reference), 120)
          }: no such run, or nothing trained there yet.`,
        };
      }
      tickets.push(ticket);
    } catch (error) {
      return { kind: "problem", status: 200, problem: error instanceof Error ? error.message : String(error) };
    }
  }
  const [a, b] = tickets;
  if (!a || !b) throw new Error("unreachable: both were read");
  if (!isSameNetwork(a.layers, b.layers)) {
    return {
      kind: "problem",
      status: 200,
      problem:
        `These cannot be compared: one is a ticket of ${describe(a)}, the other of ${
          describe(b)
        }. Masks can be laid over each other ` +
        "only where both networks have the same layers.",
    };
  }
  return { kind: "overlap", a, b, overlap: overlapOf(a.layers, b.layers), isSameStart: a.start === b.start };
}

function describe({ architecture, layers }: PackedTicket): string {
  const sizes = layers.map(({ name, size }) => `${name} ${size.toLocaleString("en")}`);
  return `${architecture} (${layers.length > 4 ? `${layers.length} layers` : sizes.join(", ")})`;
}

/** A share as a class of the table's shading, from 0 to 10. */
export function shadeOf(overlap: TicketOverlap): number {
  return Math.round((shareOf(overlap.all) ?? 0) * 10);
}
