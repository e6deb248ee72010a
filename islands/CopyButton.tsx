import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

/** A button that copies a text. Without script there is none, and the text beside it is selected whole by a click. */
export default function CopyButton({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const canCopy = useSignal(false);
  const said = useSignal("");
  useEffect(() => {
    canCopy.value = "clipboard" in navigator;
  }, []);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
    } catch {
      said.value = "The browser does not allow it: select the text and copy it.";
    }
  };
  return (
    <span class="row copy">
      <button type="button" hidden={!canCopy.value} aria-label={label} onClick={copy}>Copy</button>
      <span class="small soft" role="status">{said}</span>
    </span>
  );
}
