// Trains a ticket that find_ticket.ts has written, then evaluates it and predicts with it.
//   deno run --allow-read=ticket.safetensors examples/use_ticket.ts
import { evaluate, loadDataset, loadTicket, predict, train } from "../mod.ts";

const ticket = loadTicket(await Deno.readFile(Deno.args[0] ?? "ticket.safetensors"));
const dataset = await loadDataset("synthetic");
const model = await train(ticket, dataset, { iterations: 200 });
const { loss, accuracy } = await evaluate(model, dataset.test);
console.log(`test accuracy ${(accuracy * 100).toFixed(1)} %, loss ${loss.toFixed(3)}`);
console.log(`first ten digits: ${(await predict(model, dataset.test.images.slice(0, 10 * 784))).join(" ")}`);
