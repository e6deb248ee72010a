/**
 * The paper's values beside a run's.
 *
 * @module
 */
import type { JSX } from "preact";
import { percent } from "../../analysis/outcome.ts";
import type { RunView } from "../types.ts";

/** The paper's values beside ours, a row each; nothing where the paper has none for this recipe. */
export function PaperTable({ run: { paper } }: { readonly run: RunView }): JSX.Element | null {
  if (paper.length === 0) return null;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">What is compared</th>
          <th scope="col" class="number">Paper, with</th>
          <th scope="col" class="number">Paper</th>
          <th scope="col" class="number">Ours</th>
          <th scope="col" class="number">Ours, with</th>
        </tr>
      </thead>
      <tbody>
        {paper.map(({ quantity, paperRemaining, paper, ours, remaining }) => (
          <tr>
            <th scope="row">{quantity}</th>
            <td class="number soft">{percent(paperRemaining)}</td>
            <td class="number">{paper}</td>
            <td class="number">{ours}</td>
            <td class="number soft">{percent(remaining)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
