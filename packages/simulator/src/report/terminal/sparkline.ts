/** A series in one line of text. */

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * As many characters as the width, each the mean of its stretch, from 0 to `max` (default: the highest of them). What is not
 * known is blank.
 */
export function sparkline(values: ArrayLike<number>, width: number, max?: number): string {
  const columns = Math.min(width, values.length);
  const means: number[] = [];
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns));
    let total = 0;
    let count = 0;
    for (let index = from; index < to; index++) {
      const value = values[index]!;
      if (Number.isNaN(value)) continue;
      total += value;
      count++;
    }
    means.push(count === 0 ? Number.NaN : total / count);
  }
  const top = max ?? means.reduce((a, b) => (b > a ? b : a), 0);
  return means
    .map((mean) => {
      if (Number.isNaN(mean)) return ' ';
      const step = top > 0 ? Math.round((mean / top) * (bars.length - 1)) : 0;
      return bars[Math.max(0, Math.min(bars.length - 1, step))]!;
    })
    .join('');
}
