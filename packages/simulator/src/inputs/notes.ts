/** Counts odd rows, so that none is dropped in silence. */
import type { InputNote } from '../model/job.ts';

/** Line numbers kept of each kind of oddity. */
const linesKept = 5;

export class Notes {
  readonly #found = new Map<
    string,
    { what: InputNote['what']; why: string; count: number; lines: number[] }
  >();

  /** There is no job for the row. */
  skipped(why: string, line: number): void {
    this.#add('skipped', why, line);
  }

  /** There is a job for the row, changed as `why` says. */
  mended(why: string, line: number): void {
    this.#add('mended', why, line);
  }

  #add(what: InputNote['what'], why: string, line: number): void {
    const key = `${what} ${why}`;
    let note = this.#found.get(key);
    if (!note) this.#found.set(key, (note = { what, why, count: 0, lines: [] }));
    note.count += 1;
    if (note.lines.length < linesKept) note.lines.push(line);
  }

  /** In the order in which each was first found. */
  all(): readonly InputNote[] {
    return [...this.#found.values()];
  }
}

/** A note for people: `skipped 12: no run time (lines 3, 4, 17, ...)`. */
export function noteText({ what, why, count, lines }: InputNote): string {
  if (lines.length === 0) return `${what} ${count}: ${why}`;
  const more = count > lines.length ? ', ...' : '';
  return `${what} ${count}: ${why} (line${count > 1 ? 's' : ''} ${lines.join(', ')}${more})`;
}
