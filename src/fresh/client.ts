/**
 * In the browser: finds the islands between their comments, loads their scripts and brings them to life.
 *
 * @module
 */
import { type ComponentType, type ContainerNode, h, hydrate } from "preact";
import { deserialize } from "./serialize.ts";

/** What the server wrote at the end of the page. */
interface IslandData {
  readonly scripts: readonly string[];
  readonly islands: readonly { readonly script: number; readonly exportName: string }[];
  readonly props: readonly Readonly<Record<string, unknown>>[];
}

/** The nodes between an island's comments. */
interface Place {
  readonly index: number;
  readonly start: Comment;
  readonly end: Comment;
}

await bringToLife();

async function bringToLife(): Promise<void> {
  const text = document.getElementById("fresh-islands")?.textContent;
  if (!text) return;
  const data = deserialize(text);
  if (!isIslandData(data)) throw new TypeError("The page's islands are not described as the server does it.");
  const modules = await Promise.all(data.scripts.map((script): Promise<unknown> => import(script)));
  for (const place of placesIn(document.body)) {
    const island = data.islands[place.index];
    const component = island && componentIn(modules[island.script], island.exportName);
    if (component) hydrate(h(component, data.props[place.index] ?? {}), fragmentOf(place));
  }
  document.documentElement.dataset["hydrated"] = "";
}

/** The islands' places in the document's order. Islands within islands have no comments of their own. */
function placesIn(root: Node): Place[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_COMMENT);
  const places: Place[] = [];
  let open: { readonly index: number; readonly start: Comment } | undefined;
  while (walker.nextNode()) {
    const comment = walker.currentNode;
    if (!(comment instanceof Comment)) continue;
    const index = /^island:(\d+)$/.exec(comment.data)?.[1];
    if (index !== undefined) open = { index: Number(index), start: comment };
    else if (comment.data === "/island" && open) {
      places.push({ ...open, end: comment });
      open = undefined;
    }
  }
  return places;
}

/** What Preact takes for the parent of just the nodes between two comments. */
function fragmentOf({ start, end }: Place): ContainerNode {
  const parent = start.parentNode;
  if (!parent) throw new TypeError("An island is not in the document.");
  const nodes: ChildNode[] = [];
  for (let node = start.nextSibling; node && node !== end; node = node.nextSibling) nodes.push(node);
  const asNode = (value: ContainerNode): Node => {
    if (value instanceof Node) return value;
    throw new TypeError("An island's child is no node.");
  };
  return {
    nodeType: Node.ELEMENT_NODE,
    parentNode: parent,
    firstChild: nodes[0] ?? null,
    childNodes: nodes,
    contains: (other) => other !== null && parent.contains(asNode(other)),
    insertBefore: (node, child) => parent.insertBefore(asNode(node), child ? asNode(child) : end),
    appendChild: (node) => parent.insertBefore(asNode(node), end),
    removeChild: (child) => parent.removeChild(asNode(child)),
  };
}

function componentIn(module: unknown, exportName: string): ComponentType<Record<string, unknown>> | undefined {
  const found: unknown = typeof module === "object" && module !== null ? Reflect.get(module, exportName) : undefined;
  return isComponent(found) ? found : undefined;
}

function isComponent(value: unknown): value is ComponentType<Record<string, unknown>> {
  return typeof value === "function";
}

function isIslandData(value: unknown): value is IslandData {
  return typeof value === "object" && value !== null && "scripts" in value && "islands" in value && "props" in value;
}
