/**
 * One line of a terminal that is written again and again. Our own because log-update and ora read environment variables at
 * import, which would widen every task's permissions, and a bar, figures and two times in one line leave a library little to do.
 *
 * @module
 */
import type { Console } from "./console.ts";

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const clearLine = "\r\x1b[K";

/** How often the line is drawn at most, in milliseconds: fast enough for the eye, too slow to cost anything. */
const interval = 100;

/** The last line of the terminal. Does nothing where there is none. */
export class LiveLine implements Disposable {
  readonly #console: Console;
  #drawnAt = -Infinity;
  #isShown = false;

  constructor(console: Console) {
    this.#console = console;
  }

  /** Draws the line, unless it was drawn just now. */
  draw(text: () => string): void {
    const now = performance.now();
    if (!this.#console.isTerminal || now - this.#drawnAt < interval) return;
    this.#drawnAt = now;
    const line = [...text()].slice(0, this.#console.columns() - 1).join("");
    this.#console.raw(`${this.#isShown ? "" : hideCursor}${clearLine}${line}`);
    this.#isShown = true;
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (this.#isShown) this.#console.raw(clearLine + showCursor);
    this.#isShown = false;
    this.#drawnAt = -Infinity;
  }

  /** Leaves the terminal as it was. */
  [Symbol.dispose](): void {
    this.clear();
  }
}

/** A bar of so many columns. */
export function bar(fraction: number, columns: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * columns);
  return "━".repeat(full) + "─".repeat(columns - full);
}
