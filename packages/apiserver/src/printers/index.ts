/** Tables for `kubectl get`: the columns and cells of the built-in kinds. */
import type { TablePrinter } from '../contracts.ts';

const printers = new Map<string, TablePrinter>();

/** The printer of a resource; undefined when Name and Age are all there is to say (use `defaultPrinter`). */
export function printerFor(group: string, resource: string, _version: string): TablePrinter | undefined {
  return printers.get(group === '' ? resource : `${resource}.${group}`);
}
