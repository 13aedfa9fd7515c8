/** The order in which a search visits rows: a step at a time, so that neighbours part. */
export interface Stride {
  readonly total: number;
  /** A step, below `total`, that visits every row before any twice: about the golden section, so that neighbours part. */
  readonly stride: number;
  /** `stride * inverse` is 1 modulo `total`: with it the number of the visit follows from the row. */
  readonly inverse: number;
}

export function strideFor(total: number): Stride {
  let stride = Math.max(1, Math.floor(total * 0.618));
  while (gcd(stride, total) > 1) stride++;
  stride %= Math.max(1, total);
  return { total, stride, inverse: inverseOf(stride, total) };
}

/** Of numbers without a common factor. */
function inverseOf(value: number, modulus: number): number {
  let [a, b] = [value, modulus];
  let [x, y] = [1, 0];
  while (b > 0) {
    const quotient = Math.floor(a / b);
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return modulus === 0 ? 0 : ((x % modulus) + modulus) % modulus;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
