/**
 * What the routes share.
 *
 * @module
 */
import { createDefine, type Define } from "fresh";
import type { Dashboard } from "./src/dashboard/dashboard.ts";

/** What middlewares leave for routes. */
export interface State {
  /** The runs, and what may be done with them. */
  dashboard: Dashboard;
  /** Whether this request showed the token of this start, so that pages may offer what writes. */
  isTrusted: boolean;
  /** The document's title; the page's handler says it. */
  title?: string;
}

/** Helpers that know the state. */
export const define: Define<State> = createDefine<State>();
