/**
 * Which build is served: known on the server once there is one.
 *
 * @module
 */
let current: string | undefined;

/** The build's id; undefined before there is one, and in browsers. */
export function buildId(): string | undefined {
  return current;
}

/** For the builder. */
export function setBuildId(id: string): void {
  current = id;
}
