/** What did work that counts, known only afterwards: amounts over stretches of time that are past. */

export class GoodRecorder {
  /** Integrals by stretch: the part that lies in it alone. */
  readonly #part: Float64Array;
  /** From one stretch on in each that follows (a difference). */
  readonly #change: Float64Array;

  constructor(points: number) {
    this.#part = new Float64Array(points);
    this.#change = new Float64Array(points + 1);
  }

  /** So much from then to then; each stretch is `step` long. */
  add(fromMs: number, toMs: number, amount: number, step: number): void {
    const last = this.#part.length - 1;
    const a = Math.min(last, Math.floor(fromMs / step));
    const b = Math.min(last, Math.floor(toMs / step));
    if (a === b) {
      this.#part[a]! += amount * (toMs - fromMs);
      return;
    }
    this.#part[a]! += amount * ((a + 1) * step - fromMs);
    this.#part[b]! += amount * (toMs - b * step);
    this.#change[a + 1]! += amount * step;
    this.#change[b]! -= amount * step;
  }

  /** Integrals by stretch. Good until something is added. */
  read(): Float64Array {
    let sum = 0;
    for (let i = 0; i < this.#part.length; i++) {
      sum += this.#change[i]!;
      this.#part[i]! += sum;
    }
    this.#change.fill(0);
    return this.#part;
  }

  /** Two stretches become one. */
  halve(): void {
    const part = this.read();
    const half = part.length / 2;
    for (let i = 0; i < half; i++) part[i] = part[2 * i]! + part[2 * i + 1]!;
    part.fill(0, half);
  }

  save(): unknown {
    return [this.#part.slice(), this.#change.slice()];
  }
  restore(saved: unknown): void {
    const [part, change] = saved as [Float64Array, Float64Array];
    this.#part.set(part);
    this.#change.set(change);
  }
}
