/** Watches a cluster into a recorder, reading only: one loop a kind (follower.ts). */
import type { Client } from '@coracle/client';
import { apiVersionOf, ApiError, type KubeObject, type ResourceType } from '@coracle/machinery';
import { Node, Pod } from '@coracle/machinery/api';
import type { Clock } from '@coracle/operator';
import { Follower, type Followed } from './follower.ts';
import { workloadKinds } from './kinds.ts';
import type { Recorder } from './recorder.ts';

export interface RecordProgress {
  readonly nodes: number;
  readonly pods: number;
  readonly owners: number;
  readonly lines: number;
}

export interface RecordOptions {
  readonly client: Client;
  readonly recorder: Recorder;
  readonly clock: Clock;
  /** 0 <= random() < 1; jitter of back-off. */
  readonly random: () => number;
  /** Aborted: the recording ends well. */
  readonly signal: AbortSignal;
  /** Only this namespace. Default: all. */
  readonly namespace?: string | undefined;
  /** For the recording's head. */
  readonly server?: string;
  /** What could not be read, for people; it stands in the recording too. */
  readonly onNote?: (note: string) => void;
  /** Everything that was there is in the recording. */
  readonly onListed?: (progress: RecordProgress) => void;
  /** Resolves when there is room for more. Default: there always is. */
  readonly drained?: () => Promise<void>;
}

/** Resolves when the signal aborts. Rejects with ApiError or ConnectionError if the first look at pods or nodes fails. */
export async function recordCluster(options: RecordOptions): Promise<void> {
  const { recorder, clock, signal } = options;
  recorder.begin(clock.now(), options.server);
  const served = await servedVersions(options);
  const followers = followedBy(recorder)
    .filter(({ type, needed }) => needed || served === undefined || served.has(apiVersionOf(type)))
    .map((followed) => new Follower(followed, options));
  const there = await Promise.all(followers.map((follower) => follower.begin()));
  if (!signal.aborted) {
    recorder.listed(clock.now());
    options.onListed?.(recorder.counts);
    await Promise.all(followers.filter((_, i) => there[i]).map((follower) => follower.follow()));
  }
  recorder.end(clock.now());
}

/**
 * `batch/v1` and so on. Undefined: the server does not say, and everything is tried. Who may not read much is told "forbidden" of kinds
 * that are not there, too; this keeps such notes away.
 */
async function servedVersions({ client, signal }: RecordOptions): Promise<ReadonlySet<string> | undefined> {
  try {
    const { groups } = await client.getPath<{
      groups?: readonly { versions?: readonly { groupVersion: string }[] }[];
    }>('/apis', { signal });
    if (!groups) return undefined;
    return new Set(groups.flatMap(({ versions = [] }) => versions.map(({ groupVersion }) => groupVersion)));
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) return undefined;
    throw error;
  }
}

function followedBy(recorder: Recorder): Followed[] {
  const uid = ({ metadata }: KubeObject): string => metadata.uid ?? '';
  return [
    {
      type: Node as ResourceType<KubeObject>,
      needed: true,
      seen: (t, node) => recorder.node(t, node as Node),
      gone: (t, node) => recorder.nodeGone(t, node as Node | string),
      keyOf: ({ metadata }) => metadata.name ?? '',
    },
    ...workloadKinds.map(({ type }) => ({
      type,
      needed: false,
      seen: (t: number, object: KubeObject) => recorder.owner(t, type.kind, apiVersionOf(type), object),
      gone: (_: number, object: KubeObject | string) => recorder.ownerGone(object),
      keyOf: uid,
    })),
    {
      type: Pod as ResourceType<KubeObject>,
      needed: true,
      seen: (t, pod) => recorder.pod(t, pod as Pod),
      gone: (t, pod) => recorder.podGone(t, pod as Pod | string),
      keyOf: uid,
    },
  ];
}
