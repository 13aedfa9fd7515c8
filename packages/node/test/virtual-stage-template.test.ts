import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { NotUnderstood } from '../src/virtual/stages/not-understood.ts';
import { template } from '../src/virtual/stages/template/template.ts';
import { surroundings } from './stage-surroundings.ts';
import { yamlText } from '../src/virtual/stages/template/yaml-text.ts';
const pod = {
  metadata: { name: 'p', uid: 'u', namespace: 'ns' },
  spec: {
    nodeName: 'n1',
    containers: [
      { name: 'a', image: 'x:1' },
      { name: 'b', image: 'y' },
    ],
    readinessGates: [],
    count: 3,
  },
};
const render = (text: string, about: unknown = pod): string => template(text).render(about, surroundings);

describe('a template', () => {
  test.each([
    ['plain', 'plain'],
    ['{{ .metadata.name }}-{{ $.spec.count }}', 'p-3'],
    ['{{ .metadata.none }}|{{ .none.deeper.still }}', '<no value>|<no value>'],
    ['{{ range .spec.containers }}{{ .name }},{{ end }}', 'a,b,'],
    ['{{ range $i, $c := .spec.containers }}{{ $i }}{{ $c.name }}{{ end }}', '0a1b'],
    ['{{ range $k, $v := .metadata }}{{ $k }}={{ $v }};{{ end }}', 'name=p;namespace=ns;uid=u;'],
    ['{{ range .spec.readinessGates }}x{{ else }}none{{ end }}', 'none'],
    [
      '{{ range until 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}',
      '02',
    ],
    ['{{ with .spec.none }}x{{ else with .spec.count }}{{ . }}{{ end }}', '3'],
    ['{{ if eq .restartPolicy "Always" }}a{{ else if .metadata.uid }}b{{ else }}c{{ end }}', 'b'],
    ['{{ $x := 1 }}{{ range .spec.containers }}{{ $x = add $x 1 }}{{ end }}{{ $x }}', '3'],
    ['{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}', '21'],
    ['a {{- /* told to nobody */ -}} b', 'ab'],
    ['a\n  {{- .spec.count -}}\n  b', 'a3b'],
    ['{{ or .spec.none "" | Quote }} {{ or "" 0 "z" }} {{ and 1 "" }}', '"" z '],
    ['{{ .spec.none | Quote }} {{ .spec.count | Quote }}', '"null" "3"'],
    ['{{ index .spec.containers 1 "name" }} {{ (index .spec.containers 0).image }}', 'b x:1'],
    [
      '{{ not .spec.none }} {{ len .spec.containers }} {{ printf "%s-%03d-%q" .metadata.name 7 "q" }}',
      'true 2 p-007-"q"',
    ],
    ['{{ Now }} {{ NodeName }} {{ NodeIP }} {{ PodIP }}', '2026-01-02T03:04:05Z n1 10.64.0.1 10.128.0.9'],
    [
      '{{ index (NodeIPsWith .spec.nodeName) 0 }} {{ range NodeIPsWith "other" }}{{ . }}{{ end }}',
      '10.64.0.1 ',
    ],
    [
      '{{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) "p" "ns" }}',
      '10.128.0.9',
    ],
    ['{{ PodIPWith .spec.nodeName true "" "" "" | Quote }}', '"10.64.0.1"'],
    ['{{ $a := or .metadata.annotations dict }}{{ or ( index $a "x/y" ) "default" }}', 'default'],
    ['{{ range NodeConditions }}{{ if eq .type "Ready" }}{{ .status }}{{ end }}{{ end }}', 'True'],
    ['{{ `raw "}}"` }}{{ "}}" }}', 'raw "}}"}}'],
    [
      '{{ default "d" .spec.none }} {{ upper "a" }} {{ "a,b" | splitList "," | join "+" }} {{ ternary 1 2 true }}',
      'd A a+b 1',
    ],
    ['x:{{ YAML .metadata 1 }}', 'x:\n  name: "p"\n  namespace: "ns"\n  uid: "u"'],
  ])('%s', (text, out) => {
    expect(render(text)).toBe(out);
  });

  test.each([
    ['{{ frobnicate 1 }}', /no function "frobnicate"; supported are and, or/],
    ['{{ Now 1 }}', /takes 0 arguments, not 1/],
    ['{{ if .a }}x', /no \{\{ end \}\}/],
    ['x{{ end }}', /without a beginning/],
    ['{{ $x }}', /no variable \$x/],
    ['{{ template "x" }}', /not supported/],
    ['{{ .a ', /no end/],
    ['{{ .a | .b }}', /only functions/],
    ['{{ eq .a ? }}', /not understood/],
    ['{{ }}', /missing/],
    ['{{ break }}', /outside/],
  ])('%s is refused', (text, why) => {
    expect(() => template(text)).toThrow(why);
    expect(() => template(text)).toThrow(NotUnderstood);
  });

  test.each([
    ['{{ index .spec.containers 5 }}', /out of range/],
    ['{{ index .status.x 0 }}', /index of nothing/],
    ['{{ .metadata.name.x }}', /no field x/],
    ['{{ range .metadata.name }}{{ end }}', /range cannot/],
    ['{{ lt 1 "a" }}', /only numbers/],
    ['{{ div 1 0 }}', /zero/],
    ['{{ printf "%z" 1 }}', /%z is not supported/],
  ])('%s fails for this object', (text, why) => {
    expect(() => render(text)).toThrow(why);
  });

  /** Any unit of UTF-16 but halves of pairs, and what YAML or JSON write otherwise. */
  const text = fc
    .array(
      fc.oneof(
        fc.integer({ min: 0, max: 0xd7ff }),
        fc.constantFrom(0x85, 0x2028, 0xfeff, 0x1f600, 10, 34, 92),
      ),
    )
    .map((codes) => String.fromCodePoint(...codes));

  test('gives any text through Quote and YAML back as it was', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(load(render('{{ .v | Quote }}', { v: value }))).toBe(value);
      }),
    );
  });

  test('writes any object as YAML that reads as that object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        if ('__proto__' in json && Object.hasOwn(json, '__proto__')) return;
        expect(load(yamlText(json))).toEqual(json);
      }),
    );
  });

  test('goes over every element of a list, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (list) => {
        expect(render('{{ range .l }}{{ . }};{{ end }}', { l: list })).toBe(
          list.map((n) => `${n};`).join(''),
        );
      }),
    );
  });

  test('refuses or takes any text, and does nothing else', () => {
    const word = fc.constantFrom(
      '{{',
      '}}',
      'if',
      'end',
      'range',
      '.a',
      '$x',
      ':=',
      '|',
      '"s"',
      ' ',
      '(',
      ')',
      'or',
      '-',
      'else',
      '/*',
      '*/',
    );
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
        (text) => {
          try {
            template(text);
          } catch (error) {
            expect(error).toBeInstanceOf(NotUnderstood);
          }
        },
      ),
    );
  });
});
