/**
 * SVG as text that cannot be broken out of: strings are escaped, elements are not, and nothing else makes markup.
 *
 * @module
 */
import { legible } from "../data/quoted.ts";

/** What an attribute may be; undefined leaves it out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** A piece of SVG, made by {@linkcode element} alone. */
export class Markup {
  readonly #source: string;

  private constructor(source: string) {
    this.#source = source;
  }

  /** An element. Strings among the children are text. Numbers are rounded to hundredths of a pixel. */
  static element(name: string, attributes: Attributes, ...children: readonly (Markup | string)[]): Markup {
    const written = Object.entries(attributes).map(([key, value]) =>
      value === undefined ? "" : ` ${key}="${typeof value === "number" ? pixel(value) : escaped(value)}"`
    ).join("");
    const content = children.map((child) => typeof child === "string" ? escaped(child) : child.#source).join("");
    return new Markup(content === "" ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`);
  }

  /**
   * A whole figure as a part of another, at a place of its own.
   *
   * @param svg What a figure's function returned.
   * @throws {TypeError} When it is no such text.
   */
  static part(
    svg: string,
    x: number,
    y: number,
  ): { readonly part: Markup; readonly width: number; readonly height: number } {
    const opening = /^<svg xmlns="[^"]*" class="plot ([\w -]*)" viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg);
    if (!opening) {
      throw new TypeError(
        "cannot make a part of this text: it does not begin with a figure's <svg>; give what a figure's function returned",
      );
    }
    const [tag, size = "", width = "", height = ""] = opening;
    // Without the class of a whole figure, whose width is that of the page.
    const place = `<svg x="${pixel(x)}" y="${pixel(y)}" width="${width}" height="${height}" class="${size}" ` +
      `viewBox="0 0 ${width} ${height}"`;
    return { part: new Markup(place + svg.slice(tag.length)), width: Number(width), height: Number(height) };
  }

  /** The text. */
  toString(): string {
    return this.#source;
  }
}

/** An SVG element: `element("text", { x: 3, y: 4 }, "a < b")`. */
export const element = Markup.element;

/** Text with the five characters escaped that mean something in XML, and those replaced that XML cannot hold. */
export function escaped(text: string): string {
  const replacements: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return legible(text, Infinity).replace(/[\ufffe\uffff]/g, "\ufffd").replace(
    /[&<>"']/g,
    (character) => replacements[character] ?? character,
  );
}

/** A number of pixels as attributes and paths say it, in hundredths: finer than any screen, and files stay small. */
export function pixel(value: number): string {
  return String(Math.round(value * 100) / 100);
}
