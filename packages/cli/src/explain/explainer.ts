/**
 * Who answers why a pod waits: the cluster's own scheduler, where it serves SchedulingReview; else this process, which reads
 * nodes, pods and the rest with the user's own rights and judges them as the default profile does. The second knows nothing of
 * the scheduler's queue, nor of its profiles.
 */
import { createClient, type Client } from '@coracle/client';
import { ApiError, isReason, type ResourceType } from '@coracle/machinery';
import { Node, Pod } from '@coracle/machinery/api';
import { createInformerFactory, silentLogger, systemClock } from '@coracle/operator';
import {
  createScheduler,
  defaultProfile,
  fenced,
  SchedulingReview,
  type ExplainAnswer,
  type ExplainQuery,
  type Scheduler,
} from '@coracle/scheduler';
import { CliError } from '../context.ts';
import type { ServedResource } from '../discover.ts';

export interface Explainer {
  /** Rejects with ApiError NotFound if there is nothing of that name. */
  explain(query: ExplainQuery): Promise<ExplainAnswer>;
  /** Said to the user, if the answers are not the scheduler's own. */
  readonly note: string | undefined;
  close(): Promise<void>;
}

/** `schedulerName`: of the pods it will be asked about. */
export async function explainerFor(
  client: Client,
  served: readonly ServedResource[],
  schedulerName: string,
): Promise<Explainer> {
  const offers = served.some(
    (r) => r.group === SchedulingReview.group && r.resource === SchedulingReview.resource,
  );
  let own: Promise<Explainer> | undefined;
  const local = (): Promise<Explainer> => (own ??= localExplainer(client, schedulerName));
  if (!offers) return local();
  let note: string | undefined;
  return {
    get note() {
      return note;
    },
    async explain(query) {
      try {
        return await ask(client, query);
      } catch (error) {
        // Who may not ask the scheduler may still see for themselves.
        if (!isReason(error, 'Forbidden')) throw error;
        const answer = await (await local()).explain(query);
        note =
          'reckoned here from what you may read, with the default profile: you may not create schedulingreviews';
        return answer;
      }
    },
    async close() {
      await (await own)?.close();
    },
  };
}

async function ask(client: Client, query: ExplainQuery): Promise<ExplainAnswer> {
  const { namespace, pod, podGroup, template, trace, limit } = query;
  const review = await client.create(
    SchedulingReview,
    {
      metadata: {},
      spec: {
        ...(pod === undefined ? {} : { pod: { name: pod } }),
        ...(podGroup ? { podGroup } : {}),
        ...(template ? { template } : {}),
        ...(trace ? { trace } : {}),
        ...(limit === undefined ? {} : { limit }),
      },
    },
    { namespace },
  );
  if (!review.status) throw new CliError('the server did not answer the SchedulingReview');
  return review.status;
}

async function localExplainer(client: Client, schedulerName: string): Promise<Explainer> {
  // Nothing is written, whatever happens.
  const reader = createClient(fenced(client.transport, () => false).transport);
  const needed: readonly ResourceType[] = [Node, Pod];
  for (const type of needed) {
    await reader.list(type, { limit: 1 }).catch((error: unknown) => {
      if (!(error instanceof ApiError) || error.code !== 403) throw error;
      throw new CliError(
        `to explain on this cluster you need to list nodes and pods in all namespaces, or to create schedulingreviews.coracle.dev: ${error.message}`,
        { cause: error },
      );
    });
  }
  const informers = createInformerFactory({ client: reader, clock: systemClock, logger: silentLogger });
  const scheduler: Scheduler = createScheduler({
    client: reader,
    informers,
    clock: systemClock,
    random: () => 0,
    recorder: { event() {} },
    logger: silentLogger,
    config: { observeOnly: true, profiles: [defaultProfile({ schedulerName })] },
  });
  await scheduler.start();
  return {
    note: 'reckoned here from what you may read, with the default profile: this cluster serves no SchedulingReview',
    async explain(query) {
      const answer = await scheduler.explain(query);
      if (answer) return answer;
      const [resource, name] = query.podGroup ? ['podgroups', query.podGroup.name] : ['pods', query.pod];
      throw new ApiError('NotFound', `${resource} "${name}" not found`, {});
    },
    async close() {
      informers.stop();
      await scheduler.stop();
    },
  };
}
