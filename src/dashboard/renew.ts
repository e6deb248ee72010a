/**
 * A page that the server drew, brought up to date in the browser without a reload: what changed is changed in place, so that
 * nothing jumps, and what has the focus or is being read keeps it.
 *
 * @module
 */

/**
 * Fetches this page once more and takes over what is below `data-live`, and which parts marked `data-shown` are hidden.
 *
 * @throws when the server does not answer with the page
 */
export async function renewPage(signal: AbortSignal): Promise<void> {
  const response = await fetch(location.href, { headers: { accept: "text/html" }, signal });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  takeOver(document, new DOMParser().parseFromString(await response.text(), "text/html"));
}

/** Takes over the parts of a newer page that are marked for it. Parts that only one of the two has stay as they are. */
export function takeOver(page: Document, newer: Document): void {
  for (const part of newer.querySelectorAll("[data-live]")) {
    const own = page.querySelector(`[data-live="${part.getAttribute("data-live")}"]`);
    if (own) morph(own, part);
  }
  for (const part of newer.querySelectorAll("[data-shown]")) {
    const own = page.querySelector(`[data-shown="${part.getAttribute("data-shown")}"]`);
    own?.toggleAttribute("hidden", part.hasAttribute("hidden"));
  }
}

/** Makes an element like another one, and leaves alone what is alike already. */
function morph(own: Element, newer: Element): void {
  // What a reader has opened stays open.
  const kept = own.localName === "details" ? ["open"] : [];
  for (const { name } of [...own.attributes]) {
    if (!newer.hasAttribute(name) && !kept.includes(name)) own.removeAttribute(name);
  }
  for (const { name, value } of newer.attributes) if (own.getAttribute(name) !== value) own.setAttribute(name, value);
  const wanted = [...newer.childNodes];
  const there = [...own.childNodes];
  wanted.forEach((node, index) => {
    const old = there[index];
    if (!old) own.append(node);
    else if (old instanceof Element && node instanceof Element && isSameKind(old, node)) morph(old, node);
    else if (old.nodeType === node.nodeType && !(node instanceof Element)) {
      if (old.nodeValue !== node.nodeValue) old.nodeValue = node.nodeValue;
    } else old.replaceWith(node);
  });
  for (const old of there.slice(wanted.length)) old.remove();
}

function isSameKind(a: Element, b: Element): boolean {
  return a.localName === b.localName && a.namespaceURI === b.namespaceURI;
}
