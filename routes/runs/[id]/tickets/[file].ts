import { HttpError } from "fresh";
import { parseTicketFile } from "../../../../src/dashboard/tickets.ts";
import { formatTicket } from "../../../../src/lottery/ticket.ts";
import { formatCompactTicket } from "../../../../src/store/compact_ticket.ts";
import { define } from "../../../../utils.ts";

/** A ticket to take away: its file or, as `….compact.safetensors`, its survivors alone. */
export const handler = define.handlers({
  async GET(ctx) {
    const { id = "", file = "" } = ctx.params;
    const named = parseTicketFile(file);
    if (!named) {
      throw new HttpError(
        404,
        "There is no such ticket: ask for ticket-level-LL-replicate-R.safetensors, or with .compact before its ending.",
      );
    }
    let ticket;
    try {
      ticket = await ctx.state.dashboard.readTicket(id, named.network);
    } catch (error) {
      throw new HttpError(409, error instanceof Error ? error.message : String(error), { cause: error });
    }
    if (!ticket) throw new HttpError(404, `Run ${id} has no ${file}: no such run, or nothing trained there yet.`);
    // Written again from what was read: the same bytes as the file's, and nothing of a file that is no ticket.
    const bytes = named.isCompact ? formatCompactTicket(ticket) : formatTicket(ticket);
    return new Response(bytes, {
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(bytes.length),
        "content-disposition": `attachment; filename="${id}-${file}"`,
      },
    });
  },
});
