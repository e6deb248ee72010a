/**
 * PNG files, made in the browser.
 *
 * @module
 */

/** Pixels of the picture per pixel of the figure, so that it is sharp in print. */
const scale = 2;

/**
 * Draws an SVG of this server as a PNG, on a light ground whatever the page's theme, and saves it under the SVG's name.
 *
 * @param address the SVG's path
 * @throws when it cannot be fetched or drawn, in words for the reader
 */
export async function savePng(address: string): Promise<void> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`No picture: the server answered ${response.status}. Reload the page.`);
  const text = onLightGround(await response.text());
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth * scale;
    canvas.height = image.naturalHeight * scale;
    const context = canvas.getContext("2d");
    if (!context) throw new Error("No picture: this browser has no canvas.");
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    await saveCanvas(canvas, pngName(address));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Saves what a canvas shows. */
export async function saveCanvas(canvas: HTMLCanvasElement, name: string): Promise<void> {
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("No picture: the browser cannot make a PNG of this size.");
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** An SVG file whose rules for a dark ground never hold. */
export function onLightGround(svg: string): string {
  return svg.replaceAll("@media (prefers-color-scheme: dark)", "@media not all");
}

/** `/runs/lenet-1/figures/accuracy.svg?at=end` → `lenet-1-accuracy-end.png`: the run, the figure, what was chosen. */
export function pngName(address: string): string {
  const { pathname, searchParams } = new URL(address, "http://localhost");
  const parts = pathname.replace(/\.svg$/, "").split("/").filter((part) =>
    part !== "" && part !== "runs" && part !== "figures"
  );
  return `${
    [...parts, ...searchParams.values()].filter((part) => part !== "").join("-").replaceAll(/[^\w.-]+/g, "-")
  }.png`;
}
