import { describe, expect, test } from 'vitest';
import { metricsOf } from '../src/run/metrics.ts';

const read = (line: string): Record<string, string> => Object.fromEntries(metricsOf(line));

describe('metrics in a log line', () => {
  test.each([
    ['epoch=3 loss=0.21 accuracy=0.95', { epoch: '3', loss: '0.21', accuracy: '0.95' }],
    ['loss = 1.5e-3, step = 10', { loss: '1.5e-3', step: '10' }],
    ['Validation-accuracy=.5', { 'Validation-accuracy': '.5' }],
    ['delta=-0.5', { delta: '-0.5' }],
    ['nothing to see here', {}],
    ['host=10.1.2.3 port=80', { port: '80' }],
    ['name=resnet50', {}],
    ['=5', {}],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual(expected);
  });

  test('a huge line is passed over, not searched', () => {
    expect(read(`${'a'.repeat(5000)} loss=1`)).toEqual({});
  });
});
