/**
 * Reference of `kernels/softmax_cross_entropy.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** What the loss gives. */
export interface CrossEntropy {
  /** In nats, per image `[R][N]`. */
  readonly losses: Float64Array;
  /** 1 where the first largest logit is the label's, `[R][N]`. */
  readonly correct: Uint32Array;
  /** Of the mean loss with respect to the logits, `[R][O][N]`. */
  readonly gradient: Float64Array;
}

/**
 * Softmax and cross-entropy: loss[n] = log Σ_o exp(logit[o][n] − m) − (logit[label[n]][n] − m) with m = max_o logit[o][n];
 * gradient[o][n] = (softmax[o][n] − [o = label[n]]) / N. A NaN or +∞ among an image's logits makes its loss NaN, and it is
 * not correct.
 *
 * @param logits `[R][O][N]`
 * @param labels `[R][N]`
 * @throws {RangeError} when a tensor does not fit the shape or a label is not below O
 */
export function softmaxCrossEntropy(
  { replicates, outputs, batch }: { readonly replicates: number; readonly outputs: number; readonly batch: number },
  logits: Float64Array,
  labels: ArrayLike<number>,
): CrossEntropy {
  requireShape("logits", logits, replicates, outputs, batch);
  requireShape("labels", labels, replicates, batch);
  const losses = new Float64Array(replicates * batch);
  const correct = new Uint32Array(replicates * batch);
  const gradient = new Float64Array(logits.length);
  for (let r = 0; r < replicates; r++) {
    for (let n = 0; n < batch; n++) {
      const label = at(labels, r * batch + n);
      if (label < 0 || label >= outputs) {
        throw new RangeError(
          `Cannot take the loss: label ${label} is not below the ${outputs} outputs. Check the data set's classes.`,
        );
      }
      const index = (o: number): number => (r * outputs + o) * batch + n;
      let predicted = 0;
      for (let o = 1; o < outputs; o++) {
        if (at(logits, index(o)) > at(logits, index(predicted))) predicted = o;
      }
      const largest = at(logits, index(predicted));
      let sum = 0;
      for (let o = 0; o < outputs; o++) sum += Math.exp(at(logits, index(o)) - largest);
      const loss = Math.log(sum) - (at(logits, index(label)) - largest);
      losses[r * batch + n] = loss;
      correct[r * batch + n] = Number(predicted === label && !Number.isNaN(loss));
      for (let o = 0; o < outputs; o++) {
        const softmax = Math.exp(at(logits, index(o)) - largest) / sum;
        gradient[index(o)] = (softmax - Number(o === label)) / batch;
      }
    }
  }
  return { losses, correct, gradient };
}
