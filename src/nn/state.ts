/**
 * The few words per replicate that steps and evaluations keep on the GPU, and the record that an evaluation leaves.
 *
 * @module
 */

/** 32-bit words of one replicate's `State` (the struct at the head of the kernels that read it). */
export const stateWords = 8;

/** 32-bit words of one replicate's evaluation record. */
export const recordWords = 8;

/** Where an evaluation writes its loss sum and correct count in the record. */
export const recordSlot = { validation: 4, test: 6 } as const;

/** The bits of +∞, the best loss before there is any. */
const noLoss = 0x7f80_0000;

/** The state at the start of a level: its first iteration, no loss yet, and a best loss of +∞ so that the first evaluation wins. */
export function initialState(replicates: number, iteration = 0): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(replicates * stateWords);
  for (let replicate = 0; replicate < replicates; replicate++) {
    words[replicate * stateWords] = iteration;
    words[replicate * stateWords + 5] = noLoss;
  }
  return words;
}

/** The step that a replicate's state stands at. */
export function stepOf(state: Uint32Array): number {
  return state[0] ?? 0;
}

/** The first iteration whose loss was not finite, by a replicate's state; null when all were. */
export function divergedAtOf(state: Uint32Array): number | null {
  return state[1] || null;
}

/** Whether an evaluation was the best so far, by a replicate's state: whether there are best weights. */
export function hasBest(state: Uint32Array | undefined): boolean {
  return (state?.[5] ?? noLoss) !== noLoss;
}

/** One replicate's evaluation, as it came from the GPU. */
export interface EvaluationRecord {
  /** Steps done. */
  readonly iteration: number;
  /** Sum over steps of the batch's mean loss since the evaluation before. */
  readonly trainLossSum: number;
  /** Correct predictions in those batches. */
  readonly trainCorrect: number;
  /** The first iteration whose loss was not finite, or 0. */
  readonly divergedAt: number;
  /** Sum of the validation losses. */
  readonly validationLossSum: number;
  /** Correct predictions on the validation split. */
  readonly validationCorrect: number;
  /** Sum of the test losses. */
  readonly testLossSum: number;
  /** Correct predictions on the test set. */
  readonly testCorrect: number;
}

/** Reads the records of all replicates. */
export function parseRecords(bytes: ArrayBuffer): EvaluationRecord[] {
  const words = new Uint32Array(bytes);
  const floats = new Float32Array(bytes);
  const records: EvaluationRecord[] = [];
  for (let at = 0; at + recordWords <= words.length; at += recordWords) {
    records.push({
      iteration: words[at] ?? 0,
      trainLossSum: floats[at + 1] ?? NaN,
      trainCorrect: words[at + 2] ?? 0,
      divergedAt: words[at + 3] ?? 0,
      validationLossSum: floats[at + 4] ?? NaN,
      validationCorrect: words[at + 5] ?? 0,
      testLossSum: floats[at + 6] ?? NaN,
      testCorrect: words[at + 7] ?? 0,
    });
  }
  return records;
}

/** The training losses since the last evaluation, summed over steps, out of the states of all replicates. */
export function parseRunningLosses(words: Uint32Array<ArrayBuffer>): number[] {
  const floats = new Float32Array(words.buffer);
  return Array.from({ length: words.length / stateWords }, (_, replicate) => floats[replicate * stateWords + 2] ?? NaN);
}
