import { createDefine } from "fresh";

export interface State {
  /** Middlewares that were passed, in order. */
  passed: string[];
}

export const define = createDefine<State>();
