/** Where in a YAML text the value at a path stands. */
import { EVENT_ID, getScalarValue, parseEvents, type Event } from 'js-yaml';

export interface Place {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/**
 * Finds the places of paths such as `spec.cluster.pools[0].count`; of a path that is not there, the nearest part above it that is.
 * The text must be one that js-yaml reads.
 */
export function placesOf(text: string): (path: string) => Place {
  const offsets = new Map<string, number>();
  const events = parseEvents(text, {});
  let at = 0;
  const visit = (path: string): void => {
    const event = events[at++];
    if (!event) return;
    if (event.type === EVENT_ID.SEQUENCE) {
      for (let i = 0; !closes(events[at]); i++) {
        note(offsets, `${path}[${i}]`, events[at]);
        visit(`${path}[${i}]`);
      }
      at++;
    } else if (event.type === EVENT_ID.MAPPING) {
      while (!closes(events[at])) {
        const key = events[at]!;
        const name = key.type === EVENT_ID.SCALAR ? getScalarValue(text, key) : '?';
        const child = path === '' ? name : `${path}.${name}`;
        note(offsets, child, key);
        skip();
        visit(child);
      }
      at++;
    }
  };
  const skip = (): void => {
    visit('\0');
  };
  // The document itself.
  at++;
  visit('');
  return (path) => {
    for (let part = path; part !== ''; part = parentOf(part)) {
      const offset = offsets.get(part);
      if (offset !== undefined) return placeAt(text, offset);
    }
    return { line: 1, column: 1 };
  };
}

const closes = (event: Event | undefined): boolean => event === undefined || event.type === EVENT_ID.POP;

function note(offsets: Map<string, number>, path: string, event: Event | undefined): void {
  if (!event || offsets.has(path)) return;
  if (event.type === EVENT_ID.SCALAR) offsets.set(path, event.valueStart);
  else if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE)
    offsets.set(path, event.start);
  else if (event.type === EVENT_ID.ALIAS) offsets.set(path, event.anchorStart);
}

function parentOf(path: string): string {
  return path.endsWith(']')
    ? path.slice(0, path.lastIndexOf('['))
    : path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - start + 1 };
}
