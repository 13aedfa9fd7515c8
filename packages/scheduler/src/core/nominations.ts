/**
 * Pods that wait for the victims of a preemption to leave: the node is kept for them against pods of the same or lower
 * priority.
 */
import type { PodInfo } from './pod-info.ts';

/** Changes remembered by node. */
const maxChanges = 4096;

interface Nomination {
  readonly info: PodInfo;
  readonly nodeName: string;
}

export class Nominations {
  readonly #byUid = new Map<string, Nomination>();
  readonly #byNode = new Map<string, Map<string, Nomination>>();
  /** Names of nodes whose nominations changed, the last of them; that of change `n` is at `n` modulo its length. */
  readonly #changes: string[] = [];
  #version = 0;

  get size(): number {
    return this.#byUid.size;
  }

  set(info: PodInfo, nodeName: string): void {
    this.delete(info.uid);
    const nomination = { info, nodeName };
    this.#byUid.set(info.uid, nomination);
    let onNode = this.#byNode.get(nodeName);
    if (!onNode) this.#byNode.set(nodeName, (onNode = new Map()));
    onNode.set(info.uid, nomination);
    this.#note(nodeName);
  }

  delete(uid: string): void {
    const nomination = this.#byUid.get(uid);
    if (!nomination) return;
    this.#byUid.delete(uid);
    const onNode = this.#byNode.get(nomination.nodeName);
    onNode?.delete(uid);
    if (onNode?.size === 0) this.#byNode.delete(nomination.nodeName);
    this.#note(nomination.nodeName);
  }

  nodeOf(uid: string): string | undefined {
    return this.#byUid.get(uid)?.nodeName;
  }

  /** Nodes that are kept for somebody. */
  get nodeCount(): number {
    return this.#byNode.size;
  }
  nodeNames(): Iterable<string> {
    return this.#byNode.keys();
  }

  anyOn(nodeName: string): boolean {
    return this.#byNode.has(nodeName);
  }

  /** Changes so far. */
  get version(): number {
    return this.#version;
  }

  /** Names of the nodes whose nominations changed after `version`, perhaps more than once; undefined: too many to say. */
  changedSince(version: number): string[] | undefined {
    if (this.#version - version > maxChanges) return undefined;
    const names: string[] = [];
    for (let n = version; n < this.#version; n++) names.push(this.#changes[n % maxChanges]!);
    return names;
  }

  #note(nodeName: string): void {
    this.#changes[this.#version++ % maxChanges] = nodeName;
  }

  /** Pods nominated to the node that `pod` must leave room for: others of at least its priority. */
  ahead(nodeName: string, pod: PodInfo): PodInfo[] {
    const result: PodInfo[] = [];
    for (const { info } of this.#byNode.get(nodeName)?.values() ?? []) {
      if (info.uid !== pod.uid && info.priority >= pod.priority) result.push(info);
    }
    return result;
  }
}
