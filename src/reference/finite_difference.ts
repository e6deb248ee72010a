/**
 * Gradients by central differences: slow, and independent of every formula that they check.
 *
 * @module
 */
import { at } from "./tensor.ts";

/**
 * The gradient of a function at a point: (f(x + h) − f(x − h)) / 2h in each direction. In float64 with h = 1e-5 its error is
 * about 1e-10 for a smooth function of size 1 (h² from the curve, 1e-16 / h from rounding).
 *
 * @param f the function
 * @param point where; left as it is
 * @param h half the distance between the two values
 */
export function finiteDifference(f: (x: Float64Array) => number, point: Float64Array, h = 1e-5): Float64Array {
  const x = Float64Array.from(point);
  return point.map((value, index) => {
    x[index] = value + h;
    const above = f(x);
    x[index] = value - h;
    const below = f(x);
    x[index] = value;
    return (above - below) / (2 * h);
  });
}

/** The largest difference of two tensors, in units of the second one's largest magnitude (or of 1 where it is all zeros). */
export function relativeError(actual: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let index = 0; index < wanted.length; index++) {
    // Math.max keeps NaN, so a NaN in either is never a small error.
    difference = Math.max(difference, Math.abs(at(actual, index) - at(wanted, index)));
    largest = Math.max(largest, Math.abs(at(wanted, index)));
  }
  return difference / (largest || 1);
}
