/**
 * Keeps changes from the outside back while a decision is under way that takes several slices: a trial on the snapshot bears
 * no others. They are made, in order, when the gate opens.
 */
import type { KubeObject, ResourceType } from '@coracle/machinery';
import type { Informer, InformerFactory, InformerHandler } from '@coracle/operator';

export class Gate {
  #closed = false;
  #waiting: (() => void)[] = [];
  /** Those of `#waiting` that are made already. */
  #made = 0;

  /** Makes the change now, or after those that wait, when the gate opens. */
  run(change: () => void): void {
    if (this.#closed || this.#waiting.length > 0) this.#waiting.push(change);
    else change();
  }
  close(): void {
    this.#closed = true;
  }
  /** Makes what waits, in order, until `enough` says stop. Answers true if nothing waits any more. */
  open(enough: () => boolean): boolean {
    this.#closed = false;
    while (this.#made < this.#waiting.length) {
      this.#waiting[this.#made++]!();
      if (this.#made < this.#waiting.length && enough()) return false;
    }
    this.#waiting = [];
    this.#made = 0;
    return true;
  }
}

/** Informers whose handlers go through the gate. What they answer when asked may be ahead of that. */
export function gatedInformers(informers: InformerFactory, gate: Gate): InformerFactory {
  return {
    informer: <T extends KubeObject>(type: ResourceType<T>, options?: object) =>
      gated(informers.informer(type, options), gate),
    start: () => informers.start(),
    stop: () => informers.stop(),
  };
}

function gatedHandler<T>(handler: InformerHandler<T>, gate: Gate): InformerHandler<T> {
  const wrapped: InformerHandler<T> = {};
  const { add, update, delete: remove } = handler;
  if (add) wrapped.add = (object, initial) => gate.run(() => add.call(handler, object, initial));
  if (update) wrapped.update = (before, after) => gate.run(() => update.call(handler, before, after));
  if (remove) wrapped.delete = (object) => gate.run(() => remove.call(handler, object));
  return wrapped;
}

function gated<T extends KubeObject>(informer: Informer<T>, gate: Gate): Informer<T> {
  return {
    type: informer.type,
    get: (name, namespace) => informer.get(name, namespace),
    byKey: (key) => informer.byKey(key),
    list: (namespace) => informer.list(namespace),
    byIndex: (index, value) => informer.byIndex(index, value),
    addIndex: (index, values) => informer.addIndex(index, values),
    on: (handler) => informer.on(gatedHandler(handler, gate)),
    join: (handler) => informer.join(gatedHandler(handler, gate)),
    get synced() {
      return informer.synced;
    },
    ready: () => informer.ready(),
  };
}
