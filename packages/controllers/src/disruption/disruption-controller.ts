/** Keeps the status of PodDisruptionBudgets, which evictions are granted by. */
import { deepEqual, keyOf, selectorFrom } from '@coracle/machinery';
import { Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { discover } from '../lib/discovery.ts';
import type { Discovery } from '../lib/discovery.ts';
import { budgetStatus, failedStatus, needsScale } from './budget.ts';
import { expectedScale } from './scale.ts';

export interface DisruptionOptions {
  /** What the server serves; asked for by discovery unless given. */
  discover?: () => Promise<Discovery>;
}

export function disruptionController(deps: ComponentDeps, options: DisruptionOptions = {}): Component {
  const { client, clock, recorder } = deps;
  const ask = options.discover ?? (() => discover(client));
  const budgets = deps.informers.informer(PodDisruptionBudget);
  const pods = deps.informers.informer(Pod);
  const controller = createController(deps, {
    name: 'disruption-controller',
    workers: 4,
    waitFor: [budgets, pods],
    async reconcile(key) {
      const budget = budgets.byKey(key);
      if (!budget || budget.metadata.deletionTimestamp !== undefined) return undefined;
      const selector = selectorFrom(budget.spec?.selector);
      const matching = pods
        .list(budget.metadata.namespace)
        .filter((pod) => selector.matches(pod.metadata.labels));
      if (matching.length === 0) recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
      try {
        const scale = needsScale(budget) ? await expectedScale(client, ask, matching) : 0;
        const { status, again } = budgetStatus({ budget, pods: matching, scale, now: clock.now() });
        await patchStatus(client, PodDisruptionBudget, budget, status);
        return again === undefined ? undefined : { requeueAfterMs: Math.max(0, again - clock.now()) };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        recorder.event(
          budget,
          'Warning',
          'CalculateExpectedPodCountFailed',
          `Failed to calculate the number of expected pods: ${message}`,
        );
        await patchStatus(client, PodDisruptionBudget, budget, failedStatus(budget, message, clock.now()));
        throw error;
      }
    },
  });
  const seePod = (pod: Pod): void => {
    for (const budget of budgets.list(pod.metadata.namespace)) {
      if (selectorFrom(budget.spec?.selector).matches(pod.metadata.labels))
        controller.queue.add(keyOf(budget));
    }
  };
  const see = (budget: PodDisruptionBudget): void => controller.queue.add(keyOf(budget));
  budgets.on({ add: see, update: (_, budget) => see(budget) });
  pods.on({
    add: seePod,
    update(before, after) {
      seePod(after);
      if (!deepEqual(before.metadata.labels, after.metadata.labels)) seePod(before);
    },
    delete: seePod,
  });
  return controller;
}
