/** CronJobs: the schedule's grammar, defaults, and the job template inside. */
import type { FieldError, Unstructured } from '@coracle/machinery';
import type { batch_v1 } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  forbidden,
  invalid,
  isPart,
  nonNegative,
  notSupported,
  oneOf,
  required,
  specOf,
  validSpec,
} from './fields.ts';
import { jobSpecProblems } from './job.ts';
import { defaultTemplate } from './template.ts';

/** What is wrong with a cron schedule, in the words of the parser upstream uses; undefined if nothing is. */
function cronProblem(schedule: string): string | undefined {
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(schedule)) return undefined;
  if (/^@every \S+$/.test(schedule)) return undefined;
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  const ranges: [number, number, string][] = [
    [0, 59, 'minute'],
    [0, 23, 'hour'],
    [1, 31, 'day'],
    [1, 12, 'month'],
    [0, 7, 'weekday'],
  ];
  const names = /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;
  for (const [index, field] of fields.entries()) {
    const [low, high] = ranges[index] ?? [0, 59];
    for (const part of field.replace(names, '1').split(',')) {
      const match = /^(?:\*|\?|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
      if (!match) return `failed to parse int from ${part}`;
      for (const number of [match[1], match[2]]) {
        if (number === undefined) continue;
        if (Number(number) < low) return `beginning of range (${number}) below minimum (${low}): ${part}`;
        if (Number(number) > high) return `end of range (${number}) above maximum (${high}): ${part}`;
      }
      if (match[3] === '0') return `step of range should be a positive number: ${part}`;
    }
  }
  return undefined;
}

function cronJobProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<batch_v1.CronJobSpec>(object);
  const errors: FieldError[] = [];
  if (!spec.schedule) errors.push(required('spec.schedule'));
  else {
    if (/TZ=/.test(spec.schedule))
      errors.push(
        invalid(
          'spec.schedule',
          spec.schedule,
          'cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
        ),
      );
    else {
      const problem = cronProblem(spec.schedule);
      if (problem) errors.push(invalid('spec.schedule', spec.schedule, problem));
    }
  }
  if (spec.timeZone != null) {
    if (spec.timeZone === '')
      errors.push(invalid('spec.timeZone', spec.timeZone, 'timeZone must be nil or non-empty string'));
    else {
      try {
        void Intl.DateTimeFormat('en', { timeZone: spec.timeZone });
      } catch {
        errors.push(invalid('spec.timeZone', spec.timeZone, `unknown time zone ${spec.timeZone}`));
      }
    }
  }
  errors.push(...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']));
  for (const key of [
    'startingDeadlineSeconds',
    'successfulJobsHistoryLimit',
    'failedJobsHistoryLimit',
  ] as const)
    errors.push(...nonNegative(`spec.${key}`, spec[key]));
  const template = spec.jobTemplate?.spec;
  if (template) {
    errors.push(...jobSpecProblems(template, 'spec.jobTemplate.spec', undefined));
    if (template.manualSelector)
      errors.push(
        notSupported('spec.jobTemplate.spec.manualSelector', template.manualSelector, ['nil', 'false']),
      );
    if (template.selector)
      errors.push(forbidden('spec.jobTemplate.spec.selector', '`selector` will be auto-generated'));
  }
  return errors;
}

export const cronJobs: Strategy = {
  defaults(object) {
    const spec = specOf<batch_v1.CronJobSpec>(object);
    if (!isPart(spec)) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    const template = spec.jobTemplate?.spec;
    if (!isPart(template)) return;
    // The template stays as it was written, but for the pods': a job fills its own numbers when it is created.
    defaultTemplate(template.template);
  },
  prepareForCreate(object) {
    object['status'] = {};
  },
  validate: (object) => {
    const errors = cronJobProblems(object);
    if (object.metadata.name.length > 52)
      errors.push(invalid('metadata.name', object.metadata.name, 'must be no more than 52 characters'));
    return errors;
  },
  validateUpdate: (object) => cronJobProblems(object),
};
