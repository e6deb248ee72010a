/**
 * What the builder makes of the project's files, and an app serves.
 *
 * @module
 */
import type { ComponentType } from "preact";
import type { RouteModule } from "./types.ts";

/** A file below `routes/`. */
export interface RouteFile<State> {
  /** Its path below that folder, with slashes, without the ending: `runs/[id]/index`. */
  readonly path: string;
  /** What it exports. */
  readonly module: RouteModule<State>;
}

/** An island's component. */
export interface Island {
  /** The component. */
  readonly component: ComponentType<Record<string, unknown>>;
  /** The path of the script that brings it. */
  readonly script: string;
  /** The name of the export. */
  readonly exportName: string;
}

/** A file that is served as it is. */
export interface ServedFile {
  /** Its content, read when it is asked for. */
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>;
  /** Its media type. */
  readonly type: string;
  /** Changes with its content. */
  readonly etag: string;
  /** Whether another content would stand at another path. */
  readonly isImmutable: boolean;
}

/** A build. */
export interface Snapshot<State> {
  /** Changes with what is served. */
  readonly buildId: string;
  /** The path of the script that hydrates islands. */
  readonly clientScript: string;
  /** The files below `routes/`. */
  readonly routes: readonly RouteFile<State>[];
  /** The islands, by component. */
  readonly islands: ReadonlyMap<unknown, Island>;
  /** Scripts and static files, by path. */
  readonly files: ReadonlyMap<string, ServedFile>;
}
