/**
 * All experiments by name.
 *
 * @module
 */
import type { Experiment } from "./experiment.ts";
import { connectivity } from "./figures/connectivity.ts";
import { fig1 } from "./figures/fig1.ts";
import { fig3 } from "./figures/fig3.ts";
import { fig4 } from "./figures/fig4.ts";
import { fig5 } from "./figures/fig5.ts";
import { fig6 } from "./figures/fig6.ts";
import { fig7 } from "./figures/fig7.ts";
import { fig8 } from "./figures/fig8.ts";
import { fig9 } from "./figures/fig9.ts";
import { fig10 } from "./figures/fig10.ts";
import { fig11 } from "./figures/fig11.ts";
import { fig12 } from "./figures/fig12.ts";
import { fig13 } from "./figures/fig13.ts";
import { fig14 } from "./figures/fig14.ts";
import { fig15 } from "./figures/fig15.ts";
import { fig16 } from "./figures/fig16.ts";
import { fig17 } from "./figures/fig17.ts";
import { fig18 } from "./figures/fig18.ts";
import { fig19 } from "./figures/fig19.ts";
import { fig20 } from "./figures/fig20.ts";
import { fig21 } from "./figures/fig21.ts";
import { fig22 } from "./figures/fig22.ts";
import { fig23 } from "./figures/fig23.ts";
import { fig24 } from "./figures/fig24.ts";
import { fig25 } from "./figures/fig25.ts";
import { fig26 } from "./figures/fig26.ts";
import { fig27 } from "./figures/fig27.ts";
import { fig28 } from "./figures/fig28.ts";
import { fig29 } from "./figures/fig29.ts";
import { fig30 } from "./figures/fig30.ts";
import { fig31 } from "./figures/fig31.ts";
import { fig32 } from "./figures/fig32.ts";
import { fig33 } from "./figures/fig33.ts";
import { fig34 } from "./figures/fig34.ts";
import { fig35 } from "./figures/fig35.ts";
import { fig36 } from "./figures/fig36.ts";
import { fig37 } from "./figures/fig37.ts";
import { fig38 } from "./figures/fig38.ts";
import { fig39 } from "./figures/fig39.ts";
import { fig40 } from "./figures/fig40.ts";
import { fig41 } from "./figures/fig41.ts";
import { fig42 } from "./figures/fig42.ts";
import { fig43 } from "./figures/fig43.ts";
import { fig44 } from "./figures/fig44.ts";
import { fig45 } from "./figures/fig45.ts";
import { lateRewinding } from "./figures/late_rewinding.ts";
import { missingTheMark } from "./figures/missing_the_mark.ts";
import { pruningAtInit } from "./figures/pruning_at_init.ts";
import { retraining } from "./figures/retraining.ts";

/** The paper's figures in their order, then what came after it. Figure 2 is a table of networks: the presets. */
export const experiments: readonly Experiment[] = [
  fig1,
  fig3,
  fig4,
  fig5,
  fig6,
  fig7,
  fig8,
  fig9,
  fig10,
  fig11,
  fig12,
  fig13,
  fig14,
  fig15,
  fig16,
  fig17,
  fig18,
  fig19,
  fig20,
  fig21,
  fig22,
  fig23,
  fig24,
  fig25,
  fig26,
  fig27,
  fig28,
  fig29,
  fig30,
  fig31,
  fig32,
  fig33,
  fig34,
  fig35,
  fig36,
  fig37,
  fig38,
  fig39,
  fig40,
  fig41,
  fig42,
  fig43,
  fig44,
  fig45,
  lateRewinding,
  retraining,
  connectivity,
  pruningAtInit,
  missingTheMark,
];

/** The experiment of a name; undefined when there is none. */
export function experimentOf(name: string): Experiment | undefined {
  return experiments.find((own) => own.name === name);
}
