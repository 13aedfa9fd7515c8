/**
 * Field numbers of the built-in kinds' protobuf encoding, from checkouts of k8s.io/api and k8s.io/apimachinery:
 *
 *   npm run generate -- --protobuf-api ../api --protobuf-machinery ../apimachinery
 *
 * Numbers and types are in the `generated.proto` files; what Go's JSON makes of a field (its name, whether it is embedded,
 * a pointer, dropped when empty) is in the tags of the Go structs. Only these facts are taken over.
 *
 * The table: message -> `number name type;...`, where a type is a word (`string`, `int`, `bool`, `bytes`, `double`) or a
 * message, with `[]` or `{}` (a map from strings) before it. After the type: `*` a pointer (an empty value is kept), `!` never
 * dropped when empty. The name `-` means embedded: its fields belong to the parent.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Tag {
  json: string;
  embedded: boolean;
  pointer: boolean;
  kept: boolean;
}

const words: Record<string, string> = {
  string: 'string',
  bool: 'bool',
  bytes: 'bytes',
  int32: 'int',
  int64: 'int',
  double: 'double',
};

/** `k8s.io.api.core.v1` -> `core.v1`, as the kinds' table names definitions. */
function shorten(protoPackage: string): string {
  return protoPackage
    .replace(/^\.?k8s\.io\.api\./, '')
    .replace(/^\.?k8s\.io\.apimachinery\.pkg\.apis\./, '')
    .replace(/^\.?k8s\.io\.apimachinery\./, '');
}

/** Struct -> field number -> tag, from every Go file of a folder. */
function goTags(folder: string): Map<string, Map<number, Tag>> {
  const structs = new Map<string, Map<number, Tag>>();
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.go') && !f.startsWith('generated'))) {
    let current: Map<number, Tag> | undefined;
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const start = /^type (\w+) struct \{/.exec(line);
      if (start?.[1]) structs.set(start[1], (current = new Map()));
      if (line === '}') current = undefined;
      const field = /^\s+(?:(\w+)\s+)?(\S+)\s+`(.*)`/.exec(line);
      const number = /protobuf:"\w+,(\d+)/.exec(field?.[3] ?? '')?.[1];
      const json = /json:"([^"]*)"/.exec(field?.[3] ?? '')?.[1];
      if (!current || !field?.[2] || !number || json === undefined) continue;
      const [name = '', ...options] = json.split(',');
      current.set(Number(number), {
        json: name,
        embedded: name === '' || options.includes('inline'),
        pointer: field[2].startsWith('*'),
        kept: !options.includes('omitempty') && !options.includes('omitzero'),
      });
    }
  }
  return structs;
}

function readProto(folder: string, table: Record<string, string>): void {
  const text = readFileSync(join(folder, 'generated.proto'), 'utf8');
  const pack = shorten(/^package ([\w.]+);/m.exec(text)?.[1] ?? '');
  const tags = goTags(folder);
  for (const [, message = '', body = ''] of text.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const fields: string[] = [];
    for (const [, repeated, map, plain, protoName = '', number = ''] of body.matchAll(
      /^ {2}(?:(optional|repeated) )?(?:map<string, ([\w.]+)>|([\w.]+)) (\w+) = (\d+)/gm,
    )) {
      const raw = map ?? plain ?? '';
      const type = words[raw] ?? (raw.startsWith('.') ? shorten(raw) : `${pack}.${raw}`);
      const tag = tags.get(message)?.get(Number(number));
      const name = tag?.embedded ? '-' : (tag?.json ?? protoName);
      const shape = map ? `{}${type}` : repeated === 'repeated' ? `[]${type}` : type;
      fields.push(`${number} ${name} ${shape}${tag?.pointer ? '*' : tag?.kept ? '!' : ''}`);
    }
    table[`${pack}.${message}`] = fields.join(';');
  }
}

/** Writes the table for the group versions (`core/v1`, ...) that the kinds' table serves. */
export function generateProtobuf(api: string, machinery: string): void {
  const all: Record<string, string> = {};
  for (const group of readdirSync(api, { withFileTypes: true }).filter((d) => d.isDirectory())) {
    for (const version of readdirSync(join(api, group.name))) {
      try {
        readProto(join(api, group.name, version), all);
      } catch (error) {
        if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
  }
  for (const folder of ['pkg/apis/meta/v1', 'pkg/runtime', 'pkg/util/intstr', 'pkg/api/resource']) {
    readProto(join(machinery, folder), all);
  }
  const kinds = JSON.parse(readFileSync('packages/machinery/src/generated/kinds.json', 'utf8')) as {
    groups: { group: string; versions: { version: string; kinds: { d: string }[] }[] }[];
  };
  // What a request body can be: every kind, what subresources take, and delete options; and all they reach.
  const wanted = [
    'meta.v1.DeleteOptions',
    'core.v1.Binding',
    'policy.v1.Eviction',
    'authentication.v1.TokenRequest',
    'autoscaling.v1.Scale',
    ...kinds.groups.flatMap((g) => g.versions.flatMap((v) => v.kinds.map((k) => k.d))),
  ];
  const table: Record<string, string> = {};
  for (let name = wanted.pop(); name; name = wanted.pop()) {
    const fields = all[name];
    if (fields === undefined || name in table) continue;
    table[name] = fields;
    for (const field of fields.split(';')) {
      const type = field
        .split(' ')[2]
        ?.replace(/^(\[\]|\{\})/, '')
        .replace(/[*!]$/, '');
      if (type && !(type in table)) wanted.push(type);
    }
  }
  const lines = Object.keys(table)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(table[name])}`);
  writeFileSync('packages/machinery/src/generated/protobuf.json', `{\n${lines.join(',\n')}\n}\n`);
}
