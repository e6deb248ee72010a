/**
 * Numbers of a run in words, as its pages and their tables say them.
 *
 * @module
 */
import { percent } from "../../analysis/words.ts";
import type { Spread } from "../../analysis/statistics.ts";

/** A duration, to two parts: "45 s", "12 min 5 s", "3 h 20 min", "2 d 4 h". */
export function durationWords(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A number with thousands separated. */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** Milliseconds to three digits. */
export function millisecondWords(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

/** A mean of accuracies, and its range where there is one; an en dash where there is none. */
export function accuracyWords(value: Spread | null): { readonly mean: string; readonly range: string } {
  return value
    ? { mean: percent(value.mean, 2), range: rangeOf(value, (own) => (own * 100).toFixed(2)) }
    : { mean: "–", range: "" };
}

/** A mean of iterations, and its range where there is one. */
export function iterationWords(value: Spread | null): { readonly mean: string; readonly range: string } {
  return value
    ? { mean: count(Math.round(value.mean)), range: rangeOf(value, (own) => count(Math.round(own))) }
    : { mean: "–", range: "" };
}

function rangeOf({ minimum, maximum, count }: Spread, inWords: (value: number) => string): string {
  return count > 1 ? `${inWords(minimum)} to ${inWords(maximum)}` : "";
}

/** Text whose numbers do not part from their units, or extents from each other, at a line's end. */
export function unbroken(text: string): string {
  return text.replaceAll(/(?<=\d) (?=%|×|pp\b|ms\b)|(?<=\d ×) (?=\d)/g, "\u00a0");
}
