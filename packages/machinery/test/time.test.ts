import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDuration,
  formatMicroTime,
  formatTime,
  humanDuration,
  parseDuration,
  parseTime,
} from '../src/index.ts';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

describe('times', () => {
  test('are RFC 3339 in UTC, whole seconds or six digits', () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    expect(formatTime(at)).toBe('2026-01-02T03:04:05Z');
    expect(formatTime(new Date(at))).toBe('2026-01-02T03:04:05Z');
    expect(formatMicroTime(at)).toBe('2026-01-02T03:04:05.678000Z');
    expect(formatMicroTime(at + 0.123)).toBe('2026-01-02T03:04:05.678123Z');
  });
  test('are read with offsets and fractions', () => {
    expect(parseTime('2026-01-02T03:04:05+02:00')).toBe(Date.UTC(2026, 0, 2, 1, 4, 5));
    expect(parseTime('2026-01-02T03:04:05.5Z')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 500));
    for (const bad of [
      '',
      '2026-01-02',
      '2026-02-30T00:00:00Z',
      '2026-01-02 03:04:05Z',
      '2026-13-01T00:00:00Z',
    ])
      expect(parseTime(bad), bad).toBeUndefined();
  });
  test('come back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
        expect(parseTime(formatTime(seconds * s))).toBe(seconds * s);
      }),
    );
  });
});

describe('durations', () => {
  test.each([
    ['0', 0],
    ['1h30m', 90 * m],
    ['250ms', 250],
    ['1.5s', 1500],
    ['-2m', -2 * m],
    ['1us', 0.001],
    ['.5s', 500],
  ])('%s is %d ms', (text, expected) => {
    expect(parseDuration(text)).toBeCloseTo(expected, 9);
  });
  test.each(['', '1', 's', '1x', '1 s', 'h1'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
  test.each([
    [0, '0s'],
    [90 * m, '1h30m0s'],
    [1500, '1.5s'],
    [250, '250ms'],
    [-90 * s, '-1m30s'],
    [0.0015, '1.5µs'],
  ])('%d ms prints as %s', (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });
  test('come back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 6);
      }),
    );
  });
  test.each([
    [-5 * s, '<invalid>'],
    [-1 * s, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [120 * s, '2m'],
    [185 * s, '3m5s'],
    [10 * m, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [3 * h + m, '3h1m'],
    [8 * h + 59 * m, '8h'],
    [47 * h, '47h'],
    [48 * h, '2d'],
    [49 * h, '2d1h'],
    [8 * d, '8d'],
    [400 * d, '400d'],
    [2 * 365 * d, '2y'],
    [800 * d, '2y70d'],
    [9 * 365 * d, '9y'],
  ])('an age of %d ms reads %s', (ms, expected) => {
    expect(humanDuration(ms)).toBe(expected);
  });
});
