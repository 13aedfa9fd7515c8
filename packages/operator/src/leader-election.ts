/**
 * Leader election on a `coordination.k8s.io/v1` Lease, after client-go's leaderelection.
 *
 * A candidate takes a lease that is free, released, its own, or has not changed for `leaseDurationMs` *by this candidate's own
 * clock* (the times in the lease are never compared with it, so clocks may differ). The leader renews every `retryPeriodMs`
 * and gives up leading when no renewal has succeeded for `renewDeadlineMs`; leaseDurationMs > renewDeadlineMs >
 * retryPeriodMs keeps two leaders from overlapping, as long as clocks run at about the same rate. A term counts from when the
 * renewal was sent, not from its answer: others count from when they see it, which is later.
 */
import type { Client } from '@coracle/client';
import { formatMicroTime, isReason } from '@coracle/machinery';
import { Lease } from '@coracle/machinery/api';
import { sleep } from './clock.ts';
import type { Clock, Component, Logger } from './contracts.ts';
import { find } from './writes.ts';

export interface LeaderElectorOptions {
  client: Client;
  clock: Clock;
  logger?: Logger | undefined;
  /** Of the Lease. */
  name: string;
  namespace: string;
  /** Unique among candidates. */
  identity: string;
  /** client-go's usual figures: 15 s, 10 s, 2 s. */
  leaseDurationMs?: number;
  renewDeadlineMs?: number;
  retryPeriodMs?: number;
  /** Leading has begun. The signal aborts when it ends. */
  onStarted(signal: AbortSignal): void | Promise<void>;
  /** Leading has ended: lost, or stopped. Called once for each onStarted. */
  onStopped?(): void | Promise<void>;
  random?: () => number;
}
export interface LeaderElector extends Component {
  readonly isLeader: boolean;
  /**
   * Until when this candidate surely leads, by its clock; undefined: it does not lead. A process that was stopped for a while
   * and goes on may be past this before any timer has fired: ask before a write that a second leader must not cross.
   */
  readonly leadsUntil: number | undefined;
  /** Identity of the leader last seen. */
  readonly leader: string | undefined;
}

/** `start` returns at once and competes until `stop`, which gives the lease back if held. */
export function createLeaderElector(options: LeaderElectorOptions): LeaderElector {
  const { client, clock, identity, namespace, name } = options;
  const leaseDurationMs = options.leaseDurationMs ?? 15_000;
  const renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
  const retryPeriodMs = options.retryPeriodMs ?? 2_000;
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs)) {
    throw new RangeError('leaseDurationMs > renewDeadlineMs > retryPeriodMs must hold');
  }
  const random = options.random ?? Math.random;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  /** The lease as last read or written, and when its resourceVersion was first seen. */
  let seen: { lease: Lease; at: number } | undefined;
  let leading: AbortController | undefined;
  /** When the last request that took or renewed the lease was sent. */
  let renewed = 0;

  const observe = (lease: Lease): void => {
    if (seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion)
      seen = { lease, at: clock.now() };
  };

  /** Takes or renews the lease. False: somebody else has it. Rejects when the server cannot be asked, or another was faster. */
  const tryOnce = async (signal: AbortSignal): Promise<boolean> => {
    const now = formatMicroTime(clock.now());
    const lease = await find(client, Lease, { name, namespace }, signal);
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.round(leaseDurationMs / 1000)),
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    };
    if (lease === undefined) {
      observe(await client.create(Lease, { metadata: { name, namespace }, spec }, { signal }));
      return true;
    }
    observe(lease);
    const holder = lease.spec?.holderIdentity;
    const held = Boolean(holder) && clock.now() - (seen?.at ?? 0) < leaseDurationMs;
    if (held && holder !== identity) return false;
    spec.leaseTransitions = lease.spec?.leaseTransitions ?? 0;
    if (holder === identity) spec.acquireTime = lease.spec?.acquireTime ?? now;
    else spec.leaseTransitions += 1;
    observe(await client.update(Lease, { ...lease, spec: { ...lease.spec, ...spec } }, { signal }));
    return true;
  };

  const attempt = async (timeoutMs: number): Promise<boolean> => {
    const call = new AbortController();
    // The term ends in time even if the call does not.
    let giveUp!: () => void;
    const late = new Promise<false>((resolve) => {
      giveUp = () => resolve(false);
    });
    const cancel = clock.after(timeoutMs, () => {
      call.abort();
      giveUp();
    });
    const sent = clock.now();
    try {
      const taken = await Promise.race([tryOnce(AbortSignal.any([call.signal, stopping.signal])), late]);
      if (taken) renewed = sent;
      return taken;
    } catch (error) {
      options.logger?.debug({ lease: `${namespace}/${name}`, error }, 'the lease was not taken');
      return false;
    } finally {
      cancel();
    }
  };

  const release = async (): Promise<void> => {
    let lease = seen?.lease;
    try {
      // A renewal that was on its way when the stop came may have changed it since it was seen.
      for (let tries = 0; tries < 3 && lease?.spec?.holderIdentity === identity; tries++) {
        const now = formatMicroTime(clock.now());
        const spec = {
          holderIdentity: '',
          leaseDurationSeconds: 1,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: lease.spec.leaseTransitions ?? 0,
        };
        try {
          observe(await client.update(Lease, { ...lease, spec }));
          return;
        } catch (error) {
          if (!isReason(error, 'Conflict')) throw error;
          lease = await find(client, Lease, { name, namespace });
        }
      }
    } catch (error) {
      options.logger?.debug({ error }, 'the lease was not given back; it runs out by itself');
    }
  };

  const lead = async (): Promise<void> => {
    const term = new AbortController();
    leading = term;
    const work = Promise.resolve(options.onStarted(term.signal)).catch((error: unknown) =>
      options.logger?.error({ error }, 'onStarted failed'),
    );
    const left = (): number => renewed + renewDeadlineMs - clock.now();
    while (!stopping.signal.aborted) {
      await sleep(clock, Math.min(retryPeriodMs, left()), stopping.signal);
      if (stopping.signal.aborted || left() <= 0) break;
      if (!(await attempt(left())) && seen?.lease.spec?.holderIdentity !== identity) break;
    }
    leading = undefined;
    term.abort();
    await work;
    await options.onStopped?.();
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (await attempt(renewDeadlineMs)) await lead();
      // client-go's jitter: candidates do not ask in step.
      else await sleep(clock, retryPeriodMs * (1 + 1.2 * random()), stopping.signal);
    }
    await release();
  };

  return {
    name: `leader-election/${namespace}/${name}`,
    get isLeader() {
      return leading !== undefined;
    },
    get leadsUntil() {
      return leading && renewed + renewDeadlineMs;
    },
    get leader() {
      return seen?.lease.spec?.holderIdentity || undefined;
    },
    async start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
