/** Reads figures back with an XML parser that is not ours, and tells where things are. */
import assert from "node:assert/strict";
import { SaxesParser } from "npm:saxes@6.0.0";
import { sizes } from "../../src/plot/styles.ts";
import { textWidth } from "../../src/plot/text.ts";

/** An element. */
export interface Node {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Its own classes and those of everything around it. */
  readonly classes: readonly string[];
  readonly children: readonly Node[];
  readonly text: string;
}

/** A rectangle in pixels. */
export interface Box {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Growing extends Node {
  readonly children: Growing[];
  text: string;
}

/** Parses a whole document, and throws when it is not well-formed. */
export function parse(svg: string): Node {
  const parser = new SaxesParser({ xmlns: true });
  const open: Growing[] = [];
  let root: Growing | undefined;
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const values = Object.fromEntries(Object.entries(attributes).map(([key, { value }]) => [key, value]));
    const parent = open.at(-1);
    const own = (values.class ?? "").split(" ").filter((word) => word !== "");
    const node: Growing = {
      name,
      attributes: values,
      classes: [...parent?.classes ?? [], ...own],
      children: [],
      text: "",
    };
    parent?.children.push(node);
    root ??= node;
    open.push(node);
  });
  parser.on("text", (text) => {
    const node = open.at(-1);
    if (node) node.text += text;
  });
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(svg).close();
  assert.ok(root, "there is no element");
  return root;
}

/** All elements, outermost first. */
export function all(node: Node): Node[] {
  return [node, ...node.children.flatMap(all)];
}

/** Elements with a name and all of some classes, their own or inherited. */
export function find(node: Node, name: string, ...classes: readonly string[]): Node[] {
  return all(node).filter((one) => one.name === name && classes.every((word) => one.classes.includes(word)));
}

/** The middle of a marker. */
export function middle({ attributes }: Node): readonly [x: number, y: number] {
  const [, x, y] = /^translate\((\S+) (\S+)\)/.exec(attributes.transform ?? "") ?? [];
  assert.ok(x !== undefined && y !== undefined, "not a marker");
  return [Number(x), Number(y)];
}

/** Points of a series; the legend's are in another group. */
export function markers(figure: Node, style: string): (readonly [x: number, y: number])[] {
  return find(figure, "path", "series", style, "marker").map(middle);
}

/** The corners that a path of M, L, H, V and their small letters visits. */
export function corners(d: string): (readonly [x: number, y: number])[] {
  let [x, y] = [0, 0];
  return [...d.matchAll(/([MLHVlhvm])([^A-Za-z]*)/g)].map(([, letter = "", rest = ""]) => {
    const [a = 0, b = 0] = rest.split(/[ ,]+/).map(Number);
    if (letter === "H") x = a;
    else if (letter === "h") x += a;
    else if (letter === "V") y = a;
    else if (letter === "v") y += a;
    else if (letter === letter.toUpperCase()) [x, y] = [a, b];
    else [x, y] = [x + a, y + b];
    return [x, y] as const;
  });
}

/** Where the texts of a figure are, those of its parts included, by the estimate of their widths. */
export function textBoxes(figure: Node): Box[] {
  const own = (figure.attributes.class ?? "").split(" ");
  const size = own.includes("plot-narrow") ? "narrow" : own.includes("plot-panel") ? "panel" : "wide";
  const parts = partsOf(figure);
  const within = new Set(parts.flatMap(all));
  const inParts = parts.flatMap((part) => {
    const [x, y] = [Number(part.attributes.x), Number(part.attributes.y)];
    return textBoxes(part).map(({ text, left, right, top, bottom }) => (
      { text, left: left + x, right: right + x, top: top + y, bottom: bottom + y }
    ));
  });
  const texts = find(figure, "text").filter((node) => !within.has(node));
  return [
    ...inParts,
    ...texts.map(({ attributes, classes, text }) => {
      const isTitle = classes.includes("title");
      const font = isTitle ? sizes[size].title : sizes[size].font;
      const width = textWidth(text, font) * (isTitle ? 1.1 : 1);
      const x = Number(attributes.x);
      const y = Number(attributes.y);
      const anchor = attributes["text-anchor"] ?? "start";
      const left = anchor === "end" ? x - width : anchor === "middle" ? x - width / 2 : x;
      return { text, left, right: left + width, top: y - 0.75 * font, bottom: y + 0.2 * font };
    }),
  ];
}

/** The figures that a figure is made of. */
export function partsOf(figure: Node): Node[] {
  return figure.children.flatMap((child) => child.name === "svg" ? [child] : partsOf(child));
}

/** Width and height. */
export function extent(figure: Node): readonly [width: number, height: number] {
  const [, , width, height] = (figure.attributes.viewBox ?? "").split(" ").map(Number);
  assert.ok(width && height);
  return [width, height];
}

/** Asserts that no text runs into another or leaves the picture. */
export function assertLegible(figure: Node): void {
  const boxes = textBoxes(figure);
  const [width, height] = extent(figure);
  boxes.forEach((box, index) => {
    const { left, right, top, bottom, text } = box;
    assert.ok(left >= 0 && right <= width && top >= 0 && bottom <= height, `"${text}" leaves the picture`);
    for (const other of boxes.slice(index + 1)) {
      const apart = right <= other.left || other.right <= left || bottom <= other.top || other.bottom <= top;
      assert.ok(apart, `"${text}" and "${other.text}" overlap`);
    }
  });
}
