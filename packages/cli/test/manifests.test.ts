import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseManifests, readManifests } from '../src/manifests.ts';

const pod = (name: string): string => `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n`;
const parse = (text: string): string[] =>
  parseManifests(text, 'job.yaml', '/').map((m) => m.object.metadata.name);

describe('manifests', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coracle-manifests-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const from = (input = '') => ({ cwd: folder, stdin: Readable.from([input]) });

  test('several documents, empty ones and a List are taken apart in order', () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'c' } },
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'd' } },
      ],
    });
    expect(parse(`---\n${pod('a')}---\n---\n${pod('b')}---\n${list}\n`)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('an error names the file, the document and the line', () => {
    expect(() => parse(`${pod('a')}---\nkind: [1\n`)).toThrow(/^job\.yaml, line \d+: not valid YAML/);
    expect(() => parse(`${pod('a')}---\nkind: Pod\n`)).toThrow('job.yaml, document 2: apiVersion is missing');
    expect(() => parse('- 1')).toThrow('job.yaml: an object is needed');
    expect(() => parse('apiVersion: v1\nkind: Pod\nmetadata: {}')).toThrow(
      'job.yaml: metadata.name is missing',
    );
  });

  test('a folder means its manifests in order of their names', async () => {
    await writeFile(join(folder, 'b.yml'), pod('b'));
    await writeFile(join(folder, 'a.yaml'), pod('a'));
    await writeFile(join(folder, 'notes.txt'), 'not this');
    const found = await readManifests(['.'], from());
    expect(found.map((m) => m.object.metadata.name)).toEqual(['a', 'b']);
    expect(found[0]?.directory).toBe(folder);
  });

  test('- is standard input; a missing file is said plainly', async () => {
    const [one] = await readManifests(['-'], from(pod('piped')));
    expect(one?.object.metadata.name).toBe('piped');
    await expect(readManifests(['none.yaml'], from())).rejects.toThrow('there is no file none.yaml');
  });
});
