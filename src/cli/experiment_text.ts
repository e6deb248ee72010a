/**
 * An experiment as text: for the terminal, as Markdown, and as JSON without pictures.
 *
 * @module
 */
import { basename } from "node:path";
import type { ExperimentView, ViewedClaim } from "../experiments/view.ts";
import { type Console, styled, wrap } from "./console.ts";
import { group } from "./progress.ts";
import { type Column, formatTable } from "./table.ts";

const paperColumns: readonly Column[] = [
  { title: "Beside the paper", align: "left" },
  { title: "at", align: "right" },
  { title: "ours", align: "right" },
  { title: "at", align: "right" },
  { title: "paper's", align: "right" },
  { title: "", align: "left" },
];

function paperRow({ run, quantity, remaining, ours, paperRemaining, paper, note }: ViewedClaim): string[] {
  return [`${run}: ${quantity}`, remaining, ours, paperRemaining, paper, note];
}

/** Everything that is to be said, ready to print. */
export function formatView(view: ExperimentView, console: Pick<Console, "hasColour" | "columns">): string {
  const columns = Math.min(console.columns(), 110);
  const bold = (text: string): string => styled(console, "bold", text);
  const paper = view.paper.length === 0 ? [] : formatTable(paperColumns, view.paper.map(paperRow));
  return [
    bold(view.title),
    wrap(view.about, columns),
    ...view.levels.flatMap(({ title, columns: headings, rows }) => [
      "",
      bold(title),
      ...formatTable(headings.map((heading) => ({ title: heading, align: "right" })), rows),
    ]),
    ...(paper.length === 0 ? [] : ["", bold(paper[0] ?? ""), ...paper.slice(1)]),
    "",
    wrap(`The paper: ${view.reading}`, columns),
    ...view.notes.map((note) => wrap(note, columns)),
  ].join("\n");
}

/** The same as Markdown, with the picture. */
export function formatMarkdown(view: ExperimentView, picture: string): string {
  const table = (headings: readonly string[], rows: readonly (readonly string[])[]): string[] => [
    `| ${headings.map(cell).join(" | ")} |`,
    `|${headings.map((_, index) => index === 0 ? "---" : "---:").join("|")}|`,
    ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`),
  ];
  return [
    `# ${view.title}`,
    "",
    view.about,
    "",
    `![${view.title}](${encodeURIComponent(basename(picture))})`,
    "",
    ...view.notes.flatMap((note) => [`> ${note}`, ">"]).slice(0, -1),
    ...(view.notes.length > 0 ? [""] : []),
    ...(view.paper.length === 0 ? [] : [
      "## Beside the paper",
      "",
      ...table(["quantity", "at", "ours", "at", "paper's", ""], view.paper.map(paperRow)),
      "",
    ]),
    `The paper: ${view.reading}`,
    "",
    ...view.levels.flatMap(({ title, columns, rows }) => [`## ${title}`, "", ...table(columns, rows), ""]),
    "## Runs",
    "",
    ...table(
      ["run", "id", "networks"],
      view.runs.map(({ name, id, done, wanted }) => [name, id ?? "", `${group(done)} of ${group(wanted)}`]),
    ),
    "",
  ].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** The numbers, without pictures: their words stand in their place, and of histograms their counts. */
export function jsonOf({ sheet, panels, ...view }: ExperimentView): Readonly<Record<string, unknown>> {
  return { schema: 1, ...view, words: sheet.words, panels: panels.map(({ svg: _, ...panel }) => panel) };
}
