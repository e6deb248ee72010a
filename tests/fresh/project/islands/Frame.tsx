import Counter from "./Counter.tsx";

/** An island within which another one stands. */
export default function Frame({ start }: { start: number }) {
  return (
    <fieldset>
      <Counter start={start} title="inner" />
    </fieldset>
  );
}
