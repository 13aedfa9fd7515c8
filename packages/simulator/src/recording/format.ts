/**
 * A recording: JSON lines, each an object. What is known of a thing comes whole in its first line and in part, what has
 * changed, in later ones. Times are milliseconds since 1970.
 *
 *   {"coracleRecording":1,"t":...}                     a recorder begins (again, if the file was continued)
 *   {"t":...,"node":{"name":...,...}}                  a node, as it is now
 *   {"t":...,"nodeGone":"NAME"}
 *   {"template":1,"value":{...}}                       what equal pods share: metadata and spec, trimmed
 *   {"t":...,"owner":{"uid":...,...}}                  a workload that owns pods
 *   {"t":...,"pod":{"uid":...,...}}                    a pod, or what has changed of it
 *   {"t":...,"podGone":"UID"}
 *   {"t":...,"listed":true}                            all that was there has been told; what follows happened now
 *   {"t":...,"note":"..."}                             what could not be watched
 *   {"t":...,"end":true}                               the recorder was told to stop
 *
 * The last line may be cut: the recorder was killed.
 */
import type { PodTemplate } from '../model/job.ts';

export const recordingVersion = 1;

export interface RecordedRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface RecordedNode {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly unknown[];
  readonly unschedulable?: boolean;
  readonly capacity?: Readonly<Record<string, string>>;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly ready?: boolean;
}

export interface RecordedPod {
  readonly uid: string;
  readonly ns: string;
  readonly name: string;
  readonly created: number;
  readonly template: number;
  /** The controller. */
  readonly owner?: RecordedRef;
  /** Its pod group: `KIND/NAME`. */
  readonly group?: string;
  /** Where it is one of many: which set of its owner's it belongs to. */
  readonly role?: string;
  readonly priority?: number;
  readonly node?: string;
  readonly phase?: string;
  /** When its first container started and its last ended, as the node says: whole seconds. */
  readonly started?: number;
  readonly ended?: number;
  /** Seconds after which it is ended. */
  readonly deadline?: number;
  /** Not placed by a scheduler: a static pod, or one of a daemon set. */
  readonly pinned?: boolean;
  /** Claims on devices, and on volumes, which are not recorded. */
  readonly claims?: number;
  readonly volumes?: number;
}

export interface RecordedOwner extends RecordedRef {
  readonly ns?: string;
  readonly created: number;
  /** Its controller. */
  readonly parent?: RecordedRef;
  /** All its pods run at a time: an Indexed Job with as many completions as parallelism. */
  readonly together?: boolean;
  /** Seconds after which it is ended. */
  readonly deadline?: number;
}

export type RecordedLine =
  | {
      readonly coracleRecording: number;
      readonly t: number;
      readonly server?: string;
      readonly anonymized?: boolean;
    }
  | { readonly t: number; readonly node: RecordedNode }
  | { readonly t: number; readonly nodeGone: string }
  | { readonly template: number; readonly value: PodTemplate }
  | { readonly t: number; readonly owner: RecordedOwner }
  | { readonly t: number; readonly pod: Partial<RecordedPod> & { readonly uid: string } }
  | { readonly t: number; readonly podGone: string }
  | { readonly t: number; readonly listed: true }
  | { readonly t: number; readonly note: string }
  | { readonly t: number; readonly end: true };
