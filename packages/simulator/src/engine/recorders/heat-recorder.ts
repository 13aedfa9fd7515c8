/** How much of each node was in use when, in bounded memory: stretches double as those of the series do. */
import type { HeatMap } from '../../model/result.ts';

export class HeatRecorder {
  readonly #columns: number;
  #stepMs = 1;
  /** By node: the part of it in use (0 to 1), and since when that and its being there have been counted. */
  #used = new Float64Array(16);
  #up = new Uint8Array(16);
  #sinceMs = new Float64Array(16);
  /** By node, then stretch: time used, and time away. */
  #usedMs: Float32Array;
  #awayMs: Float32Array;
  #anyAway = false;
  readonly names: string[] = [];

  constructor(columns: number) {
    this.#columns = Math.max(2, columns + (columns % 2));
    this.#usedMs = new Float32Array(16 * this.#columns);
    this.#awayMs = new Float32Array(16 * this.#columns);
  }

  /** Answers its number. It is not there yet. */
  add(name: string): number {
    const node = this.names.length;
    this.names.push(name);
    if (node === this.#up.length) {
      const more = node * 2;
      this.#used = copied(this.#used, new Float64Array(more));
      this.#up = copied(this.#up, new Uint8Array(more));
      this.#sinceMs = copied(this.#sinceMs, new Float64Array(more));
      this.#usedMs = copied(this.#usedMs, new Float32Array(more * this.#columns));
      this.#awayMs = copied(this.#awayMs, new Float32Array(more * this.#columns));
    }
    return node;
  }

  /** From now on this part of the node is in use. */
  use(node: number, nowMs: number, part: number): void {
    this.#flush(node, nowMs);
    this.#used[node] = part;
  }
  setUp(node: number, nowMs: number, up: boolean): void {
    this.#flush(node, nowMs);
    this.#up[node] = up ? 1 : 0;
  }

  #flush(node: number, nowMs: number): void {
    while (nowMs > this.#columns * this.#stepMs) this.#halve();
    let from = this.#sinceMs[node]!;
    this.#sinceMs[node] = nowMs;
    const away = this.#up[node] === 0;
    const used = this.#used[node]!;
    if (!away && used === 0) return;
    const cells = away ? this.#awayMs : this.#usedMs;
    const part = away ? 1 : used;
    if (away) this.#anyAway = true;
    const step = this.#stepMs;
    let column = Math.min(this.#columns - 1, Math.floor(from / step));
    while (from < nowMs) {
      const end = Math.min(nowMs, (column + 1) * step);
      cells[node * this.#columns + column]! += part * (end - from);
      from = end;
      column++;
    }
  }

  #halve(): void {
    halve(this.#usedMs, this.names.length, this.#columns);
    if (this.#anyAway) halve(this.#awayMs, this.names.length, this.#columns);
    this.#stepMs *= 2;
  }

  read(nowMs: number): HeatMap {
    for (let node = 0; node < this.names.length; node++) this.#flush(node, nowMs);
    const step = this.#stepMs;
    const columns = Math.min(this.#columns, Math.max(1, Math.ceil(nowMs / step)));
    const percent = new Uint8Array(this.names.length * columns);
    for (let node = 0; node < this.names.length; node++) {
      for (let i = 0; i < columns; i++) {
        const passed = Math.min(step, nowMs - i * step);
        const up = passed - this.#awayMs[node * this.#columns + i]!;
        const used = this.#usedMs[node * this.#columns + i]!;
        // A run of no length: as things are.
        if (passed <= 0) percent[node * columns + i] = Math.min(100, Math.round(100 * this.#used[node]!));
        else
          percent[node * columns + i] =
            up > passed * 1e-6 ? Math.min(100, Math.round((100 * used) / up)) : 255;
      }
    }
    return { nodes: this.names.slice(), fromMs: 0, stepMs: step, columns, percent };
  }

  copy(): HeatRecorder {
    const copy = new HeatRecorder(this.#columns);
    copy.restore(this.save());
    return copy;
  }

  save(): unknown {
    const n = this.names.length;
    return {
      names: this.names.slice(),
      stepMs: this.#stepMs,
      used: this.#used.slice(0, n),
      up: this.#up.slice(0, n),
      sinceMs: this.#sinceMs.slice(0, n),
      usedMs: this.#usedMs.slice(0, n * this.#columns),
      awayMs: this.#awayMs.slice(0, n * this.#columns),
    };
  }
  restore(saved: unknown): void {
    const state = saved as {
      names: string[];
      stepMs: number;
      used: Float64Array;
      up: Uint8Array;
      sinceMs: Float64Array;
      usedMs: Float32Array;
      awayMs: Float32Array;
    };
    this.names.length = 0;
    for (const name of state.names) this.add(name);
    this.#stepMs = state.stepMs;
    this.#used.set(state.used);
    this.#up.set(state.up);
    this.#sinceMs.set(state.sinceMs);
    this.#usedMs.set(state.usedMs);
    this.#awayMs.set(state.awayMs);
    this.#anyAway = this.#awayMs.some((ms) => ms > 0);
  }
}

/** Each two columns become one. */
function halve(cells: Float32Array, nodes: number, columns: number): void {
  for (let base = 0; base < nodes * columns; base += columns) {
    for (let i = 0; i < columns / 2; i++) cells[base + i] = cells[base + 2 * i]! + cells[base + 2 * i + 1]!;
    cells.fill(0, base + columns / 2, base + columns);
  }
}

function copied<T extends Float64Array | Float32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
