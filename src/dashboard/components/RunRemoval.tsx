/**
 * The question before a run is deleted.
 *
 * @module
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatBytes } from "../../analysis/words.ts";
import { isPlain } from "../links.ts";
import type { RunRow } from "../types.ts";
import { count } from "../words.ts";

/** What {@linkcode RunRemoval} takes. */
export interface RunRemovalProps {
  /** The run. */
  readonly row: RunRow;
  /** The address of the table as it is. */
  readonly back: string;
  /** Keeps it. */
  readonly cancel: () => void;
  /** Deletes it. */
  readonly remove: (row: RunRow) => Promise<void>;
}

/** Asks whether a run is to be deleted. Comes open from the server, for readers without script. */
export function RunRemoval({ row, back, cancel, remove }: RunRemovalProps): JSX.Element {
  const { id, bytes, state, done } = row;
  const dialog = useRef<HTMLDialogElement>(null);
  const isBusy = useSignal(false);
  useEffect(() => {
    // Not by close(), which would be told as the reader's own.
    dialog.current?.removeAttribute("open");
    dialog.current?.showModal();
  }, []);
  const isRunning = state === "running";
  return (
    <dialog
      class="overview-dialog"
      ref={dialog}
      open
      aria-labelledby="removal"
      // Once it is closed, the browser has put the focus back to where it was.
      onClose={cancel}
    >
      <form
        class="stack"
        method="post"
        action={`/api/runs/${id}/remove`}
        onSubmit={async (event) => {
          event.preventDefault();
          isBusy.value = true;
          await remove(row);
        }}
      >
        <h2 id="removal">{isRunning ? `${id} is running` : `Delete ${id}?`}</h2>
        <p>
          {isRunning
            ? "A running run cannot be deleted. Stop it first."
            : `Its folder goes for good, with ${formatBytes(bytes)}: ${
              count(done, "trained network")
            } with curves, tickets and checkpoints. Nothing brings them back.`}
        </p>
        <input type="hidden" name="back" value={back} />
        <div class="row">
          <a
            class="button"
            href={back}
            onClick={(event) => {
              if (!isPlain(event)) return;
              event.preventDefault();
              dialog.current?.close();
            }}
          >
            {isRunning ? "Back" : "Keep it"}
          </a>
          {!isRunning && (
            <button class="danger" type="submit" disabled={isBusy.value}>Delete {formatBytes(bytes)}</button>
          )}
        </div>
      </form>
    </dialog>
  );
}
