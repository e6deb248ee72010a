/**
 * The connections of LeNet's units: Figures 21 to 24.
 *
 * @module
 */
import type { Experiment, ExperimentRun, Panel } from "./experiment.ts";

/** The paper's sizes stand only in its pictures; these are ours. The dense network has all its connections, which is nothing to see. */
const remaining = [0.41, 0.169, 0.07] as const;

/** The panels: a layer each. */
export function connectionPanels({ name }: ExperimentRun, direction: "incoming" | "outgoing"): Panel[] {
  const units = direction === "incoming"
    ? ["first hidden layer", "second hidden layer", "output layer"]
    : ["input layer", "first hidden layer", "second hidden layer"];
  return units.map((unit, index) => ({
    type: "connections",
    title: `${direction === "incoming" ? "Incoming" : "Outgoing"} connections, ${unit}`,
    run: name,
    layer: `dense${index + 1}`,
    direction,
    remaining,
  }));
}

/** What the four figures say of themselves. */
export function aboutConnections(direction: "incoming" | "outgoing", optimizer: string): Pick<Experiment, "about"> {
  return {
    about:
      `For each unit of LeNet, trained by ${optimizer}, the fraction of its ${direction} connections that survive. The sizes are ` +
      "ours: the paper has them in its picture alone.",
  };
}
