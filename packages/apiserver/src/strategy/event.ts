/** Events: one stored kind (core/v1), served in two groups under different names of the same fields. */
import { dns1123Subdomain, type FieldError, pathSegmentName, type Unstructured } from '@coracle/machinery';
import type { Event, events_v1 } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { invalid } from './fields.ts';

function problems(object: Unstructured): FieldError[] {
  const event = object as unknown as Event;
  const namespace = event.metadata.namespace ?? '';
  const about = event.involvedObject?.namespace ?? '';
  if (about === '') {
    // About a cluster object: kept in default or kube-system.
    return namespace === 'default' || namespace === 'kube-system' || namespace === ''
      ? []
      : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
  }
  return namespace === about
    ? []
    : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}

const of = (object: Unstructured): Event => object as unknown as Event;

export const events: Strategy = {
  nameProblem: pathSegmentName,
  validate: problems,
  validateUpdate: problems,
  fields: {
    'involvedObject.kind': (object) => of(object).involvedObject?.kind ?? '',
    'involvedObject.namespace': (object) => of(object).involvedObject?.namespace ?? '',
    'involvedObject.name': (object) => of(object).involvedObject?.name ?? '',
    'involvedObject.uid': (object) => of(object).involvedObject?.uid ?? '',
    'involvedObject.apiVersion': (object) => of(object).involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': (object) => of(object).involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': (object) => of(object).involvedObject?.fieldPath ?? '',
    reason: (object) => of(object).reason ?? '',
    reportingComponent: (object) => of(object).reportingComponent ?? '',
    source: (object) => of(object).source?.component ?? of(object).reportingComponent ?? '',
    type: (object) => of(object).type ?? '',
  },
};

/** `[stored name, name in events.k8s.io]`. */
const renamed = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
] as const;

function rename(object: Unstructured, apiVersion: string, from: 0 | 1, to: 0 | 1): Unstructured {
  const result: Unstructured = { ...object, apiVersion };
  for (const pair of renamed) delete result[pair[from]];
  for (const pair of renamed) if (object[pair[from]] !== undefined) result[pair[to]] = object[pair[from]];
  return result;
}

const required = ['reason', 'action', 'reportingController', 'reportingInstance'] as const;

/** events.k8s.io: the same events; `toStorage` and `fromStorage` rename the fields. */
export const eventsInGroup: Strategy = {
  ...events,
  nameProblem: dns1123Subdomain,
  fields: Object.fromEntries(
    Object.entries(events.fields ?? {}).flatMap(([name, read]) => [
      [name, read],
      [
        name.replace('involvedObject', 'regarding').replace('reportingComponent', 'reportingController'),
        read,
      ],
    ]),
  ),
  toStorage: (object, fromVersion) => (fromVersion === 'v1' ? rename(object, 'v1', 1, 0) : object),
  fromStorage: (object) => rename(object, 'events.k8s.io/v1', 0, 1),
  validate(object) {
    const view = rename(object, 'events.k8s.io/v1', 0, 1) as unknown as events_v1.Event;
    const errors = problems(object);
    if (!view.eventTime) errors.push({ type: 'FieldValueRequired', field: 'eventTime' });
    for (const key of required) if (!view[key]) errors.push({ type: 'FieldValueRequired', field: key });
    if (view.type !== 'Normal' && view.type !== 'Warning')
      errors.push(invalid('type', view.type ?? '', 'has invalid value: '));
    return errors;
  },
};
