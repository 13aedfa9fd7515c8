/** Pod disruption budgets. */
import { type FieldError, labelSelectorProblems, type Unstructured } from '@coracle/machinery';
import type { LabelSelector } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { intOrPercentProblems } from './apps.ts';
import { invalid, notSupported, validSpec } from './fields.ts';

function budgetProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<{
    minAvailable?: number | string;
    maxUnavailable?: number | string;
    selector?: LabelSelector;
    unhealthyPodEvictionPolicy?: string;
  }>(object);
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  errors.push(...intOrPercentProblems('spec.minAvailable', spec.minAvailable));
  errors.push(...intOrPercentProblems('spec.maxUnavailable', spec.maxUnavailable));
  errors.push(...labelSelectorProblems(spec.selector, 'spec.selector'));
  if (
    spec.unhealthyPodEvictionPolicy != null &&
    !['AlwaysAllow', 'IfHealthyBudget'].includes(spec.unhealthyPodEvictionPolicy)
  )
    errors.push(
      notSupported('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, [
        'AlwaysAllow',
        'IfHealthyBudget',
      ]),
    );
  return errors;
}

export const podDisruptionBudgets: Strategy = {
  prepareForCreate(object) {
    object['status'] = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate: budgetProblems,
  validateUpdate: budgetProblems,
};
