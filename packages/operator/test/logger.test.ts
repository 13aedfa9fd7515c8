import { describe, expect, test } from 'vitest';
import { createLogger } from '../src/index.ts';

function setup(json: boolean, level: 'debug' | 'warn' = 'debug') {
  const lines: string[] = [];
  const logger = createLogger({ level, json, write: (line) => lines.push(line), now: () => 0 });
  return { logger, lines };
}

describe('logger', () => {
  test('writes text with fields', () => {
    const { logger, lines } = setup(false);
    logger.info({ key: 'x/a', count: 2, note: 'two words' }, 'done');
    expect(lines).toEqual(['1970-01-01T00:00:00.000Z INFO  done key=x/a count=2 note="two words"\n']);
  });

  test('writes JSON, with errors readable', () => {
    const { logger, lines } = setup(true);
    logger.error({ error: new Error('boom') }, 'failed');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      msg: 'failed',
      error: { message: 'boom' },
    });
  });

  test('writes errors as their message, and bugs with their stack', () => {
    const { logger, lines } = setup(false);
    logger.warn({ error: new Error('lost') }, 'trying again');
    logger.error({ error: new Error('boom') }, 'failed');
    expect(lines[0]).toMatch(/trying again error="lost"\n$/);
    expect(lines[1]).toMatch(/failed error="boom"\nError: boom\n {4}at /);
  });

  test('drops what is below its level', () => {
    const { logger, lines } = setup(false, 'warn');
    logger.info({}, 'quiet');
    logger.warn({}, 'loud');
    expect(lines).toHaveLength(1);
  });

  test.each([
    [{ token: 'abc123' }, 'abc123'],
    [{ headers: { Authorization: 'Basic Zm9v' } }, 'Zm9v'],
    [{ password: 'hunter2' }, 'hunter2'],
    [{ object: { kind: 'Secret', data: { a: 'c2VjcmV0' } } }, 'c2VjcmV0'],
    [{ text: 'sent Bearer abc.def' }, 'abc.def'],
    [{ text: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.sig' }, 'sig'],
    [{ pem: '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----' }, 'MIIE'],
    [{ error: new Error('token Bearer s3cr3t refused') }, 's3cr3t'],
  ])('hides secrets: %o', (fields, secret) => {
    for (const json of [true, false]) {
      const { logger, lines } = setup(json);
      logger.info(fields, 'message');
      expect(lines[0]).not.toContain(secret);
      expect(lines[0]).toContain('[redacted]');
    }
  });

  test('shows names of secrets and keys of queues', () => {
    const { logger, lines } = setup(false);
    logger.info({ key: 'x/a', secretName: 'db', resource: 'secrets' }, 'mounting');
    expect(lines[0]).toContain('key=x/a secretName=db resource=secrets');
  });
});
