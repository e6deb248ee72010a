/**
 * Pages as text.
 *
 * @module
 */

/** What a page says, without its elements. */
export function textOf(html: string): string {
  return html.replace(/<script[\s\S]*?<\/script>|<svg[\s\S]*?<\/svg>/g, " ").replace(/<[^>]*>/g, " ")
    .replaceAll("&amp;", "&").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replace(/\s+/g, " ");
}
