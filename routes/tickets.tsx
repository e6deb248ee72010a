import { HttpError, page } from "fresh";
import type { JSX } from "preact";
import { chanceOf, describeOverlap, shareOf } from "../src/analysis/overlap.ts";
import { percent } from "../src/analysis/words.ts";
import { unbroken } from "../src/dashboard/components/run_words.ts";
import {
  MeasureCells,
  MeasureHeads,
  measureWords,
  OverlapTable,
  ShareBar,
} from "../src/dashboard/components/OverlapTable.tsx";
import {
  formatReference,
  type MatrixChoices,
  matrixChoices,
  meanShares,
  nameOf,
  type PackedTicket,
  parseReference,
  readMatrix,
  readPair,
  shadeOf,
  ticketFileOf,
  type TicketMatrix,
  type TicketPair,
  type TicketReference,
  ticketsOf,
} from "../src/dashboard/tickets.ts";
import type { RunRow, RunView } from "../src/dashboard/types.ts";
import { accuracy, ago, count, nothing, remaining } from "../src/dashboard/words.ts";
import { define } from "../utils.ts";

/** So many of the newest runs stand in the list to choose from; the field below takes any. */
const offered = 25;

/** What the page shows. */
type Shown =
  | { readonly kind: "choose"; readonly rows: readonly RunRow[]; readonly now: number }
  | {
    readonly kind: "matrix";
    readonly run: RunView;
    readonly choices: MatrixChoices;
    readonly matrix: TicketMatrix | string;
    readonly tickets: readonly TicketReference[];
  }
  | {
    readonly kind: "pair";
    readonly a: string;
    readonly b: string;
    readonly pair: TicketPair;
    readonly tickets: readonly TicketReference[];
  };

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Tickets";
    const { dashboard } = ctx.state;
    const { searchParams } = ctx.url;
    const [a = "", b = ""] = [searchParams.get("a")?.trim(), searchParams.get("b")?.trim()];
    const show = (data: Shown, status = 200) => page(data, { status });
    if (a !== "" && b !== "") {
      const pair = await readPair(dashboard, a, b);
      const runs = new Set([a, b].flatMap((text) => parseReference(text)?.run ?? []));
      const views = await Promise.all([...runs].map((id) => dashboard.readRun(id)));
      const tickets = views.flatMap((view) => view ? ticketsOf(view) : []);
      return show({ kind: "pair", a, b, pair, tickets }, pair.kind === "problem" ? pair.status : 200);
    }
    const id = searchParams.get("run")?.trim() || parseReference(a)?.run || a || parseReference(b)?.run || b;
    if (id === "") {
      const rows = (await dashboard.listRuns()).filter(({ done }) => done > 0);
      return show({ kind: "choose", rows, now: Date.now() });
    }
    const run = await dashboard.readRun(id);
    if (!run) {
      throw new HttpError(404, `There is no run ${id.slice(0, 80)}: it was removed, or the name is another one.`);
    }
    const by = searchParams.get("by") ?? undefined;
    if (by !== undefined && by !== "replicates" && by !== "levels") {
      throw new HttpError(400, "by= is replicates or levels: what to lay over each other.");
    }
    const query = {
      by,
      level: numberIn(searchParams, "level", 0),
      replicate: numberIn(searchParams, "replicate", 1),
    } as const;
    const choices = await matrixChoices(run);
    if (
      query.level !== undefined && !choices.levels.includes(query.level) ||
      query.replicate !== undefined && !choices.replicates.includes(query.replicate)
    ) {
      throw new HttpError(
        404,
        `Run ${id} has no tickets there: levels ${listOf(choices.levels)}, replicates ${listOf(choices.replicates)}.`,
      );
    }
    const matrix = await readMatrix(dashboard, run, query).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error)
    );
    return show({ kind: "matrix", run, choices, matrix, tickets: ticketsOf(run) });
  },
});

function numberIn(search: URLSearchParams, name: string, least: number): number | undefined {
  const text = search.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,4}$/.test(text) || Number(text) < least) {
    throw new HttpError(400, `${name}= is a whole number from ${least} on.`);
  }
  return Number(text);
}

function listOf(numbers: readonly number[]): string {
  return numbers.length === 0
    ? "none"
    : numbers.length > 2
    ? `${numbers[0]} to ${numbers.at(-1)}`
    : numbers.join(" and ");
}

export default define.page<typeof handler>(({ data }) => {
  switch (data.kind) {
    case "choose":
      return (
        <>
          <h1>Tickets against each other</h1>
          <Choose rows={data.rows} now={data.now} />
        </>
      );
    case "matrix":
      return (
        <>
          <h1>
            Tickets of <a href={`/runs/${data.run.id}`}>{data.run.id}</a>
          </h1>
          <Matrix {...data} />
          <PairForm a="" b="" tickets={data.tickets} />
        </>
      );
    case "pair":
      return (
        <>
          <h1>Two tickets</h1>
          {data.pair.kind === "problem"
            ? <p class="notice warn answer">{data.pair.problem}</p>
            : <Pair pair={data.pair} a={data.a} b={data.b} />}
          <PairForm a={data.a} b={data.b} tickets={data.tickets} />
        </>
      );
  }
});

function Choose({ rows, now }: { readonly rows: readonly RunRow[]; readonly now: number }): JSX.Element {
  const about = (
    <p>
      A ticket is a mask and the values its survivors start from. Choose a run to see which weights its tickets share,
      beside what chance would give: across seeds, or from level to level.
    </p>
  );
  if (rows.length === 0) {
    return (
      <section class="stack">
        {about}
        <p class="soft">
          No run has trained a network yet. Two seeds in one run show most:{" "}
          <code>./denow task lottery lenet-quick --replicates 2</code>.
        </p>
      </section>
    );
  }
  const newest = rows.toSorted((a, b) => a.updated < b.updated ? 1 : -1).slice(0, offered);
  return (
    <section class="stack">
      {about}
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of runs to choose from">
        <table>
          <caption>
            {rows.length > newest.length
              ? `The newest ${newest.length} of ${count(rows.length, "run")} with tickets; others can be named below.`
              : `${count(rows.length, "run")} with tickets, newest first.`}
          </caption>
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">State</th>
              <th scope="col">Changed</th>
              <th scope="col" class="number">Levels</th>
              <th scope="col" class="number">Replicates</th>
              <th scope="col" class="number">Best ticket</th>
              <th scope="col" class="number">Weights left</th>
            </tr>
          </thead>
          <tbody>
            {newest.map((row) => (
              <tr key={row.id}>
                <th scope="row">
                  <a href={`/tickets?run=${row.id}`}>{row.id}</a>
                </th>
                <td>
                  <span class={`badge ${row.state}`}>{row.state}</span>
                </td>
                <td class="soft nowrap">{ago(row.updated, now)}</td>
                <td class="number">{row.levels ?? nothing}</td>
                <td class="number">{row.replicates ?? nothing}</td>
                <td class="number">{accuracy(row.bestAccuracy)}</td>
                <td class="number">{remaining(row.bestRemaining)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > newest.length && (
        <form class="row" method="get" action="/tickets">
          <label for="other-run">Another run</label>
          <input id="other-run" class="run-field" type="text" name="run" list="run-ids" autocomplete="off" required />
          <datalist id="run-ids">{rows.map(({ id }) => <option key={id} value={id} />)}</datalist>
          <button type="submit">Show its tickets</button>
        </form>
      )}
    </section>
  );
}

function Matrix(
  { run, choices, matrix }: {
    readonly run: RunView;
    readonly choices: MatrixChoices;
    readonly matrix: TicketMatrix | string;
  },
): JSX.Element {
  const base = `/tickets?run=${run.id}`;
  const shown = typeof matrix === "string" ? undefined : matrix;
  if (choices.levels.length === 0) {
    return (
      <section class="state">
        <p>This run has no ticket yet: one is written when its level is trained.</p>
        {run.problems.map((problem) => <p key={problem} class="notice bad">{problem}</p>)}
      </section>
    );
  }
  return (
    <>
      {shown
        ? (
          <section class="stack" aria-label="The answer">
            {shown.words.map((sentence, index) => (
              <p key={sentence} class={index === 0 ? "answer" : undefined}>{unbroken(sentence)}</p>
            ))}
          </section>
        )
        : <p class="answer">{String(matrix)}</p>}
      <div class="stack">
        {choices.replicates.length > 1 && (
          <div class="row">
            <span id="by-level">Seeds against each other, at level</span>
            <Segments
              labelledBy="by-level"
              numbers={choices.levels}
              kept={choices.keptLevels}
              current={shown?.by === "replicates" ? shown.level : undefined}
              pathTo={(level) => `${base}&by=replicates&level=${level}`}
            />
          </div>
        )}
        {choices.levels.length > 1 && choices.replicates.length > 1 && (
          <div class="row">
            <span id="by-replicate">Levels against each other, of replicate</span>
            <Segments
              labelledBy="by-replicate"
              numbers={choices.replicates}
              kept={choices.keptReplicates}
              current={shown?.by === "levels" ? shown.replicate : undefined}
              pathTo={(replicate) => `${base}&by=levels&replicate=${replicate}`}
            />
          </div>
        )}
      </div>
      {shown && <MatrixTable matrix={shown} />}
      {shown?.by === "replicates" && <MeanTable matrix={shown} />}
      {shown && <Files tickets={shown.tickets} />}
    </>
  );
}

/** Numbers to choose one of. Those without files are no links, and say why. */
function Segments({ labelledBy, numbers, kept, current, pathTo }: {
  readonly labelledBy: string;
  readonly numbers: readonly number[];
  readonly kept: readonly number[];
  readonly current: number | undefined;
  readonly pathTo: (number: number) => string;
}): JSX.Element {
  return (
    <div class="segments wrapping" role="group" aria-labelledby={labelledBy}>
      {numbers.map((number) =>
        kept.includes(number)
          ? <a key={number} href={pathTo(number)} aria-current={number === current ? "true" : undefined}>{number}</a>
          : (
            <span key={number} title="Too few of its tickets' files are there">
              {number}
              <span class="visually-hidden">, too few files</span>
            </span>
          )
      )}
    </div>
  );
}

function MatrixTable({ matrix: { by, tickets, overlaps } }: { readonly matrix: TicketMatrix }): JSX.Element {
  const headOf = ({ network }: PackedTicket): string =>
    by === "replicates" ? `Replicate ${network.replicate}` : network.level === 0 ? "Dense" : `Level ${network.level}`;
  return (
    <section class="stack">
      <h2>{by === "replicates" ? "Seed by seed" : "Level by level"}</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of overlaps">
        <table class="overlap-matrix">
          <caption>
            Of the survivors of the row's ticket, the share that survives in the column's too, and below it what chance
            would give. Each opens the two tickets layer by layer.
          </caption>
          <thead>
            <tr>
              <td />
              {tickets.map((ticket) => (
                <th key={formatReference(ticket)} scope="col" class="number">{headOf(ticket)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {tickets.map((ticket, row) => (
              <tr key={formatReference(ticket)}>
                <th scope="row">
                  {headOf(ticket)} <span class="soft small nowrap">{percent(ticket.kept / ticket.size)}</span>
                </th>
                {tickets.map((other, column) => {
                  const overlap = overlaps[row]?.[column];
                  if (!overlap) return <td key={formatReference(other)} class="number soft">{nothing}</td>;
                  const [share, chance] = [shareOf(overlap.all), chanceOf(overlap.all)];
                  return (
                    <td key={formatReference(other)} class={`number share-${shadeOf(overlap)}`}>
                      <a
                        href={pairPath(ticket, other)}
                        aria-label={`${headOf(ticket)} in ${headOf(other)}: ${
                          share === null ? "no survivors" : percent(share)
                        }`}
                      >
                        {share === null ? nothing : percent(share)}
                      </a>
                      <span class="chance-below">{chance === null ? "" : percent(chance)}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function MeanTable({ matrix: { overlaps } }: { readonly matrix: TicketMatrix }): JSX.Element {
  const [all, ...layers] = meanShares(overlaps);
  const rows = all ? [...layers, all] : layers;
  // Two seeds are one pair, which has no range.
  const hasRange = overlaps.length > 2;
  return (
    <section class="stack">
      <h2>Layer by layer</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of the mean overlap per layer">
        <table class="overlap">
          <caption>
            {hasRange && "Mean over all pairs of seeds. "}The bar is the share of survivors that two seeds have in
            common; the line across it is chance. {measureWords}
          </caption>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              <th scope="col" class="picture">
                <span class="visually-hidden">Picture</span>
              </th>
              <th scope="col" class="number">Shared</th>
              {hasRange && (
                <>
                  <th scope="col" class="number">From</th>
                  <th scope="col" class="number">to</th>
                </>
              )}
              <th scope="col" class="number">By chance</th>
              <MeasureHeads />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, share, least, most, chance, measures }) => (
              <tr key={name} class={name === "all layers" ? "sum" : undefined}>
                <th scope="row">{name}</th>
                <td>
                  <ShareBar share={share} chance={chance} least={least} most={most} />
                </td>
                <td class="number">{percent(share)}</td>
                {hasRange && (
                  <>
                    <td class="number">{percent(least)}</td>
                    <td class="number">{percent(most)}</td>
                  </>
                )}
                <td class="number">{percent(chance)}</td>
                <MeasureCells measures={measures} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Pair({ pair, a, b }: {
  readonly pair: Extract<TicketPair, { readonly kind: "overlap" }>;
  readonly a: string;
  readonly b: string;
}): JSX.Element {
  const { overlap, isSameStart } = pair;
  const isElsewhere = pair.a.run !== pair.b.run;
  const [nameA, nameB] = [nameOf(pair.a, isElsewhere), nameOf(pair.b, isElsewhere)];
  const [first = "", ...rest] = describeOverlap(overlap, capitalized(nameA), nameB);
  const { all } = overlap;
  return (
    <>
      <section class="stack" aria-label="The answer">
        <p class="answer">{unbroken(first)}</p>
        {rest.map((sentence) => <p key={sentence}>{unbroken(sentence)}</p>)}
        <p>
          {isSameStart
            ? "Both start from the same initial values, so whatever they share starts the same."
            : all.sameSign !== null && all.shared > 0
            ? `They start from different values: of the shared weights ${
              percent(all.sameSign / all.shared)
            } start on the same side of zero, where chance would give 50 %.`
            : "They start from different values."}
        </p>
      </section>
      <div class="columns">
        {[{ ticket: pair.a, letter: "A" }, { ticket: pair.b, letter: "B" }].map(({ ticket, letter }) => (
          <dl key={letter} class="facts">
            <dt>{letter}</dt>
            <dd>
              <a href={`/runs/${ticket.run}/levels/${ticket.network.level}`}>{nameOf(ticket, true)}</a>
            </dd>
            <dt>Keeps</dt>
            <dd>
              {ticket.kept.toLocaleString("en")} of {ticket.size.toLocaleString("en")} weights,{" "}
              {percent(ticket.kept / ticket.size)}
            </dd>
            <dt>File</dt>
            <dd>
              <TicketLinks ticket={ticket} />
            </dd>
          </dl>
        ))}
      </div>
      <section class="stack">
        <div class="row spread">
          <h2>Layer by layer</h2>
          <a class="small" href={`/tickets?a=${encodeURIComponent(b)}&b=${encodeURIComponent(a)}`}>
            The other way round
          </a>
        </div>
        <OverlapTable overlap={overlap} a={nameA} b={nameB} isSameStart={isSameStart} />
      </section>
    </>
  );
}

function capitalized(text: string): string {
  // Names of runs stay as they are.
  return /^(?:level|dense|reinit)\b(?!-)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

function TicketLinks({ ticket: { run, network } }: { readonly ticket: TicketReference }): JSX.Element {
  const file = ticketFileOf(network);
  const path = `/runs/${run}/tickets/${file}`;
  return (
    <>
      <a href={path} download>{file}</a>,{" "}
      <a href={path.replace(/\.safetensors$/, ".compact.safetensors")} download>survivors alone</a>
    </>
  );
}

function Files({ tickets }: { readonly tickets: readonly PackedTicket[] }): JSX.Element {
  return (
    <details>
      <summary>Take the tickets away as files</summary>
      <ul>
        {tickets.map((ticket) => (
          <li key={formatReference(ticket)}>
            <TicketLinks ticket={ticket} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function PairForm(
  { a, b, tickets }: { readonly a: string; readonly b: string; readonly tickets: readonly TicketReference[] },
): JSX.Element {
  return (
    <section class="stack">
      <h2>Any two tickets</h2>
      <form class="row" method="get" action="/tickets">
        <span class="ticket-choice">
          <label for="ticket-a">A</label>
          <input
            id="ticket-a"
            class="ticket-field"
            type="text"
            name="a"
            value={a}
            list="ticket-names"
            autocomplete="off"
            required
          />
        </span>
        <span class="ticket-choice">
          <label for="ticket-b">B</label>
          <input
            id="ticket-b"
            class="ticket-field"
            type="text"
            name="b"
            value={b}
            list="ticket-names"
            autocomplete="off"
            required
          />
        </span>
        <datalist id="ticket-names">
          {tickets.map((ticket) => (
            <option key={formatReference(ticket)} value={formatReference(ticket)}>{nameOf(ticket)}</option>
          ))}
        </datalist>
        <button type="submit">Compare</button>
      </form>
      <p class="soft small">
        As <code>RUN:LEVEL:REPLICATE</code>, a control as{" "}
        <code>RUN:LEVEL:REPLICATE:reinit:DRAW</code>; of any run whose network has the same layers.{" "}
        <a href="/tickets">Another run</a>
      </p>
    </section>
  );
}

function pairPath(a: TicketReference, b: TicketReference): string {
  return `/tickets?a=${encodeURIComponent(formatReference(a))}&b=${encodeURIComponent(formatReference(b))}`;
}
