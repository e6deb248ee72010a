/**
 * Rendering on the server: the page, the app wrapper around it, and around each island a pair of comments that tell the
 * browser where it stands and which props it has.
 *
 * @module
 */
import { type ComponentType, createContext, h, type JSX, options, type VNode } from "preact";
import { useContext } from "preact/hooks";
import { jsxTemplate } from "preact/jsx-runtime";
import { renderToString } from "npm:preact-render-to-string@6.8.2";
import { serialize } from "./serialize.ts";
import type { Island, Snapshot } from "./snapshot.ts";

/** What a page is made of. */
interface PageParts {
  /** The page. */
  readonly vnode: JSX.Element;
  /** What is served. */
  readonly snapshot: Pick<Snapshot<unknown>, "islands" | "clientScript">;
  /** The document around it; a bare one when left out. */
  readonly wrap?: ((Component: () => JSX.Element) => JSX.Element) | undefined;
}

/** Props of any component. */
type Props = Readonly<Record<string, unknown>>;

/** A page that is being rendered. Rendering is synchronous, so there is never more than one. */
interface Rendering {
  readonly islands: ReadonlyMap<unknown, Island>;
  readonly found: { readonly island: Island; readonly props: Props }[];
  readonly nonce: string;
}

let current: Rendering | undefined;

/** True within an island: what stands there is brought to life with it. */
const InIsland = createContext(false);

/** The stand-in of each island's component, made once: Preact takes another function for another component. */
const standIns = new WeakMap<Island, ComponentType<Props>>();

const before = options.vnode;
options.vnode = (vnode: VNode) => {
  if (current) {
    const island = current.islands.get(vnode.type);
    if (island) vnode.type = standInOf(island);
    else if (vnode.type === "script" || vnode.type === "style") giveNonce(vnode, current.nonce);
  }
  before?.(vnode);
};

/** Renders a page to a document. */
export function renderPage({ vnode, snapshot, wrap = bareDocument }: PageParts): { html: string; nonce: string } {
  const nonce = crypto.randomUUID().replaceAll("-", "");
  const rendering: Rendering = { islands: snapshot.islands, found: [], nonce };
  current = rendering;
  try {
    const body = renderToString(vnode);
    const document = renderToString(wrap(() => raw(body)));
    return { html: `<!DOCTYPE html>${withScripts(document, rendering, snapshot.clientScript)}`, nonce };
  } finally {
    current = undefined;
  }
}

function bareDocument(Component: () => JSX.Element): JSX.Element {
  return h("html", null, h("head", null, h("meta", { charset: "utf-8" })), h("body", null, h(Component, null)));
}

function standInOf(island: Island): ComponentType<Props> {
  const known = standIns.get(island);
  if (known) return known;
  const { component } = island;
  // Called as a component of its own, so that it is not taken for an island once more.
  const Plain = (props: Props): JSX.Element | null => {
    if ("prototype" in component && component.prototype && "render" in component.prototype) {
      throw new TypeError(`The island ${island.exportName} is a class: make it a function.`);
    }
    return Reflect.apply(component, undefined, [props]);
  };
  const StandIn = (props: Props): JSX.Element => {
    if (useContext(InIsland) || !current) return h(Plain, props);
    const index = current.found.push({ island, props }) - 1;
    return h(InIsland.Provider, { value: true }, raw(`<!--island:${index}-->`), h(Plain, props), raw("<!--/island-->"));
  };
  standIns.set(island, StandIn);
  return StandIn;
}

function giveNonce(vnode: VNode, nonce: string): void {
  const props: Record<string, unknown> = vnode.props;
  props["nonce"] ??= nonce;
}

/** Markup as an element. */
function raw(html: string): JSX.Element {
  return jsxTemplate([html]);
}

/** Adds what the browser needs to bring the islands to life; nothing where there is none. */
function withScripts(document: string, { found }: Rendering, clientScript: string): string {
  if (found.length === 0) return document;
  const scripts = [...new Set(found.map(({ island }) => island.script))];
  const islands = found.map(({ island }) => ({
    script: scripts.indexOf(island.script),
    exportName: island.exportName,
  }));
  // devalue escapes "<", which could end the element that holds it.
  const data = serialize({ scripts, islands, props: found.map(({ props }) => props) });
  const preloads = scripts.map((script) => `<link rel="modulepreload" href="${script}">`).join("");
  const end = `<script type="application/json" id="fresh-islands">${data}</script>` +
    `<script type="module" src="${clientScript}"></script>`;
  return insertBefore(insertBefore(document, "</head>", preloads), "</body>", end);
}

function insertBefore(document: string, tag: string, html: string): string {
  const at = document.lastIndexOf(tag);
  return at < 0 ? document + html : document.slice(0, at) + html + document.slice(at);
}
