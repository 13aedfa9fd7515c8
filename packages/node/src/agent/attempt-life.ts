/** A running container: its start hook, its probes, and whether it must be killed. */
import type { Container, LifecycleHandler, Probe } from '@coracle/machinery/api';
import type { Clock } from '@coracle/operator';
import { ContainerProbes, type ProbeState } from '../pod/probes.ts';
import type { ContainerHandle, Runtime } from '../runtime.ts';
import { httpGet, portOf, probeOnce, tcp } from './probe-actions.ts';

export interface LifeEvents {
  podIP(): string;
  changed(): void;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** What an earlier agent reported of this container: its start hook has run. */
  known: ProbeState | undefined;
}

const titles = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const;

export class AttemptLife {
  readonly #deps: { clock: Clock; runtime: Runtime };
  readonly #container: Container;
  readonly #handle: ContainerHandle;
  readonly #events: LifeEvents;
  readonly #probes: ContainerProbes;
  #hooked: boolean;
  #condemned: { why: string; graceSeconds?: number | undefined } | undefined;
  #closed = false;

  constructor(
    deps: { clock: Clock; runtime: Runtime },
    container: Container,
    handle: ContainerHandle,
    events: LifeEvents,
  ) {
    this.#deps = deps;
    this.#container = container;
    this.#handle = handle;
    this.#events = events;
    this.#hooked = container.lifecycle?.postStart === undefined || events.known !== undefined;
    this.#probes = new ContainerProbes(
      container,
      handle.state().startedAt,
      {
        clock: deps.clock,
        prober: (_container, probe) => this.#probe(probe),
        failed: (kind, output) =>
          events.event('Warning', 'Unhealthy', `${titles[kind]} probe failed: ${output}`),
        changed: () => events.changed(),
        unhealthy: (kind, probe) =>
          this.#condemn(
            `Container ${container.name} failed ${kind} probe, will be restarted`,
            probe.terminationGracePeriodSeconds,
          ),
      },
      events.known,
    );
  }

  get started(): boolean {
    return this.#hooked && this.#probes.state.started;
  }
  get ready(): boolean {
    return this.started && this.#probes.state.ready;
  }
  /** Why it must be killed. */
  get condemned(): { why: string; graceSeconds?: number | undefined } | undefined {
    return this.#condemned;
  }

  begin(): void {
    if (this.#hooked) this.#probes.begin();
    else void this.#postStart();
  }

  async #postStart(): Promise<void> {
    const hook = this.#container.lifecycle?.postStart;
    try {
      if (hook !== undefined) await this.#hook(hook, 30 * 60_000);
      this.#hooked = true;
      if (!this.#closed) this.#probes.begin();
      this.#events.changed();
    } catch (error) {
      if (this.#closed) return;
      this.#events.event(
        'Warning',
        'FailedPostStartHook',
        `PostStartHook failed: ${(error as Error).message}`,
      );
      this.#condemn(`FailedPostStartHook of container ${this.#container.name}`);
    }
  }

  /** Runs the stop hook, for as long as the grace period at most. */
  async preStop(graceMs: number): Promise<void> {
    const hook = this.#container.lifecycle?.preStop;
    if (hook === undefined) return;
    try {
      await this.#hook(hook, graceMs);
    } catch (error) {
      this.#events.event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${(error as Error).message}`);
    }
  }

  #condemn(why: string, graceSeconds?: number): void {
    this.#condemned = { why, graceSeconds };
    this.#events.changed();
  }

  async #hook(hook: LifecycleHandler, timeoutMs: number): Promise<void> {
    const { runtime, clock } = this.#deps;
    const podIP = this.#events.podIP();
    if (hook.exec !== undefined) {
      const { exitCode, output } = await runtime.execSync(
        this.#handle.id,
        hook.exec.command ?? [],
        timeoutMs,
      );
      if (exitCode !== 0) throw new Error(`command exited with ${exitCode}: ${output}`);
    } else if (hook.httpGet !== undefined) {
      const { code } = await httpGet(this.#container, hook.httpGet, podIP, timeoutMs);
      if (code >= 400) throw new Error(`HTTP status ${code}`);
    } else if (hook.tcpSocket !== undefined) {
      const { host = podIP, port } = hook.tcpSocket;
      await tcp(host, portOf(this.#container, port), timeoutMs);
    } else if (hook.sleep !== undefined) {
      const milliseconds = Math.min(timeoutMs, hook.sleep.seconds * 1000);
      await new Promise<void>((resolve) => clock.after(milliseconds, resolve));
    }
  }

  #probe(probe: Probe): ReturnType<typeof probeOnce> {
    return probeOnce(this.#container, probe, {
      podIP: this.#events.podIP(),
      exec: (command, timeoutMs) => this.#deps.runtime.execSync(this.#handle.id, command, timeoutMs),
    });
  }

  stopProbes(): void {
    this.#probes.stop();
  }

  close(): void {
    this.#closed = true;
    this.#probes.stop();
  }
}
