import { HttpError } from "fresh";
import { imagePng, imageSvg, readLevelImages } from "../../../../src/dashboard/images.ts";
import { parseNetworkKey } from "../../../../src/dashboard/network_key.ts";
import { define } from "../../../../utils.ts";

/** A picture of a network's first layer as a file: `/runs/ID/images/ARM/LEVEL/REPLICATE/DRAW/NAME.svg` or `.png`. */
export const handler = define.handlers({
  async GET(ctx) {
    const { id = "", path = "" } = ctx.params;
    const [, where = "", name = "", unit, type] = /^(.+)\/(pixels|filters|unit-(\d{1,6}))\.(svg|png)$/.exec(path) ?? [];
    const network = parseNetworkKey(where.split("/"));
    if (!network) {
      throw new HttpError(
        404,
        "There is no such picture: ask for images/ARM/LEVEL/REPLICATE/DRAW/pixels.svg, .png, filters or unit-N.",
      );
    }
    const found = await readLevelImages(
      ctx.state.dashboard,
      id,
      network,
      unit === undefined ? undefined : Number(unit),
    );
    const image = found.images.find((own) => own.name === name);
    if (!image) {
      throw new HttpError(
        404,
        found.problem ??
          `This network has no picture ${name}; it has ${found.images.map((own) => own.name).join(", ")}.`,
      );
    }
    const file = `${id}-${network.arm}-level-${network.level}-replicate-${network.replicate}-${name}.${type}`;
    return new Response(type === "png" ? imagePng(image) : imageSvg(image), {
      headers: {
        "content-type": type === "png" ? "image/png" : "image/svg+xml",
        "content-disposition": `inline; filename="${file}"`,
      },
    });
  },
});
