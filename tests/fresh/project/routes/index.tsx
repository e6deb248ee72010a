import Counter, { Label } from "../islands/Counter.tsx";
import Frame from "../islands/Frame.tsx";

export default function Home() {
  return (
    <>
      <h1>Home</h1>
      <Counter start={3} title="</script><b>" />
      <Label text="two" />
      <Frame start={9} />
      <script>0</script>
    </>
  );
}
