/**
 * Node labels as columns: one Int32Array of value ids for each label key that some pod has asked for. A key's column is
 * built from the nodes at its first use and kept up to date from then on, so keys nobody selects by cost nothing.
 */
import type { Node } from '@coracle/machinery/api';
import { Interner } from './interner.ts';

/** Columns kept; at one more all are dropped and built again on use: a cache, bounded against endless keys. */
const maxColumns = 256;

export class LabelColumns {
  readonly values = new Interner();
  /** Another with every node that came, went or changed: what was made of labels holds as long as it is the same. */
  version = 0;
  readonly #columns = new Map<string, Int32Array>();

  /** The column of `key`, by row; 0 where the node has no such label. Valid until the snapshot changes. */
  column(key: string, nodes: readonly (Node | undefined)[], capacity: number): Int32Array {
    let column = this.#columns.get(key);
    if (!column || column.length < capacity) {
      if (!column && this.#columns.size >= maxColumns) this.#columns.clear();
      column = new Int32Array(capacity);
      for (let row = 0; row < nodes.length; row++) column[row] = this.#idOf(nodes[row], key);
      this.#columns.set(key, column);
    }
    return column;
  }

  /** Brings all columns up to date with one row. */
  update(row: number, node: Node | undefined): void {
    this.version++;
    for (const [key, column] of this.#columns) {
      if (row < column.length) column[row] = this.#idOf(node, key);
      else this.#columns.delete(key);
    }
  }

  #idOf(node: Node | undefined, key: string): number {
    const value = node?.metadata.labels?.[key];
    return value === undefined ? 0 : this.values.id(value);
  }
}
