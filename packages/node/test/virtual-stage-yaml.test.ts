/** Templates read by their shape give what they give read whole. */
import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { renderedYaml } from '../src/virtual/stages/rendered-yaml.ts';
import { template } from '../src/virtual/stages/template/template.ts';
import { surroundings } from './stage-surroundings.ts';
const outcome = (run: () => unknown): unknown => {
  try {
    return run();
  } catch {
    return 'fails';
  }
};
/** As it was read before shapes were kept. */
const whole = (text: string, about: unknown): unknown => {
  const rendered = template(text).render(about, surroundings);
  return rendered.trim() === '' ? undefined : load(rendered);
};

const texts = [
  'phase: {{ .a | Quote }}',
  'a: {{ Quote .a }}\nb: [{{ .b | Quote }}, {{ .a | Quote }}]\n{{ .a | Quote }}: 1',
  "message: 'with {{ .a | Quote }} within'",
  'message: {{ .a | Quote }} # {{ .b | Quote }}',
  'block: |\n  {{ .a | Quote }}',
  '{{ if .c }}c: {{ .c | Quote }}{{ else }}{{ range .list }}\n- { name: {{ .name | Quote }}, n: {{ .n }} }{{ end }}{{ end }}',
  '{{ .a }}: {{ .b | Quote }}',
  '{{ $x := .a | Quote }}x: {{ $x }}\ny: {{ .a | Quote | len }}\nz: {{ Now | Quote }}',
  'kept: \ue000{{ .a | Quote }}\ue001',
  '{{ if .none }}a: 1{{ end }}',
  'a: [',
];

describe('what a template comes out as', () => {
  test.each(texts)('%j is the same by its shape', (text) => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('a', "it's", '"', '\n', '\ue0000\ue001', '-', '5', 'true', '\\'),
    );
    const about = fc.record({
      a: fc.oneof(word, fc.integer(), fc.constant(null)),
      b: word,
      c: fc.option(word),
      list: fc.array(fc.record({ name: word, n: fc.integer() }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(about, { minLength: 1, maxLength: 8 }), (objects) => {
        const yaml = renderedYaml(template(text));
        for (const each of objects)
          expect(outcome(() => yaml(each, surroundings))).toEqual(outcome(() => whole(text, each)));
      }),
      { numRuns: 60 },
    );
  });

  test('shares nothing between objects', () => {
    const yaml = renderedYaml(template('a: { b: [{{ .x | Quote }}, { c: 1 }] }'));
    const [one, two] = [yaml({ x: '1' }, surroundings), yaml({ x: '2' }, surroundings)] as {
      a: { b: object[] };
    }[];
    expect(one).toEqual({ a: { b: ['1', { c: 1 }] } });
    expect(two).toEqual({ a: { b: ['2', { c: 1 }] } });
    expect(one?.a.b[1]).not.toBe(two?.a.b[1]);
  });

  test('is right for a template of which every text differs', () => {
    const yaml = renderedYaml(template('n: {{ .n }}\nq: {{ .n | Quote }}'));
    for (let n = 0; n < 600; n++) expect(yaml({ n }, surroundings)).toEqual({ n, q: String(n) });
  });
});
