/**
 * From what a cluster's watches tell to the lines of a recording. Pure: time comes in with each event. It remembers one short
 * text for each thing that exists, to write only what has changed, and drops it when the thing is gone.
 */
import type { KubeObject } from '@coracle/machinery';
import type { Node, Pod } from '@coracle/machinery/api';
import { recordingVersion, type RecordedLine, type RecordedOwner } from './format.ts';
import { Names } from './names.ts';
import { trimNode } from './trim-node.ts';
import { controllerOf, timeOf, trimPod } from './trim-pod.ts';

export interface RecorderOptions {
  readonly write: (line: RecordedLine) => void;
  readonly names?: Names;
}

/** Templates remembered; when there are more, they are forgotten and written again. */
const mostTemplates = 20_000;

export class Recorder {
  readonly #write: (line: RecordedLine) => void;
  readonly #names: Names;
  /** By name: as last written. */
  readonly #nodes = new Map<string, string>();
  /** By uid: as last written, and the template's number. */
  readonly #pods = new Map<string, Readonly<Record<string, unknown>>>();
  /** By uid: as last written. */
  readonly #owners = new Map<string, string>();
  readonly #templates = new Map<string, number>();
  #lastTemplate = 0;
  #lines = 0;

  constructor({ write, names = new Names() }: RecorderOptions) {
    this.#names = names;
    this.#write = (line) => {
      this.#lines += 1;
      write(line);
    };
  }

  get counts(): {
    readonly nodes: number;
    readonly pods: number;
    readonly owners: number;
    readonly lines: number;
  } {
    return { nodes: this.#nodes.size, pods: this.#pods.size, owners: this.#owners.size, lines: this.#lines };
  }

  begin(t: number, server?: string): void {
    const about = this.#names.hashed ? { anonymized: true } : server === undefined ? {} : { server };
    this.#write({ coracleRecording: recordingVersion, t, ...about });
  }
  listed(t: number): void {
    this.#write({ t, listed: true });
  }
  note(t: number, note: string): void {
    this.#write({ t, note });
  }
  end(t: number): void {
    this.#write({ t, end: true });
  }

  node(t: number, node: Node): void {
    const trimmed = trimNode(node, this.#names);
    const text = JSON.stringify(trimmed);
    const key = node.metadata.name ?? '';
    if (this.#nodes.get(key) === text) return;
    this.#nodes.set(key, text);
    this.#write({ t, node: trimmed });
  }
  nodeGone(t: number, node: Node | string): void {
    const name = typeof node === 'string' ? node : (node.metadata.name ?? '');
    if (this.#nodes.delete(name)) this.#write({ t, nodeGone: this.#names.name(name) });
  }

  pod(t: number, pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const before = this.#pods.get(uid);
    const { template, facts } = trimPod(pod, this.#names);
    const number = this.#template(template);
    const now: Record<string, unknown> = { ...facts, template: number };
    const changed: Record<string, unknown> = { uid };
    for (const [field, value] of Object.entries(now)) {
      if (!before || !same(before[field], value)) changed[field] = value;
    }
    if (before && Object.keys(changed).length === 1) return;
    this.#pods.set(uid, before ? { ...before, ...now } : now);
    this.#write({ t, pod: changed as { uid: string } });
  }
  podGone(t: number, pod: Pod | string): void {
    const uid = typeof pod === 'string' ? pod : (pod.metadata.uid ?? '');
    // Its last state, with the end of its containers, may come only with the deletion.
    if (typeof pod !== 'string' && this.#pods.has(uid)) this.pod(t, pod);
    if (this.#pods.delete(uid)) this.#write({ t, podGone: uid });
  }

  owner(t: number, kind: string, apiVersion: string, object: KubeObject): void {
    const { metadata } = object;
    const uid = metadata.uid ?? '';
    const parent = controllerOf(metadata.ownerReferences, this.#names);
    const { spec } = object as { spec?: JobSpec };
    const owner: RecordedOwner = {
      uid,
      kind,
      apiVersion,
      name: this.#names.name(metadata.name ?? ''),
      ...(metadata.namespace ? { ns: this.#names.name(metadata.namespace) } : {}),
      created: timeOf(metadata.creationTimestamp) ?? t,
      ...(parent ? { parent } : {}),
      ...(kind === 'Job' && runsTogether(spec) ? { together: true } : {}),
      ...(typeof spec?.activeDeadlineSeconds === 'number' ? { deadline: spec.activeDeadlineSeconds } : {}),
    };
    const text = JSON.stringify(owner);
    if (this.#owners.get(uid) === text) return;
    this.#owners.set(uid, text);
    this.#write({ t, owner });
  }
  /** Nothing is written: its pods say when it is over. */
  ownerGone(object: KubeObject | string): void {
    this.#owners.delete(typeof object === 'string' ? object : (object.metadata.uid ?? ''));
  }

  #template(template: object): number {
    const text = JSON.stringify(template);
    let number = this.#templates.get(text);
    if (number === undefined) {
      if (this.#templates.size >= mostTemplates) this.#templates.clear();
      number = this.#lastTemplate += 1;
      this.#templates.set(text, number);
      this.#write({ template: number, value: template as never });
    }
    return number;
  }
}

interface JobSpec {
  readonly completionMode?: string;
  readonly completions?: number;
  readonly parallelism?: number;
  readonly activeDeadlineSeconds?: number;
}

/** As the engine's `--gang-jobs` takes it: pods with an index that all run at a time can only work together. */
function runsTogether(spec: JobSpec | undefined): boolean {
  if (spec?.completionMode !== 'Indexed') return false;
  return (spec.parallelism ?? 1) > 1 && spec.completions === spec.parallelism;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
