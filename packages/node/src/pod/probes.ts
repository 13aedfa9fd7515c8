/** Probes: asks a container how it is, again and again, and tells when the answer has changed for good. */
import type { Container, Probe } from '@coracle/machinery/api';
import type { Clock } from '@coracle/operator';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';
export interface ProbeAnswer {
  ok: boolean;
  /** What it said, for the event. */
  output: string;
}
/** Carries out one probe; never rejects. */
type Prober = (container: Container, probe: Probe) => Promise<ProbeAnswer>;

export interface ProbeState {
  /** The startup probe has passed, or there is none. */
  started: boolean;
  ready: boolean;
}

export interface ProberDeps {
  clock: Clock;
  prober: Prober;
  /** A probe failed; for an Unhealthy event. */
  failed(kind: ProbeKind, output: string): void;
  /** `state` has changed. */
  changed(): void;
  /** The container must be killed: its liveness or startup probe failed for good. */
  unhealthy(kind: 'liveness' | 'startup', probe: Probe): void;
}

/** The probes of one running container. Liveness and readiness wait for startup. */
export class ContainerProbes {
  readonly #deps: ProberDeps;
  readonly #container: Container;
  readonly #startedAt: number;
  readonly #cancels = new Set<() => void>();
  #stopped = false;
  readonly state: ProbeState;

  /** `known`: what an earlier agent had found out of this very container. */
  constructor(container: Container, startedAt: number, deps: ProberDeps, known?: ProbeState) {
    this.#container = container;
    this.#startedAt = startedAt;
    this.#deps = deps;
    this.state = {
      started: known?.started ?? container.startupProbe === undefined,
      ready: known?.ready ?? container.readinessProbe === undefined,
    };
  }

  begin(): void {
    const { startupProbe } = this.#container;
    if (startupProbe !== undefined && !this.state.started) this.#run('startup', startupProbe);
    else this.#runOthers();
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  #runOthers(): void {
    const { livenessProbe, readinessProbe } = this.#container;
    if (livenessProbe !== undefined) this.#run('liveness', livenessProbe);
    if (readinessProbe !== undefined) this.#run('readiness', readinessProbe);
  }

  #run(kind: ProbeKind, probe: Probe): void {
    const { clock } = this.#deps;
    const period = Math.max(1, probe.periodSeconds ?? 10) * 1000;
    let good = 0;
    let bad = 0;
    const again = (after: number): void => {
      if (this.#stopped) return;
      const cancel = clock.after(after, () => {
        this.#cancels.delete(cancel);
        void once();
      });
      this.#cancels.add(cancel);
    };
    const once = async (): Promise<void> => {
      const answer = await this.#deps.prober(this.#container, probe);
      if (this.#stopped) return;
      good = answer.ok ? good + 1 : 0;
      bad = answer.ok ? 0 : bad + 1;
      if (!answer.ok) this.#deps.failed(kind, answer.output);
      if (good >= (probe.successThreshold ?? 1) && this.#pass(kind)) return;
      if (bad >= (probe.failureThreshold ?? 3) && this.#fail(kind, probe)) return;
      again(period);
    };
    const age = clock.now() - this.#startedAt;
    again(Math.max(0, (probe.initialDelaySeconds ?? 0) * 1000 - age));
  }

  /** Returns true when this probe is done with. */
  #pass(kind: ProbeKind): boolean {
    if (kind === 'startup') {
      this.state.started = true;
      this.#runOthers();
      this.#deps.changed();
      return true;
    }
    if (kind === 'readiness' && !this.state.ready) {
      this.state.ready = true;
      this.#deps.changed();
    }
    return false;
  }

  #fail(kind: ProbeKind, probe: Probe): boolean {
    if (kind === 'readiness') {
      if (this.state.ready) {
        this.state.ready = false;
        this.#deps.changed();
      }
      return false;
    }
    this.stop();
    this.#deps.unhealthy(kind, probe);
    return true;
  }
}
