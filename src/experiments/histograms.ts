/**
 * The distributions that panels of histograms, distances and connections show: what is drawn of them, and what goes into files.
 *
 * @module
 */
import { connectionHistogram, connectionsOf } from "../analysis/connections.ts";
import { distancesMoved } from "../analysis/distances.ts";
import { survivingInitials } from "../analysis/distributions.ts";
import type { Histogram } from "../analysis/histogram.ts";
import type { ConnectionPanel, DistancePanel, HistogramPanel } from "./experiment.ts";
import { type LoadedRun, type LoadedTicket, nearestLevels } from "./loaded_run.ts";

/** A panel whose parts are histograms. */
export type DistributionPanel = HistogramPanel | DistancePanel | ConnectionPanel;

/** A distribution of a layer at a level. */
export interface PanelHistogram {
  /** The level. */
  readonly level: number;
  /** Surviving fraction of the network. */
  readonly remaining: number;
  /** The layer. */
  readonly layer: string;
  /** What is counted: `surviving` weights, those `outside the ticket` and `in the ticket`, or `units`. */
  readonly series: "surviving" | "outside the ticket" | "in the ticket" | "units";
  /** How much there is of it, over all replicates. */
  readonly histogram: Histogram;
}

/** A run's weights are many, and page, file and picture ask for the same distributions. */
const known = new WeakMap<LoadedRun, Map<DistributionPanel, readonly PanelHistogram[]>>();

/** The distributions of a panel, level by level, and of a level layer by layer; none where the run has not what they are made of. */
export function histogramsOf(panel: DistributionPanel, run: LoadedRun | undefined): readonly PanelHistogram[] {
  if (!run) return [];
  const own = known.get(run) ?? new Map<DistributionPanel, readonly PanelHistogram[]>();
  known.set(run, own);
  const histograms = own.get(panel) ?? measured(panel, run);
  own.set(panel, histograms);
  return histograms;
}

function measured(panel: DistributionPanel, run: LoadedRun): PanelHistogram[] {
  const levels = ticketsAt(run, panel.remaining);
  switch (panel.type) {
    case "histograms":
      return initials(levels);
    case "distances":
      return distances(panel, run, levels);
    case "connections":
      return levels.flatMap((own) => connections(panel, own));
  }
}

/** A level's tickets. */
interface LevelOfTickets {
  readonly level: number;
  readonly remaining: number;
  readonly tickets: readonly LoadedTicket[];
}

/** The tickets of the levels nearest to some remaining fractions, where they were read. */
function ticketsAt({ summary, tickets }: LoadedRun, remaining: readonly number[]): LevelOfTickets[] {
  if (!summary) return [];
  return nearestLevels(summary, "ticket", remaining).map(({ level, remaining }) => ({
    level,
    remaining,
    tickets: tickets.filter((own) => own.level === level),
  })).filter((own) => own.tickets.length > 0);
}

function initials(levels: readonly LevelOfTickets[]): PanelHistogram[] {
  const layers = survivingInitials(
    levels.map(({ remaining, tickets }) => ({ remaining, tickets: tickets.map((ticket) => ticket.layers) })),
  );
  return levels.flatMap(({ level, remaining }, index) =>
    layers.flatMap(({ layer, levels }) => {
      const own = levels[index];
      return own ? [{ level, remaining, layer, series: "surviving" as const, histogram: own.histogram }] : [];
    })
  );
}

/** Over the replicates that have all the levels: those have the same dense networks, and so the same bins. */
function distances(
  { measure = "moved" }: DistancePanel,
  run: LoadedRun,
  levels: readonly LevelOfTickets[],
): PanelHistogram[] {
  const dense = run.tickets.filter(({ level, replicate }) =>
    level === 0 && levels.every(({ tickets }) => tickets.some((own) => own.replicate === replicate))
  );
  return levels.flatMap(({ level, remaining, tickets }) => {
    const networks = dense.flatMap(({ replicate, layers }) => {
      const masks = tickets.find((own) => own.replicate === replicate)?.layers ?? [];
      const moved = layers.flatMap(({ name, initial, final }, index) => {
        const mask = masks[index]?.mask;
        return mask && final ? [{ name, mask, initial, final }] : [];
      });
      return moved.length === layers.length ? [moved] : [];
    });
    return distancesMoved(networks, { measure }).flatMap(({ layer, outside, inTicket }) => [
      { level, remaining, layer, series: "outside the ticket" as const, histogram: outside },
      { level, remaining, layer, series: "in the ticket" as const, histogram: inTicket },
    ]);
  });
}

function connections(
  { layer, direction }: ConnectionPanel,
  { level, remaining, tickets }: LevelOfTickets,
): PanelHistogram[] {
  const units = tickets.flatMap(({ layers }) =>
    layers.filter(({ name }) => name === layer).map((own) => connectionsOf(own, direction))
  );
  return units.length === 0
    ? []
    : [{ level, remaining, layer, series: "units", histogram: connectionHistogram(units) }];
}
