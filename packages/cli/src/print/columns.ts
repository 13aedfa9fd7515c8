/** Rows of text in aligned columns, three spaces apart, as kubectl prints them. The last column is not padded. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  return aligned(rows, columnWidths(rows));
}

/** Width of each column: the longest text in it. */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, text] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, text.length);
  }
  return widths;
}

/** As alignColumns, with widths given (a watch keeps those of its first rows). */
export function aligned(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  let text = '';
  for (const row of rows) {
    const cells = row.map((cell, index) => (index < row.length - 1 ? cell.padEnd(widths[index] ?? 0) : cell));
    text += `${cells.join('   ').trimEnd()}\n`;
  }
  return text;
}
