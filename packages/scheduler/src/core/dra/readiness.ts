/** Devices that are made ready for a claim, by binding conditions: whether they are, failed, or took too long. */
import type { ResourceClaim } from '@coracle/machinery/api';
import type { ReservationIo } from '../reservation.ts';
import type { ClaimLedger } from './ledger.ts';

/** How long devices may take to be ready after their allocation, if the plugin's arguments do not say. */
export const defaultBindingTimeoutMs = 600_000;

export type Readiness = 'ready' | 'waiting' | { readonly failed: string };

export function readiness({ metadata, status }: ResourceClaim): Readiness {
  if (!status?.allocation) return 'waiting';
  let ready = true;
  for (const result of status.allocation.devices?.results ?? []) {
    const { driver, pool, device, bindingConditions = [], bindingFailureConditions = [] } = result;
    if (bindingConditions.length === 0) continue;
    const found = status.devices?.find((d) => d.device === device && d.driver === driver && d.pool === pool);
    const holds = (type: string) => found?.conditions?.find((c) => c.type === type && c.status === 'True');
    for (const type of bindingFailureConditions) {
      const failure = holds(type);
      if (!failure) continue;
      const { reason, message = '' } = failure;
      const text = `reason=${reason}, message=${JSON.stringify(message)}`;
      return { failed: `claim ${metadata.name} binding failed: ${text}` };
    }
    if (!bindingConditions.every(holds)) ready = false;
  }
  return ready ? 'ready' : 'waiting';
}

export function hasBindingConditions({ status }: ResourceClaim): boolean {
  return (status?.allocation?.devices?.results ?? []).some((r) => (r.bindingConditions?.length ?? 0) > 0);
}

/** When the claim's devices should be ready at the latest, in milliseconds; undefined: there is no such time. */
function deadline(claim: ResourceClaim, timeoutMs: number): number | undefined {
  const since = claim.status?.allocation?.allocationTimestamp;
  if (since === undefined || !hasBindingConditions(claim)) return undefined;
  return Date.parse(since) + timeoutMs;
}

/** True if the claim's devices failed, or did not become ready in time: it had better be allocated anew. */
export function isStuck(claim: ResourceClaim, now: number, timeoutMs: number): boolean {
  const state = readiness(claim);
  if (state === 'ready') return false;
  return state !== 'waiting' || (deadline(claim, timeoutMs) ?? Number.POSITIVE_INFINITY) < now;
}

/** Resolves when the devices of all these claims are ready; rejects if they fail, take too long, or the signal says so. */
export function whenReady(
  ledger: ClaimLedger,
  keys: readonly string[],
  timeoutMs: number,
  io: ReservationIo,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = [];
    const end = (error?: Error): void => {
      for (const stop of stops.splice(0)) stop();
      if (error) reject(error);
      else resolve();
    };
    const look = (): void => {
      let waiting = false;
      for (const key of keys) {
        const claim = ledger.claim(key);
        if (!claim) return end(new Error(`could not find ResourceClaim "${key}"`));
        const state = readiness(claim);
        if (state === 'ready') continue;
        if (state !== 'waiting') return end(new Error(state.failed));
        if (isStuck(claim, io.clock.now(), timeoutMs)) {
          return end(new Error(`claim ${claim.metadata.name} binding timeout`));
        }
        waiting = true;
      }
      if (!waiting) end();
    };
    const aborted = (): void => end(new Error('the wait for binding conditions was ended'));
    if (io.signal.aborted) return aborted();
    io.signal.addEventListener('abort', aborted);
    stops.push(() => io.signal.removeEventListener('abort', aborted));
    for (const key of keys) stops.push(ledger.watch(key, look));
    stops.push(io.clock.after(timeoutMs + 1_000, look));
    look();
  });
}
