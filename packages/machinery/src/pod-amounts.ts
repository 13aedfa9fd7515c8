/** What a pod asks for as a whole (component-helpers `resource.PodRequests` and `PodLimits`), in exact quantities. */
import type { Container, Pod } from './api/index.ts';
import { parseQuantity, type Quantity } from './quantity.ts';

/** By resource name. */
export type Amounts = Map<string, Quantity>;

/** Adds every entry of `amounts` to `into`, in place; returns it. */
export function addAmounts(into: Amounts, amounts: ReadonlyMap<string, Quantity>): Amounts {
  for (const [name, amount] of amounts) into.set(name, into.get(name)?.add(amount) ?? amount);
  return into;
}

function raise(into: Amounts, amounts: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of amounts) {
    const known = into.get(name);
    if (!known || known.cmp(amount) < 0) into.set(name, amount);
  }
}

function amountsOf(list: Readonly<Record<string, string>> | null | undefined): Amounts {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
}

/**
 * Requests or limits of a pod: all containers and sidecars together, or the most demanding step of starting it, whichever
 * is more; amounts for the whole pod, where given, count instead; the overhead comes on top (of limits, only where there are).
 */
export function podAmounts(pod: Pod, field: 'requests' | 'limits'): Amounts {
  const of = (container: Container): Amounts => amountsOf(container.resources?.[field]);
  const total: Amounts = new Map();
  for (const container of pod.spec?.containers ?? []) addAmounts(total, of(container));
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      addAmounts(sidecars, of(container));
      raise(peak, sidecars);
    } else raise(peak, addAmounts(of(container), sidecars));
  }
  addAmounts(total, sidecars);
  raise(total, peak);
  for (const [name, amount] of amountsOf(pod.spec?.resources?.[field])) total.set(name, amount);
  for (const [name, amount] of amountsOf(pod.spec?.overhead)) {
    if (field === 'requests' || total.has(name)) addAmounts(total, new Map([[name, amount]]));
  }
  return total;
}
