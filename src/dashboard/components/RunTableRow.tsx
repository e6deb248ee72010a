/**
 * A run in the overview's table.
 *
 * @module
 */
import type { Signal } from "@preact/signals";
import { type ComponentChildren, Fragment, type JSX } from "preact";
import { formatBytes } from "../../analysis/words.ts";
import { isPlain, type LinkTo, withParameter } from "../links.ts";
import { columns } from "../run_columns.ts";
import type { RunRow } from "../types.ts";
import { accuracy, ago, count, fullTime, gain, nothing, remaining, timeLeft } from "../words.ts";

/** What {@linkcode RunTableRow} takes. */
export interface RunTableRowProps {
  /** The run. */
  readonly row: RunRow;
  /** Now, in milliseconds since 1970. */
  readonly now: number;
  /** Whether it can be stopped and deleted. */
  readonly isTrusted: boolean;
  /** Whether it was asked to stop. */
  readonly isStopping: boolean;
  /** The address of the table as it is. */
  readonly back: string;
  /** Ids of what is to be compared. */
  readonly selected: Signal<readonly string[]>;
  /** Makes links. */
  readonly link: LinkTo;
  /** Its tags. */
  readonly tags: ComponentChildren;
  /** Asks it to stop. */
  readonly stop: (row: RunRow) => void;
  /** Asks whether to delete it. */
  readonly remove: () => void;
}

/** A run: its row, and below it what is wrong with it. */
export function RunTableRow(
  { row, now, isTrusted, isStopping, back, selected, link, tags, stop, remove }: RunTableRowProps,
): JSX.Element {
  const { id, state, dataset, network, arms, levels, replicates, adapter, created, updated, bytes, problem } = row;
  const began = created ?? updated;
  const isSelected = selected.value.includes(id);
  return (
    <Fragment>
      <tr role="row" class={problem === null ? undefined : "with-problem"}>
        <td role="cell" class="pick">
          <input
            type="checkbox"
            name="runs"
            value={id}
            form="compare"
            aria-label={`Select ${id}`}
            checked={isSelected}
            onChange={({ currentTarget: { checked } }) =>
              selected.value = checked ? [...selected.value, id] : selected.value.filter((own) => own !== id)}
          />
        </td>
        <th role="rowheader" scope="row" class="name">
          <a href={`/runs/${id}`}>{id}</a>
          {tags}
        </th>
        <Cell label="Data, network" place="below">
          {dataset === null ? nothing : (
            <>
              <a class="quiet" {...link({ dataset })}>{dataset}</a>
              <span class="soft block">{network}</span>
            </>
          )}
        </Cell>
        <Cell label="Arms" place="below">
          {arms.length === 0 ? nothing : arms.map((arm) => <span key={arm} class={`overview-arm ${arm}`}>{arm}</span>)}
        </Cell>
        <Cell label="State">
          <Standing row={row} isStopping={isStopping} />
        </Cell>
        <Cell label="Best ticket" isNumber>{remaining(row.bestRemaining)}</Cell>
        <Cell label="Test accuracy" isNumber>{accuracy(row.bestAccuracy)}</Cell>
        <Gain label="vs. dense" value={row.bestAccuracy} other={row.denseAccuracy} />
        <Gain label="vs. control" value={row.bestAccuracy} other={row.controlAccuracy} />
        <Cell label="Levels × repl." isNumber place="elsewhere">
          {levels === null ? nothing : `${levels} × ${replicates ?? nothing}`}
        </Cell>
        <Cell label="Adapter" isWide>{adapter ?? nothing}</Cell>
        <Cell label="Began" isNumber>
          <time dateTime={began} title={`Began ${fullTime(began)}, last changed ${fullTime(updated)}`}>
            {ago(began, now)}
          </time>
        </Cell>
        <Cell label="Size" isNumber place="below">{formatBytes(bytes)}</Cell>
        {isTrusted && (
          <td role="cell" class="actions">
            {state === "running"
              ? (
                <form
                  method="post"
                  action={`/api/runs/${id}/stop`}
                  onSubmit={(event) => {
                    event.preventDefault();
                    stop(row);
                  }}
                >
                  <input type="hidden" name="back" value={back} />
                  <button type="submit" disabled={isStopping} aria-label={`Stop ${id}`}>Stop</button>
                </form>
              )
              : (
                <a
                  class="quiet small"
                  href={withParameter(back, "remove", id)}
                  aria-label={`Delete ${id}`}
                  onClick={(event) => {
                    if (!isPlain(event)) return;
                    event.preventDefault();
                    remove();
                  }}
                >
                  Delete
                </a>
              )}
          </td>
        )}
      </tr>
      {problem !== null && (
        <tr role="row" class="problem">
          <td role="cell" colSpan={columns.length + 1 + (isTrusted ? 1 : 0)}>
            <p class={`notice small ${state === "damaged" ? "bad" : "warn"}`}>{problem}</p>
          </td>
        </tr>
      )}
    </Fragment>
  );
}

interface CellProps {
  readonly label: string;
  readonly isNumber?: boolean;
  readonly isWide?: boolean;
  /** On a phone's card: in the line below what matters most, or on the run's page alone. */
  readonly place?: "below" | "elsewhere";
  readonly children: ComponentChildren;
}

function Cell({ label, isNumber = false, isWide = false, place, children }: CellProps): JSX.Element {
  return (
    <td
      role="cell"
      data-label={label}
      class={[isNumber ? "number" : "", isWide ? "small wide" : "", place ? `card-${place}` : ""].join(" ").trim() ||
        undefined}
    >
      {children}
    </td>
  );
}

function Gain({ label, value, other }: { label: string; value: number | null; other: number | null }): JSX.Element {
  const words = gain(value, other);
  const kind = words.startsWith("+") ? "gain" : words.startsWith("−") ? "loss" : undefined;
  return (
    <Cell label={label} isNumber>
      <span class={kind}>{words}</span>
    </Cell>
  );
}

/** How a run stands: the word, and how far it is where there is something to come. */
function Standing({ row, isStopping }: { readonly row: RunRow; readonly isStopping: boolean }): JSX.Element {
  const { id, state, done, wanted, progress: { fraction, secondsLeft, level } } = row;
  if (state === "finished" || state === "damaged") return <span class={`badge ${state}`}>{state}</span>;
  const share = `${Math.floor(fraction * 100)} %`;
  return (
    <div class="standing">
      <span class={`badge ${state}`}>{isStopping ? "stopping" : state}</span>
      <progress max={1} value={fraction} aria-label={`Progress of ${id}`} />
      <span class="small soft">
        {state === "running" && secondsLeft !== null
          ? `${share}, ${timeLeft(secondsLeft)}`
          : state === "running" && level !== null
          ? `${share}, in level ${level}`
          : `${share}, ${done} of ${count(wanted, "network")}`}
      </span>
    </div>
  );
}
