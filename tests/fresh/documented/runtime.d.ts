/**
 * `fresh/runtime` as its documentation has it.
 *
 * @module
 */
import type { ComponentChildren, JSX } from "preact";

export const IS_BROWSER: boolean;
export function asset(path: string): string;
export function Head(props: { children?: ComponentChildren }): JSX.Element;
export { HttpError } from "./fresh.d.ts";
