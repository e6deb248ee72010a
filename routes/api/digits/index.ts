import { digits } from "../../../src/dashboard/try_digits.ts";
import { define } from "../../../utils.ts";

/** Whether this server has digits to train on, and which. */
export const handler = define.handlers({
  async GET() {
    return Response.json(await digits.index(), { headers: { "cache-control": "no-store" } });
  },
});
