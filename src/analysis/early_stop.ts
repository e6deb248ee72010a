/**
 * The early-stop iteration: where the validation loss is lowest, found after training.
 *
 * @module
 */

/** The evaluation of minimum validation loss, the earliest if several; undefined when no loss is finite. */
export function earlyStop<T extends { readonly validationLoss: number | null }>(
  evaluations: readonly T[],
): (T & { readonly validationLoss: number }) | undefined {
  let best: (T & { readonly validationLoss: number }) | undefined;
  for (const evaluation of evaluations) {
    const { validationLoss } = evaluation;
    if (validationLoss !== null && (!best || validationLoss < best.validationLoss)) best = { ...evaluation, validationLoss };
  }
  return best;
}
