/** Pod templates inside workloads: defaults, selector agreement, and allowed restart policies. */
import { type FieldError, labelSelectorProblems, selectorFrom } from '@coracle/machinery';
import type { LabelSelector, PodTemplateSpec } from '@coracle/machinery/api';
import { invalid, isPart, notSupported, required } from './fields.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { podTemplateProblems } from './pod-validation.ts';

/** Defaults of `template`, if it is there. */
export function defaultTemplate(template: PodTemplateSpec | undefined): void {
  if (isPart(template) && isPart(template.spec)) defaultPodSpec(template.spec, true);
}

/** A selector that must be there, not be empty, and match the template's labels. */
export function selectorAndTemplateProblems(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  kindText: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!selector) errors.push(required('spec.selector'));
  else {
    const problems = labelSelectorProblems(selector, 'spec.selector');
    errors.push(...problems);
    const none =
      Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
    if (none) errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${kindText}`));
    else if (
      problems.length === 0 &&
      template &&
      !selectorFrom(selector).matches(template.metadata?.labels ?? {})
    )
      errors.push(
        invalid(
          'spec.template.metadata.labels',
          template.metadata?.labels ?? null,
          '`selector` does not match template `labels`',
        ),
      );
  }
  if (!template) errors.push(required('spec.template'));
  return errors;
}

/** A template whose pods are always restarted, as those of all long-running workloads. */
export function runningTemplateProblems(template: PodTemplateSpec | undefined): FieldError[] {
  if (!template) return [];
  const errors = podTemplateProblems(template, 'spec.template');
  if (template.spec && template.spec.restartPolicy !== 'Always')
    errors.push(
      notSupported('spec.template.spec.restartPolicy', template.spec.restartPolicy ?? '', ['Always']),
    );
  if (template.spec?.activeDeadlineSeconds !== undefined && template.spec.activeDeadlineSeconds !== null)
    errors.push({
      type: 'FieldValueForbidden',
      field: 'spec.template.spec.activeDeadlineSeconds',
      detail: 'activeDeadlineSeconds in ReplicaSet is not Supported',
    });
  return errors;
}
