/** Quantities in the form the API server writes them: `0.5` is `500m`, `1024Mi` is `1Gi`. */
import { parseQuantity } from '@coracle/machinery';
import { isPart } from './fields.ts';

/** The canonical form; malformed ones are left as they are, for the schema to report. */
export function canonicalQuantity(value: string): string {
  try {
    return parseQuantity(value).toString();
  } catch {
    return value;
  }
}

/** Makes every quantity of a resource list canonical, in place. */
export function canonicalResources(list: Record<string, string> | undefined): void {
  if (!isPart(list)) return;
  for (const [name, value] of Object.entries(list))
    if (typeof value === 'string' || typeof value === 'number') list[name] = canonicalQuantity(value);
}
