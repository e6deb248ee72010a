/**
 * `fresh/dev` as its documentation has it (Builder).
 *
 * @module
 */
import type { App } from "./fresh.d.ts";

export interface BuildOptions {
  target?: string | string[];
  root?: string;
  serverEntry?: string;
  outDir?: string;
  staticDir?: string;
  islandDir?: string;
  routeDir?: string;
  ignore?: RegExp[];
}

/** Generates assets. */
export class Builder<State = unknown> {
  constructor(options?: BuildOptions);
  registerIsland(specifier: string): void;
  build(
    options?: { mode?: "development" | "production"; snapshot?: "disk" | "memory" },
  ): Promise<(app: App<State>) => void>;
  listen(importApp: () => Promise<{ app: App<State> }>, options?: Partial<Deno.ServeTcpOptions>): Promise<void>;
}
