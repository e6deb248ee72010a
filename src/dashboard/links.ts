/**
 * Links that a page's script follows in place, and that lead to the same without it.
 *
 * @module
 */
import type { TableQuery } from "./run_table.ts";

/** What a link of the table does: its address without script, and the same in place with it. */
export type LinkTo = (changes: Partial<TableQuery>) => { href: string; onClick: (event: MouseEvent) => void };

/** Whether a click asks for the link here, and not in another tab. */
export function isPlain({ button, altKey, ctrlKey, metaKey, shiftKey }: MouseEvent): boolean {
  return button === 0 && !altKey && !ctrlKey && !metaKey && !shiftKey;
}

/** An address with one parameter more. */
export function withParameter(address: string, name: string, value: string): string {
  return `${address}${address.includes("?") ? "&" : "?"}${new URLSearchParams({ [name]: value })}`;
}
