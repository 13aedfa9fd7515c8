/**
 * One container of the process runtime as the agent sees it: a view of its files (container-files.ts). It never holds
 * the truth itself, so an agent that died loses nothing. States go one way: starting, running, exited.
 */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@coracle/operator';
import type { ContainerHandle, ContainerState } from '../runtime.ts';
import type { ContainerCgroup } from './cgroups.ts';
import { type ContainerRecord, readFinished, readIdentity, writeAtomically } from './container-files.ts';
import {
  bootId,
  childrenOf,
  isAlive,
  modifiedAt,
  type ProcessIdentity,
  processesMarked,
  signal,
  treeOf,
} from './host-process.ts';
import { LogFiles, LogIndex } from './log-files.ts';

export const markerName = 'CORACLE_CONTAINER_ID';

/**
 * How long the log pump may take to write what is in the pipe after the container has ended: it starts programs of its own, which
 * takes a while on a busy machine, and an end that is told before the last line is a log without it.
 */
const drainMs = 5000;

export class SupervisedContainer implements ContainerHandle {
  readonly record: ContainerRecord;
  readonly folder: string;
  readonly cgroup: ContainerCgroup | undefined;
  readonly logFiles: LogFiles;
  readonly logIndex: LogIndex;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #wakeups = new Set<() => void>();
  #state: ContainerState;
  /** Process 1 of the container in the host's numbering; known once its mounts are made. */
  #first: ProcessIdentity | undefined;
  /** The supervisor; known from its first act. */
  #outside: ProcessIdentity | undefined;
  #watcher: FSWatcher | undefined;
  #cancelNote: (() => void) | undefined;
  #ending = false;

  constructor(
    record: ContainerRecord,
    folder: string,
    cgroup: ContainerCgroup | undefined,
    clock: Clock,
    onChange: () => void,
  ) {
    this.record = record;
    this.folder = folder;
    this.cgroup = cgroup;
    this.#clock = clock;
    this.#onChange = onChange;
    this.logFiles = new LogFiles(folder);
    this.logIndex = new LogIndex(folder);
    this.#state = { phase: 'running', startedAt: record.createdAt };
  }

  get id(): string {
    return this.record.id;
  }
  get podUid(): string {
    return this.record.podUid;
  }
  get name(): string {
    return this.record.name;
  }
  get attempt(): number {
    return this.record.attempt;
  }
  state(): ContainerState {
    return this.#state;
  }
  get exited(): boolean {
    return this.#state.phase === 'exited';
  }
  /** Its own process 1, while it lives. */
  get first(): ProcessIdentity | undefined {
    if (this.#first === undefined) {
      const found = readIdentity(join(this.folder, 'pid'));
      const started = modifiedAt(join(this.folder, 'pid'));
      if (found !== undefined && this.record.bootId === bootId()) {
        this.#first = found;
        if (started !== undefined && this.#state.phase === 'running')
          this.#state = { phase: 'running', startedAt: started };
      }
    }
    return this.#first;
  }
  /** The command's own process: what signals are meant for. */
  get main(): number | undefined {
    const { first } = this;
    return first && isAlive(first) ? childrenOf(first.pid)[0] : undefined;
  }
  get #supervisor(): ProcessIdentity | undefined {
    if (this.record.bootId !== bootId()) return undefined;
    return (this.#outside ??= readIdentity(join(this.folder, 'supervisor')));
  }

  /** Begins to follow the files. */
  follow(): void {
    if (this.exited) return;
    try {
      this.#watcher = watch(this.folder, { persistent: false }, (_event, name) => {
        if (name?.startsWith('log.')) this.#noteSoon();
        else void this.look();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Too many watches: the runtime's regular look finds out.
    }
    this.#note();
  }

  /** Looks at the files: has it started, has it ended? Called on every file event, and regularly in case one was lost. */
  async look(): Promise<void> {
    if (this.exited || this.#ending) return;
    this.#wake();
    this.#noteSoon();
    const status = readFinished(join(this.folder, 'status'));
    if (status !== undefined) {
      this.#ending = true;
      await this.#end(Number(status));
      return;
    }
    const { first } = this;
    const supervisor = this.#supervisor;
    if ([supervisor, first].some((each) => each !== undefined && isAlive(each))) return;
    const sameBoot = this.record.bootId === bootId();
    // Neither lives. Without a supervisor file one may just be starting: whoever waits for the start decides.
    if (supervisor === undefined && first === undefined && sameBoot) return;
    if (readFinished(join(this.folder, 'status')) !== undefined) return this.look();
    this.#ending = true;
    this.killLeftovers();
    this.finish(
      137,
      'ContainerStatusUnknown',
      'The container could not be located when its exit was noticed',
    );
  }

  async #end(code: number): Promise<void> {
    if (this.record.isolation === 'none') this.killLeftovers();
    const drained = join(this.folder, 'drained');
    const limit = this.#clock.now() + drainMs;
    while (readFinished(drained) === undefined && this.#clock.now() < limit) {
      const lives = this.#supervisor;
      if (lives === undefined || !isAlive(lives)) break;
      await this.changed(20);
    }
    const problem = readFinished(join(this.folder, 'error'));
    const complaint = readFinished(join(this.folder, 'unshare.log'));
    if (code === 128 && problem !== undefined) this.finish(128, 'StartError', problem);
    else if (code !== 0 && complaint !== undefined && this.first === undefined)
      this.finish(128, 'StartError', complaint);
    // util-linux 2.38 fails, where it should die as its child did, when a process 1 in a user namespace is killed.
    else if (code === 1 && complaint?.includes('sigprocmask')) this.finish(137, 'Error');
    else if (code === 0) this.finish(0, 'Completed');
    else this.finish(code, (this.cgroup?.oomKills() ?? 0) > 0 ? 'OOMKilled' : 'Error');
  }

  /** Records the end. Also used for a container that could not be started. */
  finish(
    exitCode: number,
    reason: Extract<ContainerState, { phase: 'exited' }>['reason'],
    message?: string,
  ): void {
    if (this.exited) return;
    const written = modifiedAt(join(this.folder, 'status'));
    if (written === undefined) writeAtomically(join(this.folder, 'status'), `${exitCode}\n`);
    const outcome = { reason, message };
    writeAtomically(join(this.folder, 'outcome.json'), JSON.stringify(outcome));
    this.#setExited(exitCode, written ?? this.#clock.now(), reason, message);
    this.#onChange();
  }

  /** Takes over an end that an earlier agent had recorded. */
  restoreEnd(
    exitCode: number,
    outcome: { reason: Extract<ContainerState, { phase: 'exited' }>['reason']; message?: string | undefined },
  ): void {
    void this.first;
    this.#setExited(
      exitCode,
      modifiedAt(join(this.folder, 'status')) ?? this.record.createdAt,
      outcome.reason,
      outcome.message,
    );
  }

  #setExited(
    exitCode: number,
    finishedAt: number,
    reason: Extract<ContainerState, { phase: 'exited' }>['reason'],
    message: string | undefined,
  ): void {
    this.#note();
    this.#watcher?.close();
    this.#cancelNote?.();
    this.#state = {
      phase: 'exited',
      startedAt: this.#state.startedAt,
      finishedAt: Math.max(finishedAt, this.#state.startedAt),
      exitCode,
      reason,
      ...(exitCode > 128 && exitCode <= 192 ? { signal: exitCode - 128 } : {}),
      ...(message === undefined ? {} : { message }),
    };
    this.#wake();
  }

  /** Ends every process of the container, at once. The supervisor stays and writes the exit status. */
  kill(): void {
    this.cgroup?.kill();
    const { first } = this;
    if (first && isAlive(first)) {
      const tree = this.record.isolation === 'none' ? treeOf(first.pid).toReversed() : [first.pid];
      for (const pid of tree) signal(pid, 'SIGKILL');
    } else {
      // Still making its mounts: everything is in the supervisor's process group.
      const supervisor = this.#supervisor;
      if (supervisor && isAlive(supervisor)) signal(-supervisor.pid, 'SIGKILL');
    }
    this.killLeftovers();
  }

  /** Processes that left the tree: by cgroup, and without namespaces by the variable each was born with. */
  killLeftovers(): void {
    this.cgroup?.kill();
    if (this.record.isolation !== 'none') return;
    for (const pid of processesMarked(`${markerName}=${this.id}`)) signal(pid, 'SIGKILL');
  }

  /** Ends the supervisor too; only when the container is being removed. */
  killSupervisor(): void {
    const supervisor = this.#supervisor;
    if (supervisor && isAlive(supervisor)) signal(-supervisor.pid, 'SIGKILL');
  }

  get supervised(): boolean {
    const supervisor = this.#supervisor;
    return supervisor !== undefined && isAlive(supervisor);
  }

  /** Resolves at the next sign of change, or after `milliseconds`. */
  changed(milliseconds: number, abort?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#wakeups.delete(done);
        abort?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(milliseconds, done);
      this.#wakeups.add(done);
      abort?.addEventListener('abort', done, { once: true });
    });
  }

  #wake(): void {
    for (const wake of this.#wakeups) wake();
  }

  #noteSoon(): void {
    this.#cancelNote ??= this.#clock.after(this.logIndex.pause, () => {
      this.#cancelNote = undefined;
      this.#note();
    });
  }

  #note(): void {
    const { end } = this.logFiles.extent();
    if (end <= this.logIndex.end) return;
    this.logIndex.note(end, this.#clock.now());
    this.#wake();
  }

  /** Stops following. The container goes on. */
  close(): void {
    this.#watcher?.close();
    this.#cancelNote?.();
    this.#wake();
  }
}
