/**
 * Props of islands on their way to the browser. The format is devalue's: everything that JSON holds, and undefined, numbers
 * that are not finite, dates, maps, sets, bytes, URLs and repeated references; here signals as well.
 *
 * @module
 */
import { computed, type ReadonlySignal, Signal, signal } from "@preact/signals";
import { parse, stringify } from "npm:devalue@6.0.3";

/** What stands for a signal: its value, and whether it is computed. */
interface SignalValue {
  readonly value: unknown;
  readonly isComputed: boolean;
}

/** @throws when a value cannot be carried over, such as a function, naming where it stands */
export function serialize(value: unknown): string {
  return stringify(value, {
    // Signals first: they pass for elements of Preact.
    Signal: (own: unknown): SignalValue | false =>
      own instanceof Signal && { value: own.peek(), isComputed: own.constructor !== Signal },
  });
}

/** The inverse of {@linkcode serialize}: signals live again, computed ones with the value they had. */
export function deserialize(text: string): unknown {
  return parse(text, {
    Signal: ({ value, isComputed }: SignalValue): ReadonlySignal<unknown> =>
      isComputed ? computed(() => value) : signal(value),
  });
}
