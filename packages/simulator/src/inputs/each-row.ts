import type { CsvTable } from './csv.ts';
import type { Row } from './row.ts';
import { InputError } from './input-error.ts';
import type { Notes } from './notes.ts';

/**
 * Gives each row to `read`. With `lenient`, a row that cannot be read (InputError) is noted as skipped; without, it ends the
 * reading.
 */
export function eachRow(table: CsvTable, notes: Notes, lenient: boolean, read: (row: Row) => void): void {
  for (const row of table.rows(lenient ? (error) => skip(notes, error) : undefined)) {
    if (!lenient) {
      read(row);
      continue;
    }
    try {
      read(row);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      skip(notes, error);
    }
  }
}

/** Without the file, and with the line as a number beside it. */
function skip(notes: Notes, error: InputError): void {
  const column = error.column === undefined ? '' : `column "${error.column}" `;
  notes.skipped(`${column}cannot be read`, error.line ?? 0);
}
