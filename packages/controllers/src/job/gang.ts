/**
 * Jobs as gangs, as Kubernetes 1.36 does behind the gate WorkloadWithJob (off by default, there and here): a Job whose pods
 * can only work together (Indexed, as many completions as pods at a time, more than one) gets a Workload with one template
 * and a PodGroup made of it, before its first pod; its pods name the group.
 *
 * A Job that has started without a group never gets one, and one whose pods name a group already, or which another
 * controller owns, is left to whoever made it.
 */
import { isReason, type Draft } from '@coracle/machinery';
import { Job, PodGroup, Workload } from '@coracle/machinery/api';
import type { OwnerReference, Pod } from '@coracle/machinery/api';
import type { Informer } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { controllerReference } from '../lib/claim.ts';
import { isIndexed } from './pods.ts';

const index = 'controlledBy';

export class JobGangs {
  readonly #deps: ComponentDeps;
  readonly #groups: Informer<PodGroup>;
  /** Groups made here that the cache may not show yet: uid of the Job -> name. */
  readonly #made = new Map<string, string>();

  constructor(deps: ComponentDeps) {
    this.#deps = deps;
    this.#groups = deps.informers.informer(PodGroup);
    this.#groups.addIndex(index, ({ metadata }) =>
      (metadata.ownerReferences ?? []).filter((ref) => ref.controller).map(({ uid }) => uid),
    );
    // Seen: the index knows it from here on.
    this.#groups.on({
      add: ({ metadata }) => {
        for (const { uid } of metadata.ownerReferences ?? []) this.#made.delete(uid);
      },
    });
  }

  /** To be synced before Jobs are looked at. */
  get informer(): Informer<PodGroup> {
    return this.#groups;
  }

  /** The group that the Job's pods are in, made if the Job is new. Undefined: they are in none. */
  async groupOf(job: Job, pods: readonly Pod[]): Promise<string | undefined> {
    if (!isGang(job)) return undefined;
    const { uid } = job.metadata;
    const known = this.#groups.byIndex(index, uid)[0]?.metadata.name ?? this.#made.get(uid);
    if (known !== undefined || !isNew(job, pods)) return known;
    const name = await this.#make(job);
    this.#made.set(uid, name);
    return name;
  }

  async #make(job: Job): Promise<string> {
    const { client, recorder } = this.#deps;
    const { namespace, name } = job.metadata;
    const template = templateOf(job);
    const owner = controllerReference(Job, job);
    const hash = shortHash(job.metadata.uid);
    const workloadName = `${name.slice(0, 252 - hash.length)}-${hash}`;
    const workload = await this.#create(Workload, {
      metadata: { name: workloadName, namespace, ownerReferences: [owner] },
      spec: {
        controllerRef: { apiGroup: Job.group, kind: Job.kind, name },
        podGroupTemplates: [template],
      },
    });
    const link: OwnerReference = {
      apiVersion: `${Workload.group}/${Workload.version}`,
      kind: Workload.kind,
      name: workloadName,
      uid: workload.metadata.uid,
    };
    const { name: podGroupTemplateName, ...rest } = template;
    const groupName = groupNameOf(workloadName, podGroupTemplateName);
    const known = await client.get(PodGroup, groupName, { namespace }).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    });
    if (known) return groupName;
    await this.#create(PodGroup, {
      metadata: { name: groupName, namespace, ownerReferences: [owner, link] },
      spec: { podGroupTemplateRef: { workload: { workloadName, podGroupTemplateName } }, ...rest },
    });
    recorder.event(job, 'Normal', 'PodGroupCreated', `Created PodGroup ${groupName} for Job ${name}`);
    return groupName;
  }

  /** Names follow from the Job, so that one killed in between finds what it has made. */
  async #create<T extends Workload | PodGroup>(
    type: Parameters<ComponentDeps['client']['create']>[0] & { __shape?: T },
    draft: Draft<T>,
  ): Promise<T> {
    const { client } = this.#deps;
    const { name, namespace } = draft.metadata as { name: string; namespace?: string };
    try {
      return (await client.create(type as never, draft as never, { namespace })) as T;
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      return (await client.get(type as never, name, { namespace })) as T;
    }
  }
}

/** The pods as members of the group. */
export function inGroup(pods: readonly Draft<Pod>[], podGroupName: string): Draft<Pod>[] {
  return pods.map((pod) => {
    if (!pod.spec) return pod;
    return { ...pod, spec: { ...pod.spec, schedulingGroup: { podGroupName } } };
  });
}

function isGang(job: Job): boolean {
  const { parallelism = 1, completions, template } = job.spec ?? {};
  return (
    isIndexed(job) &&
    parallelism > 1 &&
    completions === parallelism &&
    template?.spec?.schedulingGroup === undefined &&
    !job.metadata.ownerReferences?.some((ref) => ref.controller)
  );
}

function isNew({ status }: Job, pods: readonly Pod[]): boolean {
  return (
    pods.length === 0 &&
    !status?.succeeded &&
    !status?.failed &&
    !status?.conditions?.some(({ type }) => type === 'Suspended')
  );
}

function templateOf({ metadata, spec }: Job): Workload['spec']['podGroupTemplates'][number] {
  const priorityClassName = spec?.template?.spec?.priorityClassName;
  return {
    name: `${metadata.name.slice(0, 57)}-pgt-0`,
    schedulingPolicy: { gang: { minCount: spec?.parallelism ?? 1 } },
    ...(priorityClassName ? { priorityClassName } : {}),
  };
}

/** Longest name of an object. */
const longest = 253;

function groupNameOf(workload: string, template: string): string {
  const hash = shortHash(`${workload}${template}`);
  return `${`${workload}-${template}`.slice(0, longest - hash.length - 1)}-${hash}`;
}

/** FNV-1, 32 bits, in letters and digits that make no words. */
function shortHash(text: string): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash, 0x01000193) ^ byte;
  return String(hash >>> 0)
    .split('')
    .map((digit) => letters[digit.charCodeAt(0) % letters.length])
    .join('');
}
