/**
 * A command as a reader can take it in: its lines end between options.
 *
 * @module
 */
import type { JSX } from "preact";

/** The command, each option with its value held together: browsers would else end a line behind a flag's hyphens. */
export function CommandText({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {text.split(/ (?=--)/).map((part, index) =>
        // The first part is the program's name, which may end anywhere.
        index === 0 ? part : [" ", <span key={index} class="nowrap">{part}</span>]
      )}
    </>
  );
}
