/**
 * Tables of figures in plain text: columns aligned, nothing else, so that they can be read, copied and split again.
 *
 * @module
 */

/** A column. */
export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Words to the left, figures to the right. */
  readonly align: "left" | "right";
}

/** A table as lines of text; columns stand two spaces apart. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? "").length))
  );
  const format = (cells: readonly string[]): string =>
    columns.map(({ align }, index) => {
      const cell = cells[index] ?? "";
      const width = widths[index] ?? 0;
      return align === "left" ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd();
  return [format(columns.map(({ title }) => title)), ...rows.map(format)];
}
