/** Which images are on which nodes, and how large they are: what ImageLocality asks. */
import type { Node } from '@coracle/machinery/api';

export interface ImageState {
  /** Bytes by row of the nodes that have it. */
  readonly sizes: Map<number, number>;
}

export class ImageTable {
  readonly #images = new Map<string, ImageState>();
  readonly #namesOnRow = new Map<number, readonly string[]>();

  /** True if no node has any. */
  get empty(): boolean {
    return this.#images.size === 0;
  }

  /** The nodes that have this image; undefined if none. */
  get(name: string): ImageState | undefined {
    return this.#images.get(name);
  }

  update(row: number, node: Node | undefined): void {
    for (const name of this.#namesOnRow.get(row) ?? []) {
      const image = this.#images.get(name);
      image?.sizes.delete(row);
      if (image?.sizes.size === 0) this.#images.delete(name);
    }
    const names: string[] = [];
    for (const { names: aliases = [], sizeBytes = 0 } of node?.status?.images ?? []) {
      for (const name of aliases) {
        names.push(name);
        let image = this.#images.get(name);
        if (!image) this.#images.set(name, (image = { sizes: new Map() }));
        image.sizes.set(row, sizeBytes);
      }
    }
    if (names.length > 0) this.#namesOnRow.set(row, names);
    else this.#namesOnRow.delete(row);
  }
}

/** As the container runtime names it: with `:latest` where there is neither tag nor digest. */
export function normalizedImageName(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}
