/**
 * Reports as HTML: one file without script, that asks for nothing.
 *
 * @module
 */
import { type ComponentChildren, h } from "preact";
import { renderToString } from "npm:preact-render-to-string@6.8.2";
import styles from "../../static/styles.css" with { type: "text" };
import {
  ExperimentReport,
  type ExperimentReportProps,
  type ReportedRun,
  ReportPage,
  RunReport,
} from "../dashboard/components/ReportPage.tsx";
import { figureStyles } from "../plot/styles.ts";

/** A run's report. */
export function runReport(reported: ReportedRun): string {
  return pageOf(reported.run.id, h(RunReport, reported));
}

/** An experiment's report. */
export function experimentReport(reported: ExperimentReportProps): string {
  return pageOf(reported.view.title, h(ExperimentReport, reported));
}

/** The sections of static/styles.css whose rules a report needs, by the headings between them; the first has none. */
const neededSections = ["", "compare", "a run, a level", "settings and adapter", "experiments"] as const;

/**
 * The stylesheet of reports.
 *
 * @throws {RangeError} when static/styles.css has no such section any more
 */
export function reportStyles(): string {
  const [first = "", ...parts] = styles.split(/^\/\* --- (.+?) -+ \*\/$/m);
  const sections = new Map([["", first]]);
  for (let index = 0; index < parts.length; index += 2) sections.set(parts[index] ?? "", parts[index + 1] ?? "");
  const needed = neededSections.map((name) => {
    const section = sections.get(name);
    if (section === undefined) {
      throw new RangeError(`Cannot style a report: static/styles.css has no section "${name}". Name one that it has.`);
    }
    return section.trim();
  });
  return [figureStyles, ...needed].join("\n");
}

function pageOf(title: string, content: ComponentChildren): string {
  return `<!DOCTYPE html>\n${renderToString(h(ReportPage, { title, styles: reportStyles(), children: content }))}\n`;
}
