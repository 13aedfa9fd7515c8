/** Takes the objects of one kind from stage to stage: one agenda, one queue of writes, a small record an object. */
import type { Client } from '@coracle/client';
import { ApiError, isReason, type KubeObject, type ResourceType } from '@coracle/machinery';
import type { Clock } from '@coracle/operator';
import { Agenda } from '../agenda.ts';
import type { ChanceOf } from '../chance.ts';
import type { Writes } from '../writes.ts';
import type { CompiledStage, CompiledStep } from './compiled-stage.ts';
import { finalizerPatch } from './finalizer-patch.ts';
import { nextStage } from './lifecycle.ts';
import { renderPatch } from './render-patch.ts';
import type { StageEvent } from './stage-type.ts';
import type { Surroundings } from './template/template.ts';
import { TemplateError } from './template/template-error.ts';

export interface StagePlayerOptions<T extends KubeObject> {
  type: ResourceType<T>;
  client: Client;
  clock: Clock;
  /** Which stage, how long it waits, and what its templates draw. */
  chance: ChanceOf;
  writes: Writes;
  surroundings(object: T, random: () => number): Surroundings;
  event(object: T, event: StageEvent): void;
  /** A stage could not be played on an object; it is left till the object changes. */
  failed(stage: string, object: T, why: string): void;
}

interface Job<T> {
  object: T;
  /** The version that a stage was last looked for in. */
  matched: string;
  /** Entries of the agenda that were made before are void. */
  turn: number;
  stage: CompiledStage | undefined;
  /** Stages it has been through. */
  played: number;
  /** Where to go on after a write that failed, and how often it has. */
  from: number;
  failures: number;
  playing: boolean;
  gone: boolean;
}

/** Objects looked at again, when the stages change, before others have their turn. */
const batch = 500;
/** A write that failed is tried again after one second, doubling to this. */
const longestWaitMs = 30_000;

export class StagePlayer<T extends KubeObject> {
  readonly #options: StagePlayerOptions<T>;
  readonly #jobs = new Map<string, Job<T>>();
  readonly #agenda: Agenda<{ job: Job<T>; turn: number }>;
  #stages: readonly CompiledStage[] = [];
  #cancelLook: (() => void) | undefined;

  constructor(options: StagePlayerOptions<T>) {
    this.#options = options;
    this.#agenda = new Agenda(options.clock, ({ job, turn }) => {
      if (job.turn === turn && !job.gone) this.#begin(job);
    });
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** New stages: all objects are looked at again, a few at a time. */
  setStages(stages: readonly CompiledStage[]): void {
    this.#stages = stages;
    this.#cancelLook?.();
    const all = [...this.#jobs.values()];
    const look = (from: number): void => {
      for (const job of all.slice(from, from + batch)) {
        if (job.gone) continue;
        // One that is in the middle of a stage is looked at when it has ended.
        if (job.playing) job.matched = '';
        else this.#match(job);
      }
      this.#cancelLook =
        from + batch < all.length ? this.#options.clock.after(0, () => look(from + batch)) : undefined;
    };
    look(0);
  }

  /** An object as it is now. */
  seen(object: T): void {
    const { uid, resourceVersion } = object.metadata;
    const known = this.#jobs.get(uid);
    if (known === undefined) {
      const job: Job<T> = {
        object,
        matched: '',
        turn: 0,
        stage: undefined,
        played: 0,
        from: 0,
        failures: 0,
        playing: false,
        gone: false,
      };
      this.#jobs.set(uid, job);
      this.#match(job);
      return;
    }
    if (!newer(object, known.object) && resourceVersion !== known.object.metadata.resourceVersion) return;
    known.object = object;
    if (!known.playing && resourceVersion !== known.matched) this.#match(known);
  }

  forget(uid: string): void {
    const job = this.#jobs.get(uid);
    if (job !== undefined) job.gone = true;
    this.#jobs.delete(uid);
  }

  clear(): void {
    for (const job of this.#jobs.values()) job.gone = true;
    this.#jobs.clear();
    this.#agenda.clear();
    this.#cancelLook?.();
  }

  #match(job: Job<T>): void {
    const { clock, chance } = this.#options;
    job.turn += 1;
    job.from = 0;
    job.failures = 0;
    job.matched = job.object.metadata.resourceVersion;
    const random = chance(job.object, job.played);
    const now = clock.now();
    job.stage = nextStage(this.#stages, job.object, random, now);
    if (job.stage === undefined) return;
    const delay = job.stage.delay(job.object, now, random);
    if (delay <= 0) this.#begin(job);
    else this.#agenda.add(now + delay, { job, turn: job.turn });
  }

  #begin(job: Job<T>): void {
    job.playing = true;
    this.#options.writes.add(() => this.#play(job));
  }

  async #play(job: Job<T>): Promise<void> {
    const { stage } = job;
    try {
      if (stage === undefined || job.gone) return;
      let deleted = false;
      for (; job.from < stage.steps.length; job.from++) {
        const step = stage.steps[job.from] as CompiledStep;
        if (step.event) this.#options.event(job.object, step.event);
        if (deleted) continue;
        deleted = await this.#step(job, step);
      }
    } catch (error) {
      if (stage !== undefined && this.#again(job, stage, error)) return;
    } finally {
      job.playing = false;
    }
    job.played += 1;
    if (!job.gone && job.object.metadata.resourceVersion !== job.matched) this.#match(job);
  }

  /** True if it was deleted. */
  async #step(job: Job<T>, { finalizers, delete: gone, patch }: CompiledStep): Promise<boolean> {
    const { client, type, surroundings, chance } = this.#options;
    const { name, namespace, uid } = job.object.metadata;
    if (finalizers) {
      const operations = finalizerPatch(job.object.metadata.finalizers, finalizers);
      if (operations.length > 0) await this.#patch(job, 'json', operations, undefined);
    }
    if (gone === true) {
      const options = { namespace, gracePeriodSeconds: 0, preconditions: { uid } };
      await client.delete(type, name, options);
      return true;
    }
    if (patch) {
      // Another number than that of the choice: its draws are spent.
      const random = chance(job.object, -1 - job.played);
      const body = renderPatch(patch, job.object, surroundings(job.object, random));
      if (body !== undefined) await this.#patch(job, patch.type, body, patch.subresource);
    }
    return false;
  }

  async #patch(
    job: Job<T>,
    kind: 'json' | 'merge' | 'strategic',
    body: object,
    subresource: string | undefined,
  ): Promise<void> {
    const { client, type } = this.#options;
    const { name, namespace, uid } = job.object.metadata;
    // Another object of the same name is not meant.
    const guarded = Array.isArray(body)
      ? [{ op: 'test', path: '/metadata/uid', value: uid }, ...body]
      : { ...body, metadata: { ...(body as { metadata?: object }).metadata, uid } };
    const made = await client.patch(type, name, kind, guarded, {
      namespace,
      ...(subresource === undefined ? {} : { subresource }),
    });
    if (newer(made, job.object)) job.object = made;
  }

  /** What becomes of a failure; true: the rest of the stage is tried again later. */
  #again(job: Job<T>, stage: CompiledStage, error: unknown): boolean {
    const { clock, failed } = this.#options;
    if (isReason(error, 'NotFound')) return false;
    const refused =
      error instanceof ApiError &&
      error.code >= 400 &&
      error.code < 500 &&
      ![408, 409, 429].includes(error.code);
    if (refused || error instanceof TemplateError) {
      failed(stage.name, job.object, error.message);
      return false;
    }
    // What has changed meanwhile is matched anew instead.
    if (job.gone || job.object.metadata.resourceVersion !== job.matched) return false;
    const wait = Math.min(longestWaitMs, 1000 * 2 ** job.failures);
    job.failures += 1;
    this.#agenda.add(clock.now() + wait, { job, turn: job.turn });
    return true;
  }
}

/** Versions of one server are numbers that grow. */
const newer = (a: KubeObject, b: KubeObject): boolean =>
  Number(a.metadata.resourceVersion) > Number(b.metadata.resourceVersion);
