/**
 * The columns of the overview's table.
 *
 * @module
 */
import type { SortKey } from "./run_table.ts";

/** A column of the table. */
export interface Column {
  /** What it sorts by. */
  readonly key: SortKey;
  /** What stands above it. */
  readonly title: string;
  /** What it is, in full. */
  readonly about: string;
  /** Whether it holds numbers, which stand to the right. */
  readonly isNumber?: boolean;
  /** Whether it holds long words, and goes where there is little room. */
  readonly isWide?: boolean;
}

/** They, in order. */
export const columns: readonly Column[] = [
  { key: "id", title: "Run", about: "Name" },
  { key: "data", title: "Data, network", about: "Data set and network" },
  { key: "arms", title: "Arms", about: "Arms: tickets, and the controls beside them" },
  { key: "state", title: "State", about: "State and progress" },
  {
    key: "remaining",
    title: "Best ticket",
    about: "Weights that remain in the best ticket, the one of lowest validation loss",
    isNumber: true,
  },
  {
    key: "accuracy",
    title: "Test accuracy",
    about: "Test accuracy of the best ticket at early stop",
    isNumber: true,
  },
  {
    key: "dense",
    title: "vs. dense",
    about: "Its test accuracy against the dense network, in percentage points",
    isNumber: true,
  },
  {
    key: "control",
    title: "vs. control",
    about: "Its test accuracy against the best control at that level, in percentage points",
    isNumber: true,
  },
  {
    key: "levels",
    title: "Levels × repl.",
    about: "Pruning rounds after the dense level, and replicates",
    isNumber: true,
  },
  { key: "adapter", title: "Adapter", about: "Adapter that computed", isWide: true },
  { key: "created", title: "Began", about: "When training began", isNumber: true },
  { key: "size", title: "Size", about: "Size of its folder", isNumber: true },
];
