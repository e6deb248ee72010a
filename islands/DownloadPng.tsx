import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { savePng } from "../src/dashboard/png.ts";

/** A button that makes a PNG of a figure's SVG in the browser and saves it. */
export default function DownloadPng({ svg, title }: { readonly svg: string; readonly title: string }): JSX.Element {
  const problem = useSignal("");
  const save = async (): Promise<void> => {
    try {
      problem.value = "";
      await savePng(svg);
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <>
      <button type="button" class="as-link" aria-label={`PNG of “${title}”`} onClick={save}>PNG</button>
      {problem.value !== "" && <span role="alert">{problem}</span>}
    </>
  );
}
