/**
 * A scheduler that several processes run and one of them, the leader, carries out: what `kube-scheduler --leader-elect` is.
 *
 *     bid for the lease --> leads: a new scheduler with caches of its own --> lease lost, or stop --> its writes end, it ends
 *          ^                                                                        |
 *          +------------------------------------------------------------------------+ (unless stopped)
 *
 * Safe to be killed at any moment:
 * - a term begins with lists that the server answers after the lease was won, so whatever the last leader got bound is seen
 *   before anything is decided: no node is given out twice. Nothing else is remembered;
 * - writes pass a fence that closes when the term's time is over, by the clock, even if no timer has fired yet; when the lease
 *   is lost, those under way are ended too;
 * - what is left half done (a gang, a claim without its pod) is taken up by the next leader from what the server says.
 */
import { createClient, type Client } from '@coracle/client';
import {
  createEventRecorder,
  createInformerFactory,
  createLeaderElector,
  createSpareTime,
  sleep,
  type Clock,
  type Component,
  type LeaderElector,
  type Logger,
} from '@coracle/operator';
import type { QueueCounts } from '../core/index.ts';
import { fenced } from './fence.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import type { SchedulerConfig } from './shared.ts';

export interface ElectionOptions {
  /** Of the Lease. */
  readonly name: string;
  readonly namespace: string;
  /** Unique among those that bid. */
  readonly identity: string;
  /** client-go's figures unless given: 15 s, 10 s, 2 s. */
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  /** For the lease alone: on a connection that bindings do not crowd. Default: the scheduler's client. */
  readonly client?: Client;
}

export interface ElectedSchedulerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Undefined: no election, it leads from start to stop. */
  readonly election?: ElectionOptions | undefined;
  readonly config?: SchedulerConfig;
  readonly metrics?: SchedulerMetrics;
  /** Whom events come from: the name of the first profile, in kube-scheduler's way. */
  readonly component: string;
}

export interface ElectedScheduler extends Component {
  /** `waiting`: another leads, or nobody yet. `starting`: leads and fills its caches. */
  readonly state: 'waiting' | 'starting' | 'leading' | 'stopped';
  /** Identity of the leader last seen. */
  readonly leader: string | undefined;
  /** Of the scheduler that runs; undefined while none does. */
  counts(): (QueueCounts & { readonly assumed: number }) | undefined;
}

/** Pause before a scheduler that could not start is tried again. */
const retryMs = 1_000;
/** How long a stop waits for the answers of what has been sent, and for events to be written. */
const graceMs = 5_000;

/** `start` returns at once. `stop` ends decisions, waits for bindings on their way and gives the lease back. */
export function createElectedScheduler(options: ElectedSchedulerOptions): ElectedScheduler {
  const { client, clock, logger, election, metrics } = options;
  const stopping = new AbortController();
  let state: ElectedScheduler['state'] = 'waiting';
  let scheduler: Scheduler | undefined;
  let elector: LeaderElector | undefined;
  let alone: Promise<void> | undefined;

  /** Runs one scheduler until the signal aborts. Rejects if it cannot start. */
  const runOnce = async (signal: AbortSignal): Promise<void> => {
    let until = 0;
    const fence = fenced(client.transport, () => {
      if (!elector) return true;
      // In a stop the lease is held, and not renewed, until all is said.
      until = elector.leadsUntil ?? (stopping.signal.aborted ? until : 0);
      return clock.now() < until;
    });
    const own = createClient(fence.transport);
    const { random, config, component } = options;
    // What is told of bindings does not hold up bindings.
    const spareTime = createSpareTime({ clock });
    const recorder = createEventRecorder({ client: own, clock, component, logger, spareTime });
    const informers = createInformerFactory({ client: own, clock, logger, random });
    const made = createScheduler({
      client: own,
      informers,
      clock,
      random,
      recorder,
      logger,
      ...(config ? { config } : {}),
      ...(metrics ? { metrics } : {}),
    });
    const over = aborted(signal);
    try {
      await Promise.race([made.start(), over]);
      if (!signal.aborted) {
        scheduler = made;
        state = 'leading';
        logger.info({ ...made.counts() }, 'caches are filled: scheduling');
        await over;
      }
    } finally {
      scheduler = undefined;
      state = 'starting';
      informers.stop();
      spareTime.hurry();
      const ended = made.stop();
      // A lease that is lost ends everything at once; a stop lets what was sent have its answer.
      if (stopping.signal.aborted) {
        const said = new AbortController();
        void ended.then(() => recorder.flush()).finally(() => said.abort());
        await sleep(clock, graceMs, said.signal);
      }
      fence.cut();
      await ended;
    }
  };

  const term = async (signal: AbortSignal): Promise<void> => {
    state = 'starting';
    logger.info(election ? { identity: election.identity } : {}, 'this scheduler leads');
    while (!signal.aborted) {
      try {
        await runOnce(signal);
      } catch (error) {
        logger.warn({ error }, 'the scheduler did not start; trying again');
        await sleep(clock, retryMs, signal);
      }
    }
    state = stopping.signal.aborted ? 'stopped' : 'waiting';
    logger.info(
      {},
      stopping.signal.aborted ? 'this scheduler has stopped' : 'this scheduler has lost its lease',
    );
  };

  if (election) {
    const { client: leaseClient = client, ...lease } = election;
    elector = createLeaderElector({
      ...lease,
      client: leaseClient,
      clock,
      logger,
      random: options.random,
      onStarted: term,
    });
    if (metrics) metrics.leader = { name: election.name, holds: () => elector?.isLeader ?? false };
  }

  return {
    name: 'elected-scheduler',
    get state() {
      return state;
    },
    get leader() {
      return elector?.leader;
    },
    counts: () => scheduler?.counts(),
    async start() {
      if (elector) await elector.start();
      else alone ??= term(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await (elector ? elector.stop() : alone);
      state = 'stopped';
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
