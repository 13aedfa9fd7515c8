import type { Pod, Toleration, Volume } from '@coracle/machinery/api';
import { gpusOf } from '../run/outcome.ts';
import { conditions, heading, ownership, time } from './common.ts';
import { containersPart } from './containers.ts';
import { lines, map, type Part, parts, textOf } from './text.ts';

/** A pod as kubectl users know it, with the GPUs it was given. */
export function describePod(pod: Pod, now: number): Part[] {
  const { spec, status, metadata } = pod;
  const gpus = gpusOf(pod);
  return [
    ...heading(pod),
    ['Priority', spec?.priority],
    ['Priority Class', spec?.priorityClassName],
    ['Service Account', spec?.serviceAccountName],
    ['Node', spec?.nodeName ? `${spec.nodeName}${status?.hostIP ? `/${status.hostIP}` : ''}` : '<none>'],
    ['Start Time', time(status?.startTime)],
    ['Status', metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? 'Pending')],
    ['Reason', status?.reason],
    ['Message', status?.message],
    ['IP', status?.podIP],
    ['GPUs', gpus.length > 0 ? gpus.join(', ') : undefined],
    ...ownership(pod),
    containersPart('Init Containers', spec?.initContainers, status?.initContainerStatuses ?? []),
    containersPart('Containers', spec?.containers, status?.containerStatuses ?? []),
    ['Conditions', conditions(status?.conditions, now)],
    ['Volumes', spec?.volumes?.length ? parts(spec.volumes.map(volumePart)) : '<none>'],
    ['QoS Class', status?.qosClass],
    ['Restart Policy', spec?.restartPolicy],
    ['Node-Selectors', map(spec?.nodeSelector)],
    ['Tolerations', lines((spec?.tolerations ?? []).map(tolerationText))],
  ];
}

function volumePart({ name, ...source }: Volume): Part {
  const [kind, value] = Object.entries(source).find(([, item]) => item !== undefined) ?? ['unknown', {}];
  const fields = Object.entries((value ?? {}) as Record<string, unknown>);
  return [name, parts([['Type', kind], ...fields.map(([field, item]): Part => [field, textOf(item)])])];
}

function tolerationText({ key, operator, value, effect, tolerationSeconds }: Toleration): string {
  const what = `${key ?? '*'}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`;
  const how = operator === 'Exists' ? ' op=Exists' : '';
  return `${what}${how}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`;
}
