import { useSignal } from "@preact/signals";

export default function Counter({ start, title }: { start: number; title: string }) {
  const count = useSignal(start);
  return <button type="button" title={title} onClick={() => count.value++}>{count}</button>;
}

export function Label({ text }: { text: string }) {
  return <em>{text}</em>;
}
