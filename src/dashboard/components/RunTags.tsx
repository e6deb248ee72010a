/**
 * A run's tags in the overview's table.
 *
 * @module
 */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { isPlain, type LinkTo, withParameter } from "../links.ts";
import type { RunRow } from "../types.ts";

/** What {@linkcode RunTags} takes. */
export interface RunTagsProps {
  /** The run. */
  readonly row: RunRow;
  /** Whether they can be changed. */
  readonly isTrusted: boolean;
  /** Whether they are being changed. */
  readonly isOpen: boolean;
  /** The address of the table as it is. */
  readonly back: string;
  /** Makes links. */
  readonly link: LinkTo;
  /** Begins to change those of a run; ends it with null. */
  readonly open: (id: string | null) => void;
  /** Puts others in their place, from a text with commas. */
  readonly save: (row: RunRow, text: string) => void;
}

/** A run's tags, and the field that changes them. */
export function RunTags({ row, isTrusted, isOpen, back, link, open, save }: RunTagsProps): JSX.Element | null {
  const { id, tags } = row;
  const field = useRef<HTMLInputElement>(null);
  const opener = useRef<HTMLAnchorElement>(null);
  const wasOpen = useRef(isOpen);
  useEffect(() => {
    if (isOpen) field.current?.focus();
    else if (wasOpen.current) opener.current?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  if (isOpen && isTrusted) {
    return (
      <form
        class="overview-tags"
        method="post"
        action={`/api/runs/${id}/tags`}
        onSubmit={(event) => {
          event.preventDefault();
          save(row, field.current?.value ?? "");
        }}
        onKeyDown={({ key }) => key === "Escape" && open(null)}
      >
        <input type="hidden" name="back" value={back} />
        <label>
          <span class="soft small">Tags, separated by commas</span>
          <input ref={field} type="text" name="tags" defaultValue={tags.join(", ")} autocomplete="off" />
        </label>
        <span class="row">
          <button type="submit">Save</button>
          <a
            href={back}
            onClick={(event) => {
              if (!isPlain(event)) return;
              event.preventDefault();
              open(null);
            }}
          >
            Cancel
          </a>
        </span>
      </form>
    );
  }
  if (tags.length === 0 && !isTrusted) return null;
  return (
    <span class="overview-tags">
      {tags.map((tag) => <a key={tag} class="tag" title={`Only runs with the tag ${tag}`} {...link({ tag })}>{tag}</a>)}
      {isTrusted && (
        <a
          ref={opener}
          class="quiet small"
          href={withParameter(back, "tags", id)}
          aria-label={tags.length === 0 ? `Add tags to ${id}` : `Change the tags of ${id}`}
          onClick={(event) => {
            if (!isPlain(event)) return;
            event.preventDefault();
            open(id);
          }}
        >
          {tags.length === 0 ? "Add tags" : "Change"}
        </a>
      )}
    </span>
  );
}
