/** Files in the form of CIFAR-10's binary version, made by hand, for tests. */

/** A file of 10,000 records, 1,000 of each class in turn, with pixels that tell records and places apart. */
export function cifar10File(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(10_000 * 3073);
  const pattern = Uint8Array.from({ length: 3072 + 251 }, (_, at) => at % 251);
  for (let record = 0; record < 10_000; record++) {
    bytes[record * 3073] = record % 10;
    bytes.set(pattern.subarray(record % 251, record % 251 + 3072), record * 3073 + 1);
  }
  return bytes;
}
