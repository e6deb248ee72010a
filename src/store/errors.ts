/**
 * Errors of run folders that a caller may want to tell apart.
 *
 * @module
 */

/** A run's files contradict each other, or a replay gave other numbers than were recorded. */
export class CorruptRunError extends Error {
  /** The class's name. */
  override readonly name = "CorruptRunError";
}

/** Another process is at work in the run's folder. */
export class RunInUseError extends Error {
  /** The class's name. */
  override readonly name = "RunInUseError";
}

/** A file of a run could not be written or read: disk full, no permission. What was recorded before is whole. */
export class StorageError extends Error {
  /** The class's name. */
  override readonly name = "StorageError";
}
