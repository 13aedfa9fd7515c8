/** From a recording to a cluster and the jobs that ran on it. */
import { InputError } from '../inputs/input-error.ts';
import type { Input } from '../inputs/input.ts';
import { linesOf } from '../inputs/lines.ts';
import { baseName } from '../inputs/names.ts';
import { Notes } from '../inputs/notes.ts';
import type { TextSource } from '../inputs/text-source.ts';
import { workloadOf } from '../inputs/workload.ts';
import type { PodTemplate } from '../model/job.ts';
import { problemOf } from './check-line.ts';
import type { RecordedLine, RecordedOwner, RecordedPod } from './format.ts';
import { finer } from './finer.ts';
import { recordedJobs } from './recorded-jobs.ts';
import { RecordedNodes, runsOn } from './recorded-nodes.ts';

export interface RecordingOptions {
  /**
   * What is taken for the length of a job that had not ended when the recording did. `forever` (default): it never ends. `observed`: it
   * ends when the recording does; one that never ran is left out.
   */
  readonly stillRunning?: 'forever' | 'observed';
}

/** A pod over the whole recording. */
export interface PodHistory {
  readonly facts: RecordedPod;
  readonly line: number;
  /** It was there when the recorder began. */
  readonly before: boolean;
  /** When it was seen first, seen running, seen ended, seen no more; NaN: it never was. */
  readonly seenMs: number;
  readonly runningMs: number;
  /** When it was seen to have a node; NaN: it had one when the recorder began, or never. */
  readonly boundMs: number;
  readonly endedMs: number;
  readonly goneMs: number;
}

export interface History {
  readonly pods: ReadonlyMap<string, PodHistory>;
  readonly owners: ReadonlyMap<string, RecordedOwner>;
  readonly templates: ReadonlyMap<string, PodTemplate>;
  readonly beginMs: number;
  readonly endMs: number;
}

/** Time 0 is when the recorder began. Throws InputError. A cut last line is noted. */
export function readRecording(source: TextSource, options: RecordingOptions = {}): Input {
  const notes = new Notes();
  const reader = new Reader(source, notes);
  reader.read();
  const name = baseName(source.name);
  const history = reader.history();
  const jobs = recordedJobs(history, notes, options);
  const cluster = reader.nodes.cluster(name, history);
  const workload = workloadOf(name, source.name, jobs, notes.all());
  return {
    format: 'recording',
    workload,
    cluster,
    notes: notes.all(),
    epochMs: history.beginMs,
  };
}

interface MutablePod {
  facts: RecordedPod;
  line: number;
  before: boolean;
  seenMs: number;
  runningMs: number;
  boundMs: number;
  endedMs: number;
  goneMs: number;
}

class Reader {
  readonly #source: TextSource;
  readonly #notes: Notes;
  readonly nodes: RecordedNodes;
  readonly #pods = new Map<string, MutablePod>();
  readonly #owners = new Map<string, RecordedOwner>();
  /** By session and number. */
  readonly #templates = new Map<string, PodTemplate>();
  readonly #shared = new Map<string, PodTemplate>();
  #session = 0;
  #beginMs = NaN;
  #lastMs = NaN;
  /** Everything told until all was listed was there before; after a recorder began anew too, unless it was known. */
  #listing = true;
  /** Of this session, to find what went away between two. */
  readonly #seen = new Set<string>();
  readonly #seenNodes = new Set<string>();
  #line = 0;

  constructor(source: TextSource, notes: Notes) {
    this.#source = source;
    this.#notes = notes;
    this.nodes = new RecordedNodes(notes);
  }

  read(): void {
    let pending: { text: string; line: number; error: Error } | undefined;
    for (const text of linesOf(this.#source)) {
      this.#line += 1;
      if (text === '') continue;
      if (pending) throw this.#bad(pending.error.message, pending.line);
      let line: RecordedLine;
      try {
        line = JSON.parse(text) as RecordedLine;
      } catch (error) {
        // Only the last line may be cut.
        pending = { text, line: this.#line, error: error as Error };
        continue;
      }
      const problem = problemOf(line);
      if (problem !== undefined) throw this.#bad(problem, this.#line);
      this.#take(line);
    }
    if (pending)
      this.#notes.skipped('the last line is cut: the recorder was stopped in the middle', pending.line);
    if (Number.isNaN(this.#beginMs))
      throw new InputError(this.#source.name, 'is no recording: no recorder began');
  }

  #bad(problem: string, line: number): InputError {
    return new InputError(this.#source.name, `is no line of a recording: ${problem}`, { line });
  }

  #take(line: RecordedLine): void {
    if ('t' in line && typeof line.t === 'number') {
      // A clock that is set back must not turn the order around.
      this.#lastMs = Number.isNaN(this.#lastMs) ? line.t : Math.max(this.#lastMs, line.t);
    }
    if ('coracleRecording' in line) this.#begin(line.coracleRecording);
    else if (Number.isNaN(this.#beginMs))
      throw this.#bad('the first line must say that it is one', this.#line);
    else if ('template' in line) this.#template(line);
    else if ('node' in line) {
      this.#seenNodes.add(line.node.name);
      this.nodes.seen(line.node, this.#lastMs, this.#line, !(this.#listing && this.#session === 1));
    } else if ('nodeGone' in line) this.#nodeGone(line.nodeGone);
    else if ('owner' in line) this.#owner(line.owner);
    else if ('pod' in line) this.#pod(line.pod);
    else if ('podGone' in line) this.#gone(line.podGone);
    else if ('listed' in line) this.#listed();
    else if ('note' in line) this.#notes.mended(`the recorder noted: ${line.note}`, this.#line);
    // Lines of later versions that are not known here are passed over.
  }

  #begin(version: number): void {
    if (version !== 1) throw this.#bad(`version ${String(version)} is not known here; 1 is`, this.#line);
    this.#session += 1;
    if (Number.isNaN(this.#beginMs)) this.#beginMs = this.#lastMs;
    else
      this.#notes.mended(
        'the recorder was stopped and began again: what happened in between is seen late',
        this.#line,
      );
    this.#listing = true;
    this.#seen.clear();
    this.#seenNodes.clear();
  }

  #listed(): void {
    this.#listing = false;
    if (this.#session === 1) return;
    // Whoever may not list nodes sees none of them go.
    if (this.#seenNodes.size > 0) {
      for (const name of this.nodes.there()) if (!this.#seenNodes.has(name)) this.#nodeGone(name);
    }
    for (const [uid, pod] of this.#pods) {
      if (Number.isNaN(pod.goneMs) && !this.#seen.has(uid)) pod.goneMs = this.#lastMs;
    }
  }

  #template({ template, value }: { template: number; value: PodTemplate }): void {
    const text = JSON.stringify(value);
    let shared = this.#shared.get(text);
    if (!shared) this.#shared.set(text, (shared = value));
    this.#templates.set(`${this.#session} ${template}`, shared);
  }

  /** What runs on a node that goes away has ended with it, though the cluster may take minutes to say so. */
  #nodeGone(name: string): void {
    let busy = false;
    for (const pod of this.#pods.values()) {
      if (!runsOn(pod, name)) continue;
      busy = true;
      pod.goneMs = this.#lastMs;
    }
    this.nodes.gone(name, this.#lastMs, busy, this.#line);
  }

  #owner(owner: RecordedOwner): void {
    // As with pods: the server's time is of whole seconds, the moment it was seen is finer.
    const seen = this.#owners.get(owner.uid)?.created ?? (this.#listing ? owner.created : this.#lastMs);
    this.#owners.set(owner.uid, { ...owner, created: finer(owner.created, seen) });
  }

  #pod(pod: Partial<RecordedPod> & { readonly uid: string }): void {
    const { uid } = pod;
    this.#seen.add(uid);
    let known = this.#pods.get(uid);
    const first = known === undefined;
    const wasBound = known?.facts.node !== undefined;
    if (pod.template !== undefined && !this.#templates.has(`${this.#session} ${pod.template}`)) {
      throw this.#bad(`there is no template ${pod.template} before it`, this.#line);
    }
    const template = pod.template === undefined ? {} : { template: `${this.#session} ${pod.template}` };
    if (!known) {
      if (pod.template === undefined || pod.ns === undefined || pod.created === undefined) {
        throw this.#bad('the first line of a pod lacks its template, namespace or creation', this.#line);
      }
      known = {
        facts: { ...pod, ...template } as unknown as RecordedPod,
        line: this.#line,
        before: this.#listing && this.#session === 1,
        seenMs: this.#lastMs,
        runningMs: NaN,
        boundMs: NaN,
        endedMs: NaN,
        goneMs: NaN,
      };
      this.#pods.set(uid, known);
    } else known.facts = { ...known.facts, ...pod, ...template } as unknown as RecordedPod;
    const { phase, node } = known.facts;
    if (node !== undefined && !wasBound && !(known.before && first)) known.boundMs = this.#lastMs;
    if (phase === 'Running' && Number.isNaN(known.runningMs)) known.runningMs = this.#lastMs;
    if ((phase === 'Succeeded' || phase === 'Failed') && Number.isNaN(known.endedMs))
      known.endedMs = this.#lastMs;
  }

  #gone(uid: string): void {
    const known = this.#pods.get(uid);
    if (known && Number.isNaN(known.goneMs)) known.goneMs = this.#lastMs;
  }

  history(): History {
    return {
      pods: this.#pods,
      owners: this.#owners,
      templates: this.#templates,
      beginMs: this.#beginMs,
      endMs: this.#lastMs,
    };
  }
}
