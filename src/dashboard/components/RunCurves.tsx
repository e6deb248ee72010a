/**
 * A run's curves on its pages.
 *
 * @module
 */
import type { JSX } from "preact";
import Curves from "../../../islands/Curves.tsx";
import { armStyles, rampSteps } from "../../plot/palette.ts";
import { type CurvesView, viewFrom } from "../curves_view.ts";
import { armNames } from "../../lottery/arms/names.ts";
import { usualCurves } from "../run_choices.ts";
import type { RunView } from "../types.ts";

/** What {@linkcode RunCurves} takes. */
export interface RunCurvesProps {
  /** The run. */
  readonly run: RunView;
  /** The page's address: what was chosen. */
  readonly url: URL;
  /** The dashboard's version when the run was read. */
  readonly version: string;
  /** The level that the page is about; all of them when left out. */
  readonly level?: number;
}

/** Of a run with more arms the first are shown until others are chosen: the tickets, and the paper's own controls before others. */
const mostArms = 6;

/** Curves of a run, or of one of its levels. */
export function RunCurves({ run, url, version, level }: RunCurvesProps): JSX.Element {
  const { id, config, figures, state, row: { progress } } = run;
  const arms = armNames.filter((name) => name === "ticket" || config?.controls.some((control) => control === name));
  const known = new Map<number, number | null>(figures.map(({ level, remaining }) => [level, remaining]));
  if (progress.level !== null && !known.has(progress.level)) known.set(progress.level, null);
  const first: CurvesView = arms.length > mostArms ? { ...usualCurves, arms: arms.slice(0, mostArms) } : usualCurves;
  const usual: CurvesView = level === undefined
    ? first
    : { ...first, levels: [level], networks: (config?.replicates ?? 1) > 1 ? "each" : "mean" };
  const view = viewFrom(url.searchParams, usual);
  return (
    <Curves
      id={id}
      version={version}
      view={level === undefined ? view : { ...view, levels: [level] }}
      usual={usual}
      arms={arms.map((name) => ({ name, dash: armStyles[name].dash }))}
      levels={[...known].map(([level, remaining]) => ({ level, remaining }))}
      rampSteps={rampSteps}
      isLevelFixed={level !== undefined}
      isLive={state === "running" || state === "unfinished"}
    />
  );
}
