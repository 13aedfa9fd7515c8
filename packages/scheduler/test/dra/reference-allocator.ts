/**
 * The rules of device allocation on one node, written down slowly and plainly: every choice of alternatives and devices is
 * tried to the end, in order of preference. For small cases.
 */
import type { resource_v1 } from '@coracle/machinery/api';

export interface ReferenceDevice {
  readonly id: string;
  readonly spec: resource_v1.Device;
}
export interface ReferenceUse {
  readonly device: string;
  readonly admin: boolean;
  /** Undefined: the device is used alone. */
  readonly consumed: Readonly<Record<string, number>> | undefined;
}
export interface ReferenceWorld {
  readonly devices: readonly ReferenceDevice[];
  /** Counters of the node's one pool: `set/counter` to amount. */
  readonly counters: Readonly<Record<string, number>>;
  readonly used: readonly ReferenceUse[];
  /** What the selectors mean. */
  readonly selectors: Readonly<Record<string, (device: resource_v1.Device) => boolean>>;
}
export interface ReferencePick extends ReferenceUse {
  readonly claim: number;
  /** `request` or `request/alternative`. */
  readonly request: string;
}

type Way = resource_v1.ExactDeviceRequest | resource_v1.DeviceSubRequest;
interface Slot {
  readonly claim: number;
  readonly name: string;
  readonly way: Way;
}

/**
 * The preferred solution: request by request, the first alternative and then the first devices that leave a solution for all
 * that follow. Undefined: there is none.
 */
export function referenceAllocation(
  world: ReferenceWorld,
  claims: readonly resource_v1.DeviceClaim[],
): readonly ReferencePick[] | undefined {
  const requests = claims.flatMap((claim, c) =>
    (claim.requests ?? []).map((request): Slot[] =>
      request.exactly
        ? [{ claim: c, name: request.name, way: request.exactly }]
        : request.firstAvailable!.map((sub) => ({ claim: c, name: `${request.name}/${sub.name}`, way: sub })),
    ),
  );
  return fill(world, claims, requests, []);
}

function fill(
  world: ReferenceWorld,
  claims: readonly resource_v1.DeviceClaim[],
  requests: readonly (readonly Slot[])[],
  picks: readonly ReferencePick[],
): readonly ReferencePick[] | undefined {
  const [alternatives, ...rest] = requests;
  if (!alternatives) return whyInvalid(world, claims, picks) === undefined ? picks : undefined;
  for (const slot of alternatives) {
    const matching = world.devices.filter(({ spec }) => wanted(world, slot.way, spec));
    const all = slot.way.allocationMode === 'All';
    if (all && matching.length === 0) continue;
    const sets = all ? [matching] : subsets(matching, Number(slot.way.count ?? 1));
    for (const devices of sets) {
      const more = devices.map(({ id, spec }): ReferencePick => {
        const admin = 'adminAccess' in slot.way && slot.way.adminAccess === true;
        const consumed =
          spec.allowMultipleAllocations && !admin ? amountsOf(spec, slot.way.capacity?.requests) : undefined;
        return { claim: slot.claim, request: slot.name, device: id, admin, consumed };
      });
      const found = fill(world, claims, rest, [...picks, ...more]);
      if (found) return found;
    }
  }
  return undefined;
}

function subsets<T>(list: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return list.flatMap((one, i) => subsets(list.slice(i + 1), size - 1).map((rest) => [one, ...rest]));
}

/** Selectors hold, and the device is large enough. */
function wanted({ selectors }: ReferenceWorld, way: Way, device: resource_v1.Device): boolean {
  return (
    (way.selectors ?? []).every(({ cel }) => selectors[cel!.expression]!(device)) &&
    amountsOf(device, way.capacity?.requests) !== undefined
  );
}

/** What is consumed of each capacity; undefined: the device does not have that much, or its policy forbids it. */
function amountsOf(
  device: resource_v1.Device,
  requests: Readonly<Record<string, string>> | undefined,
): Record<string, number> | undefined {
  const result: Record<string, number> = {};
  for (const name in requests) if (!device.capacity?.[name]) return undefined;
  for (const [name, { value, requestPolicy }] of Object.entries(device.capacity ?? {})) {
    const asked = requests?.[name];
    let amount: number;
    if (asked === undefined) amount = Number(requestPolicy?.default ?? value);
    else {
      amount = Number(asked);
      if (requestPolicy?.validRange) {
        const min = Number(requestPolicy.validRange.min);
        const max = Number(requestPolicy.validRange.max ?? value);
        const step = Number(requestPolicy.validRange.step ?? 0);
        let rounded = min;
        if (step > 0) while (rounded < amount) rounded += step;
        else rounded = Math.max(min, amount);
        if (rounded > max) return undefined;
        amount = rounded;
      } else if (requestPolicy?.validValues) {
        const found = requestPolicy.validValues.map(Number).find((v) => v >= amount);
        if (found === undefined) return undefined;
        amount = found;
      }
    }
    if (amount > Number(value)) return undefined;
    result[name] = amount;
  }
  return result;
}

/** Why these picks break a rule; undefined: they break none. Also judges what the core came to. */
export function whyInvalid(
  world: ReferenceWorld,
  claims: readonly resource_v1.DeviceClaim[],
  picks: readonly ReferencePick[],
): string | undefined {
  const all = [...world.used, ...picks];
  const left = { ...world.counters };
  for (const { id, spec } of world.devices) {
    const mine = picks.filter((pick) => pick.device === id);
    const users = all.filter((use) => use.device === id && !use.admin);
    const shared = spec.allowMultipleAllocations === true;
    if (!shared && mine.some((pick) => !pick.admin)) {
      if (users.length > 1) return `${id} is given twice`;
    }
    if (shared) {
      for (const [name, { value }] of Object.entries(spec.capacity ?? {})) {
        let sum = 0;
        for (const use of users) sum += use.consumed?.[name] ?? 0;
        if (sum > Number(value)) return `more than ${id} has of ${name}`;
      }
    }
    for (const c of claims.keys()) {
      const here = mine.filter((pick) => pick.claim === c);
      const admins = here.filter((pick) => pick.admin).length;
      if (admins > 1 || (!shared && admins > 0 && here.length > 1)) return `${id} is in claim ${c} twice`;
    }
    if (users.length > 0) {
      for (const { counterSet, counters } of spec.consumesCounters ?? []) {
        for (const [name, { value }] of Object.entries(counters))
          left[`${counterSet}/${name}`]! -= Number(value);
      }
    }
    for (const pick of mine) {
      const tolerations = wayOf(claims, pick).tolerations ?? [];
      const away = (spec.taints ?? []).some(
        (taint) =>
          taint.effect !== 'None' &&
          !tolerations.some(
            (t) => t.key === taint.key && (t.operator === 'Exists' || t.value === taint.value) && !t.effect,
          ),
      );
      if (away) return `${id} is tainted`;
    }
  }
  if (Object.values(left).some((amount) => amount < 0)) return 'more counters than there are';
  for (const [c, claim] of claims.entries()) {
    for (const { matchAttribute, distinctAttribute, requests = [] } of claim.constraints ?? []) {
      const name = (matchAttribute ?? distinctAttribute)!.split('/')[1]!;
      const values = picks
        .filter(({ claim: of, request }) => {
          const base = request.split('/')[0]!;
          return of === c && (requests.length === 0 || requests.includes(base) || requests.includes(request));
        })
        .map(({ device }) => world.devices.find((d) => d.id === device)!.spec.attributes?.[name]?.int);
      if (values.includes(undefined)) return `no ${name}`;
      const kinds = new Set(values).size;
      if (matchAttribute ? kinds > 1 : kinds < values.length) return `${name} of ${values.join(',')}`;
    }
  }
  return undefined;
}

function wayOf(claims: readonly resource_v1.DeviceClaim[], { claim, request }: ReferencePick): Way {
  const [base, sub] = request.split('/');
  const found = claims[claim]!.requests!.find(({ name }) => name === base)!;
  return sub === undefined ? found.exactly! : found.firstAvailable!.find(({ name }) => name === sub)!;
}
