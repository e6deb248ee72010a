// Finds a winning ticket for a small LeNet on generated digits-like images and writes it to a file.
//   deno run --allow-write=ticket.safetensors examples/find_ticket.ts
import { formatTicket, loadDataset, lottery, preset, ticketOf } from "../mod.ts";

const config = preset("lenet-quick", {
  dataset: "synthetic",
  trainSize: 1500,
  validationSize: 500,
  levels: 3,
  iterations: 120,
  evalEvery: 20,
  width: 0.2,
});
const dataset = await loadDataset(config.dataset);
for await (const event of lottery(config, { dataset })) {
  if (event.type !== "level-end") continue;
  for (const { arm, remaining, earlyStopIteration, testAccuracyAtEnd } of event.records) {
    console.log(
      `${arm}: ${(remaining * 100).toFixed(1)} % of the weights, early stop at ${earlyStopIteration}, ` +
        `test accuracy ${((testAccuracyAtEnd ?? NaN) * 100).toFixed(1)} %`,
    );
  }
  const [ticket] = event.networks;
  if (ticket) await Deno.writeFile(Deno.args[0] ?? "ticket.safetensors", formatTicket(ticketOf(ticket)));
}
