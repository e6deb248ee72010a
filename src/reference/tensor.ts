/**
 * The kernels of `kernels/` in plain TypeScript and float64: one file per kernel, with its name, on tensors without padding.
 * They are written to be read and trusted, not to be fast, and share no code with what they check.
 *
 * A tensor is a flat array in row-major order whose shape stands in square brackets, replicates `[R]` first. The batch `[N]`
 * is the innermost dimension, as on the GPU.
 *
 * @module
 */

/** Shape of a dense layer at work. */
export interface DenseShape {
  /** Networks side by side. */
  readonly replicates: number;
  /** Fan-in. */
  readonly inputs: number;
  /** Fan-out. */
  readonly outputs: number;
  /** Images. */
  readonly batch: number;
}

/**
 * One element.
 *
 * @throws {RangeError} when the tensor ends before it, so that a wrong shape is an error and not a silent zero
 */
export function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) {
    throw new RangeError(
      `Cannot read element ${index} of a tensor with ${values.length}. Give a tensor of the shape that was passed with it.`,
    );
  }
  return value;
}

/**
 * Checks that a tensor has as many elements as its shape says.
 *
 * @throws {RangeError} when it does not
 */
export function requireShape(name: string, values: ArrayLike<number>, ...shape: readonly number[]): void {
  const wanted = shape.reduce((product, size) => product * size, 1);
  if (values.length !== wanted) {
    throw new RangeError(
      `Cannot use ${name}: it has ${values.length} elements, and ${shape.join(" × ")} = ${wanted} are wanted. ` +
        "Pass tensors without padding.",
    );
  }
}
