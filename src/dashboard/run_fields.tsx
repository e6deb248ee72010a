/**
 * The fields of the form that a run is started with, as HTML that works without script.
 *
 * @module
 */
import type { ComponentChildren, JSX } from "preact";
import { type ControlGroup, controlGroups, controlWords } from "../lottery/arms/groups.ts";
import type { ExistingRun } from "./control.ts";
import type { FormProblem, OptionField, RunField, RunForm } from "./run_form.ts";

/** Everything that is wrong, with links to the fields. */
export function RunProblems({ problems }: { readonly problems: readonly FormProblem[] }): JSX.Element | null {
  if (problems.length === 0) return null;
  return (
    <div class="notice bad stack" role="alert">
      <p>
        {problems.length === 1 ? "One value is not as wanted" : `${problems.length} values are not as wanted`}; nothing
        was started.
      </p>
      <ul>
        {problems.map(({ name, message }) => (
          <li key={name}>{name === undefined ? message : <a href={`#field-${name}`}>{message}</a>}</li>
        ))}
      </ul>
    </div>
  );
}

/** What to do about a run of the same settings; within the form, whose values its buttons send once more. */
export function RunMeeting({ existing }: { readonly existing: ExistingRun | undefined }): JSX.Element | null {
  if (!existing) return null;
  const { run: { id, state, done, wanted }, count, isComplete } = existing;
  const canGoOn = state !== "running" && state !== "damaged" && !isComplete;
  return (
    <div class="notice warn stack" role="alert">
      <p>
        A run of these settings is there already: <a href={`/runs/${id}`}>{id}</a>, {state === "running"
          ? `which is training now (${done} of ${wanted} networks).`
          : isComplete
          ? "with everything that is asked for here."
          : state === "finished"
          ? "finished, with fewer levels, replicates or controls than are asked for here."
          : `${state}, with ${done} of ${wanted} networks trained.`}
        {count > 1 && ` There are ${count} of them, with those made beside it.`}
      </p>
      <div class="row">
        <a class="button" href={`/runs/${id}`}>Open it</a>
        {canGoOn && <button type="submit" name="existing" value="resume">Go on with it</button>}
        <button type="submit" name="existing" value="fresh">Train another beside it</button>
      </div>
    </div>
  );
}

/** The smallest network there is. */
const example = JSON.stringify({ name: "small", layers: [{ type: "dense", units: 10, activation: "none" }] });

/** The fields, grouped. */
export function RunFields({ form }: { readonly form: RunForm }): JSX.Element {
  return (
    <>
      <input type="hidden" name="preset" value={form.preset} />
      <input type="hidden" name="filledFor" value={form.filledFor} />
      {form.groups.map(({ title, fields }, index) => (
        <fieldset key={title} class="panel">
          <legend>{title}</legend>
          <div class="fields">
            {fields.map((field) => <SettingField key={field.key} field={field} preset={form.preset} />)}
            {index === 0 && <DataDir field={form.dataDir} />}
            {index === form.groups.length - 1 && <CheckpointSeconds field={form.checkpointSeconds} />}
          </div>
          {index === 0 && <OwnNetwork field={form.ownNetwork} />}
        </fieldset>
      ))}
    </>
  );
}

function SettingField({ field, preset }: { readonly field: RunField; readonly preset: string }): JSX.Element {
  const { key, kind, description, wanted, usual, problem } = field;
  const isNumber = kind === "integer" || kind === "number" || kind === "integers" || kind === "numbers";
  const hint = [
    sentence(description),
    ...isNumber ? [sentence(wanted)] : [],
    ...field.text === usual ? [] : [`${preset} has ${usual}.`],
  ].join(" ");
  const about = key === "dataset" && " Sizes that are left as they came follow the data set.";
  if (kind === "list") {
    return (
      <div
        class="field whole-row"
        id={`field-${key}`}
        role="group"
        aria-labelledby={`label-${key}`}
        aria-describedby={describedBy(key, problem)}
      >
        <span class="name" id={`label-${key}`}>
          {capitalized(field.label)} <code>{field.flag}</code>
        </span>
        <div class="controls">
          <input type="hidden" name={key} value="none" />
          {controlGroups.map((group) => (
            <ControlChoices key={group.title} name={key} group={group} chosen={field.text.split(",")} />
          ))}
        </div>
        <Hint name={key} problem={problem}>{withFlags(hint)}</Hint>
      </div>
    );
  }
  return (
    <div class="field">
      <label class="name" for={`field-${key}`}>
        {capitalized(field.label)} <code>{field.flag}</code>
      </label>
      <Entry field={field} />
      <Hint name={key} problem={problem}>{withFlags(hint)}{about}</Hint>
    </div>
  );
}

/** The controls of a group, each with what it is. A group without a chosen one is closed. */
function ControlChoices(
  { name, group: { title, controls }, chosen }: {
    readonly name: string;
    readonly group: ControlGroup;
    readonly chosen: readonly string[];
  },
): JSX.Element {
  return (
    <details open={controls.some((control) => chosen.includes(control))}>
      <summary>
        {title} <span class="small">({controls.length})</span>
      </summary>
      {controls.map((control) => (
        <label key={control} class="control">
          <input type="checkbox" name={name} value={control} checked={chosen.includes(control)} />
          <span>
            {control} <span class="soft small">{controlWords(control)}</span>
          </span>
        </label>
      ))}
    </details>
  );
}

function Entry({ field: { key, kind, choices, text, problem } }: { readonly field: RunField }): JSX.Element {
  const common = {
    id: `field-${key}`,
    name: key,
    "aria-describedby": describedBy(key, problem),
    "aria-invalid": problem === undefined ? undefined : true,
  };
  switch (kind) {
    case "boolean":
      return (
        <span>
          <input type="hidden" name={key} value="false" />
          <input {...common} type="checkbox" value="true" checked={text === "true"} />
        </span>
      );
    case "choice":
      return (
        <select {...common}>
          {choices.map((choice) => <option key={choice} value={choice} selected={choice === text}>{choice}</option>)}
        </select>
      );
    default:
      return (
        <input
          {...common}
          type="text"
          inputMode={kind === "integer" ? "numeric" : kind === "number" ? "decimal" : "text"}
          autocomplete="off"
          spellcheck={false}
          value={text}
        />
      );
  }
}

function DataDir({ field: { text, problem } }: { readonly field: OptionField }): JSX.Element {
  return (
    <div class="field">
      <label class="name" for="field-dataDir">
        Data folder <code>--data-dir</code>
      </label>
      <input
        id="field-dataDir"
        name="dataDir"
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={text}
        aria-describedby={describedBy("dataDir", problem)}
        aria-invalid={problem === undefined ? undefined : true}
      />
      <Hint name="dataDir" problem={problem}>
        Where this machine has the data set's files. The run reads those and no others, and records their names and
        SHA-256. Empty: where they usually are.
      </Hint>
    </div>
  );
}

function CheckpointSeconds({ field: { text, problem } }: { readonly field: OptionField }): JSX.Element {
  return (
    <div class="field">
      <label class="name" for="field-checkpointSeconds">
        Checkpoint seconds <code>--checkpoint-seconds</code>
      </label>
      <input
        id="field-checkpointSeconds"
        name="checkpointSeconds"
        type="text"
        inputMode="decimal"
        autocomplete="off"
        value={text}
        aria-describedby={describedBy("checkpointSeconds", problem)}
        aria-invalid={problem === undefined ? undefined : true}
      />
      <Hint name="checkpointSeconds" problem={problem}>
        Least time between checkpoints within a level. A number of seconds, 0 or more. Empty: 60.
      </Hint>
    </div>
  );
}

function OwnNetwork({ field: { text, problem } }: { readonly field: OptionField }): JSX.Element {
  return (
    <details class="field" open={text !== "" || problem !== undefined}>
      <summary>A network of one's own</summary>
      <label class="name" for="field-ownNetwork">
        Its layers, as JSON <code>--config</code>
      </label>
      <textarea
        id="field-ownNetwork"
        name="ownNetwork"
        rows={8}
        spellcheck={false}
        aria-describedby={describedBy("ownNetwork", problem)}
        aria-invalid={problem === undefined ? undefined : true}
        placeholder={example}
      >
        {text}
      </textarea>
      <Hint name="ownNetwork" problem={problem}>
        Takes the place of the named network. Its input comes from the data set; its last layer is dense, with one unit
        per class and the activation "none". docs/architecture.md lists the layers under Networks.
      </Hint>
    </details>
  );
}

function Hint(
  { name, problem, children }: {
    readonly name: string;
    readonly problem: string | undefined;
    readonly children: ComponentChildren;
  },
): JSX.Element {
  return (
    <div>
      {problem !== undefined && <p class="problem" id={`problem-${name}`}>{problem}</p>}
      <p class="hint" id={`hint-${name}`}>{children}</p>
    </div>
  );
}

function describedBy(name: string, problem: string | undefined): string {
  return problem === undefined ? `hint-${name}` : `problem-${name} hint-${name}`;
}

/** With its flags held together: browsers would else end a line behind their hyphens. */
function withFlags(text: string): (string | JSX.Element)[] {
  return text.split(/(--[a-z-]+)/).map((part, index) =>
    index % 2 === 1 ? <span key={index} class="nowrap">{part}</span> : part
  );
}

/** With a capital and a full stop. */
function sentence(text: string): string {
  return `${capitalized(text)}.`;
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
