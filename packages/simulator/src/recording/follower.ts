/** One loop of a recorder: follows the objects of one kind. It keeps their keys and no objects. */
import { ApiError, isReason, type KubeObject, type ResourceType } from '@coracle/machinery';
import { sleep } from '@coracle/operator';
import type { RecordOptions } from './record-cluster.ts';

export interface Followed {
  readonly type: ResourceType<KubeObject>;
  /** The recording is worth nothing without it. */
  readonly needed: boolean;
  seen(t: number, object: KubeObject): void;
  gone(t: number, object: KubeObject | string): void;
  /** By which the recorder knows an object. */
  keyOf(object: KubeObject): string;
}

const firstRetryMs = 800;
const longestRetryMs = 30_000;
/** Watches are asked to end after so long, so that connections through proxies are not cut in silence. */
const watchSeconds = 300;
const pageSize = 500;
/** A kind that has not been seen for so long is noted. */
const toldAfterMs = 30_000;

/**
 * List; watch from there; watch again when the watch ends; list again when the server has forgotten the version (410), and tell what went
 * away meanwhile.
 */
export class Follower {
  readonly #followed: Followed;
  readonly #options: RecordOptions;
  #known = new Set<string>();
  /** '' asks for a list. */
  #version = '';
  #failingSince: number | undefined;
  #told = false;

  constructor(followed: Followed, options: RecordOptions) {
    this.#followed = followed;
    this.#options = options;
  }

  /** The first list. False: the kind is not there, or may not be read. */
  async begin(): Promise<boolean> {
    const { type, needed } = this.#followed;
    const { signal, clock } = this.#options;
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, longestRetryMs)) {
      try {
        await this.#list();
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        // A server that is busy, or whose pages outlived its history, is asked again.
        const passing =
          isReason(error, 'Expired') || isReason(error, 'TooManyRequests') || isReason(error, 'Gone');
        if (passing) {
          await sleep(clock, retryMs, signal);
          continue;
        }
        if (!(error instanceof ApiError)) throw error;
        if (error.code === 404 && !needed) return false;
        // A node says nothing of whose it is, but a user of one namespace may not see any.
        if (error.code !== 403 || type.kind === 'Pod') throw error;
        this.#note('may not be listed', error.message);
        return false;
      }
    }
  }

  /** Until the signal aborts. */
  async follow(): Promise<void> {
    const { clock, random, signal } = this.#options;
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      const began = clock.now();
      try {
        if (this.#version === '') await this.#list();
        await this.#watch();
        this.#works();
        if (clock.now() - began >= 1000) retryMs = firstRetryMs;
        else await sleep(clock, retryMs * (0.5 + random() / 2), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isReason(error, 'Expired') || isReason(error, 'Gone')) this.#version = '';
        else this.#fails(began, error as Error);
        await sleep(clock, retryMs * (0.5 + random()), signal);
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
    }
  }

  /** A token may run out in the middle of a week: what is not seen any more must be told. */
  #fails(beganMs: number, error: Error): void {
    const now = this.#options.clock.now();
    // It had worked until just now.
    if (now - beganMs >= toldAfterMs) this.#works();
    this.#failingSince ??= now;
    if (this.#told || now - this.#failingSince < toldAfterMs) return;
    this.#told = true;
    this.#note('are not seen any more', error.message);
  }

  #works(): void {
    this.#failingSince = undefined;
    if (!this.#told) return;
    this.#told = false;
    this.#note('are seen again');
  }

  /** What the server says has the user's name in it, and is not for the file. */
  #note(what: string, why?: string): void {
    const { recorder, clock, onNote } = this.#options;
    const { resource, group } = this.#followed.type;
    const note = `${resource}${group === '' ? '' : `.${group}`} ${what}`;
    recorder.note(clock.now(), note);
    onNote?.(why === undefined ? note : `${note}: ${why}`);
  }

  #scope(): { namespace?: string | undefined; signal: AbortSignal } {
    const { namespace, signal } = this.#options;
    return this.#followed.type.namespaced && namespace !== undefined ? { namespace, signal } : { signal };
  }

  async #list(): Promise<void> {
    const { client, clock, signal, drained } = this.#options;
    const { type, seen, gone, keyOf } = this.#followed;
    const now = new Set<string>();
    let token: string | undefined;
    let version = '';
    do {
      const page = await client.list(type, { ...this.#scope(), limit: pageSize, continue: token });
      for (const object of page.items) {
        seen(clock.now(), object);
        now.add(keyOf(object));
      }
      version = page.metadata.resourceVersion ?? '';
      token = page.metadata.continue || undefined;
      await drained?.();
    } while (token !== undefined && !signal.aborted);
    if (signal.aborted) return;
    for (const key of this.#known) if (!now.has(key)) gone(clock.now(), key);
    this.#known = now;
    this.#version = version;
    this.#works();
  }

  async #watch(): Promise<void> {
    const { client, clock, random, signal, drained } = this.#options;
    const { type, seen, gone, keyOf } = this.#followed;
    const batches = client.watchBatches(type, {
      ...this.#scope(),
      resourceVersion: this.#version,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.floor(watchSeconds * (1 + random())),
    });
    for await (const events of batches) {
      this.#works();
      for (const event of events) {
        if (signal.aborted) return;
        const { object } = event;
        if (event.type === 'DELETED') {
          gone(clock.now(), object);
          this.#known.delete(keyOf(object));
        } else if (event.type !== 'BOOKMARK') {
          seen(clock.now(), object);
          this.#known.add(keyOf(object));
        }
        this.#version = object.metadata.resourceVersion ?? this.#version;
      }
      await drained?.();
    }
  }
}
