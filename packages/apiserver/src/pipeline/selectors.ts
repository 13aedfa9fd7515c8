/** Label and field selectors of a request, as one test on entries. */
import {
  compileJsonPath,
  errors,
  parseFieldSelector,
  parseSelector,
  type Unstructured,
} from '@coracle/machinery';
import type { Entry, WatchPart, WatchSelection } from '@coracle/store';
import { objectOf, storedObject } from '../storage/views.ts';
import type { Call } from './call.ts';

export type EntryFilter = (entry: Entry) => boolean;

/** How to read the field a selector names. Undefined: this kind does not let one select by it. */
function fieldReader(call: Call, field: string): ((entry: Entry) => string) | undefined {
  if (field === 'metadata.name') return (entry) => storedObject(entry).metadata.name ?? '';
  if (field === 'metadata.namespace') return (entry) => storedObject(entry).metadata.namespace ?? '';
  const { kind, strategy } = call;
  const own = strategy.fields?.[field];
  if (own) return (entry) => own(storedObject(entry));
  const declared = kind.selectableFields?.find((path) => path.replace(/^\./, '') === field);
  if (declared === undefined) return undefined;
  const path = compileJsonPath(declared);
  return (entry) => {
    const value = path(objectOf(kind, strategy, entry))[0];
    return value === undefined || value === null ? '' : String(value as string | number | boolean);
  };
}

/** Parts of values that watches are told apart by, by what reads them: one each, however many watches. */
const parts = new WeakMap<(object: never) => string, WatchPart>();
const nameOf = (object: Unstructured): string => object.metadata.name ?? '';

/** The value that a field must have for a watch to hear of an object, for the store to find its watches by; most have none. */
export function selectionOf(call: Call): WatchSelection | undefined {
  const text = call.request.query.get('fieldSelector') ?? '';
  if (text === '') return undefined;
  for (const { field, operator, value } of parseFieldSelector(text).terms) {
    if (operator !== '=') continue;
    const read = field === 'metadata.name' ? nameOf : call.strategy.fields?.[field];
    if (!read) continue;
    let part = parts.get(read);
    if (!part) parts.set(read, (part = { read: (entry) => read(storedObject(entry)) }));
    return { part, value };
  }
  return undefined;
}

/** Undefined: everything is selected. Throws BadRequest for a selector that cannot be read or is not offered. */
export function selectorOf(call: Call): EntryFilter | undefined {
  const { query } = call.request;
  const labelText = query.get('labelSelector') ?? '';
  const fieldText = query.get('fieldSelector') ?? '';
  const tests: EntryFilter[] = [];
  if (labelText !== '') {
    const selector = parseSelector(labelText);
    tests.push((entry) => selector.matches(storedObject(entry).metadata.labels ?? {}));
  }
  // `watch/…/<name>` and lists narrowed by the router name one object.
  if (fieldText !== '') {
    for (const { field, operator, value } of parseFieldSelector(fieldText).terms) {
      const read = fieldReader(call, field);
      if (!read) {
        const { group, version, resource } = call.kind;
        throw errors.badRequest(
          `Unable to find "${group}/${version}, Resource=${resource}" that match label selector "${labelText}", field selector "${fieldText}": field label not supported: ${field}`,
        );
      }
      tests.push(operator === '!=' ? (entry) => read(entry) !== value : (entry) => read(entry) === value);
    }
  } else if (call.attributes.name !== '')
    tests.push((entry) => storedObject(entry).metadata.name === call.attributes.name);
  if (tests.length === 0) return undefined;
  if (tests.length === 1) return tests[0];
  return (entry) => tests.every((test) => test(entry));
}
