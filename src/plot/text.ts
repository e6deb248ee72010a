/**
 * How wide a text will be, and how numbers are written on axes.
 *
 * Nobody can measure text without a screen, so widths are estimated with those of DejaVu Sans, which is wider than the other
 * system fonts: what does not overlap by this estimate does not overlap in them either.
 *
 * @module
 */
import { legible } from "../data/quoted.ts";

/** Advance widths of DejaVu Sans, in em. */
const widths: readonly (readonly [characters: string, em: number])[] = [
  ["ijl'|", 0.28],
  [" .,·I", 0.33],
  [":;/\\", 0.34],
  ["ft-()[]!", 0.4],
  ['r"', 0.46],
  ["sz–_", 0.53],
  ["ckvxyJ", 0.6],
  ["abdeghnopqu0123456789", 0.64],
  ["ABCDEFGHKLNOPQRSTUVXYZ", 0.73],
  ["w×−+=<>◇≥", 0.84],
  ["mMW%", 0.98],
];

/** Estimated width of a text in pixels at a font size. */
export function textWidth(text: string, fontSize: number): number {
  let em = 0;
  // As it will be written: what cannot be shown becomes longer.
  for (const character of legible(text, Infinity)) {
    em += widths.find(([characters]) => characters.includes(character))?.[1] ?? 1;
  }
  return em * fontSize;
}

/** A text in lines that are no wider than `most` pixels, broken at spaces; a word that is wider is cut with an ellipsis. */
export function wrapped(text: string, fontSize: number, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const longer = `${last} ${word}`;
    if (last !== undefined && textWidth(longer, fontSize) <= most) lines[lines.length - 1] = longer;
    else lines.push(shortened(word, fontSize, most));
  }
  return lines;
}

/** A text cut with an ellipsis so that it is no wider than `most` pixels. */
export function shortened(text: string, fontSize: number, most: number): string {
  if (textWidth(text, fontSize) <= most) return text;
  const characters = [...text];
  while (characters.length > 1 && textWidth(`${characters.join("")}…`, fontSize) > most) characters.pop();
  return `${characters.join("")}…`;
}

/** A surviving fraction in percent as the paper writes it: 1 → "100", 0.5132 → "51.3", 0.0034 → "0.34". */
export function remainingLabel(fraction: number): string {
  const percent = fraction * 100;
  if (percent >= 99.95) return "100";
  if (percent >= 0.995) return percent.toFixed(1);
  return percent > 0 ? String(Number(percent.toPrecision(2))) : "0";
}

/**
 * Numbers for the ticks of an axis, all with as many digits as their step needs: thousands with commas, and powers of ten where
 * digits would be too many.
 */
export function tickLabels(ticks: readonly number[]): string[] {
  const largest = Math.max(...ticks.map(Math.abs));
  const step = Math.min(...ticks.slice(1).map((tick, index) => Math.abs(tick - (ticks[index] ?? 0))), largest);
  if (largest >= 1e7 || largest > 0 && step < 1e-4) return ticks.map(power);
  // A step of 0.25 has two digits; one of 0.30000000000000004 has one.
  let digits = 0;
  while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6 * 10 ** digits) digits++;
  return ticks.map((tick) =>
    minus(tick.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }))
  );
}

/** A number by itself, with three significant digits or as many as its whole part has. */
export function numberLabel(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-4)) return power(value);
  return minus(
    Math.abs(value) >= 100
      ? Math.round(value).toLocaleString("en")
      : Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 }),
  );
}

function power(value: number): string {
  if (value === 0) return "0";
  const [digits = "", exponent = "0"] = value.toExponential(6).split("e");
  const raised = [...String(Number(exponent))].map((digit) => superscripts[digit] ?? digit).join("");
  const factor = Number(Number(digits).toPrecision(3));
  return minus(factor === 1 ? `10${raised}` : `${factor}×10${raised}`);
}

const superscripts: Readonly<Record<string, string>> = {
  "-": "⁻",
  "0": "⁰",
  "1": "¹",
  "2": "²",
  "3": "³",
  "4": "⁴",
  "5": "⁵",
  "6": "⁶",
  "7": "⁷",
  "8": "⁸",
  "9": "⁹",
};

function minus(text: string): string {
  return text.replace("-", "−");
}
