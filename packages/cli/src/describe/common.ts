import { controllerOf, humanDuration, type KubeObject } from '@coracle/machinery';
import { lastApplied } from '../apply-patch.ts';
import { map, type Part, table, type Value } from './text.ts';

/** The lines that every description begins with. */
export function heading({ metadata }: KubeObject): Part[] {
  const { [lastApplied]: _, ...annotations } = metadata.annotations ?? {};
  return [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Labels', map(metadata.labels)],
    ['Annotations', map(annotations, ': ')],
  ];
}

/** Whose it is, and what becomes of it. */
export function ownership(object: KubeObject): Part[] {
  const owner = controllerOf(object);
  const { deletionTimestamp, finalizers } = object.metadata;
  return [
    ['Controlled By', owner && `${owner.kind}/${owner.name}`],
    ['Deleted', deletionTimestamp && time(deletionTimestamp)],
    ['Finalizers', deletionTimestamp && finalizers?.length ? finalizers.join(', ') : undefined],
  ];
}

/** `2026-01-01T00:00:00Z`, or `<none>`. */
export function time(text: string | undefined | null): string {
  return text ?? '<none>';
}

export function age(text: string | undefined | null, now: number): string {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? '<unknown>' : humanDuration(now - at);
}

interface ConditionLike {
  type: string;
  status: string;
  reason?: string | undefined;
  message?: string | undefined;
  lastTransitionTime?: string | undefined;
}

export function conditions(list: readonly ConditionLike[] | undefined, now: number): Value {
  if (!list?.length) return undefined;
  const rows = list.map(({ type, status, lastTransitionTime, reason, message }) => [
    type,
    status,
    age(lastTransitionTime, now),
    reason ?? '',
    message ?? '',
  ]);
  return table(['Type', 'Status', 'Since', 'Reason', 'Message'], rows);
}
