export default function New() {
  return <p>A new shelf</p>;
}
