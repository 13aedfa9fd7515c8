import { expect, test } from 'vitest';
import { type AccessQuestion, Authorizer, compileAdmissionCondition, TextMap } from '../../src/cel/index.ts';

test('a match condition is a test of the request', () => {
  expect(compileAdmissionCondition('request.userInfo.username != "system:admin"').error).toBeUndefined();
  expect(
    compileAdmissionCondition('object.metadata.name.startsWith("x") && request.kind.kind == "Pod"').error,
  ).toBeUndefined();
  expect(compileAdmissionCondition('... [] bad expression').error).toContain(
    'compilation failed: ERROR: <input>:1:2: Syntax error',
  );
  expect(compileAdmissionCondition('request.name').error).toBe('must evaluate to bool');
  expect(compileAdmissionCondition('request.nope == ""').error).toContain("undefined field 'nope'");
  const { program } = compileAdmissionCondition('object.a == "b"');
  expect(program?.evaluate({ object: new TextMap(new Map([['a', 'b']])) })).toBe(true);
});

test('a match condition may ask what the user may do', () => {
  const asked: AccessQuestion[] = [];
  const authorizer = new Authorizer((question) => {
    asked.push(question);
    return { allowed: question.verb === 'get', reason: 'because' };
  });
  const evaluate = (text: string) => compileAdmissionCondition(text).program?.evaluate({ authorizer });
  const base = 'authorizer.group("apps").resource("deployments").namespace("a").name("b")';
  expect(evaluate(`${base}.check("get").allowed()`)).toBe(true);
  expect(evaluate(`${base}.subresource("scale").check("update").allowed()`)).toBe(false);
  expect(
    evaluate('authorizer.serviceAccount("a", "b").path("/healthz").check("get").reason() == "because"'),
  ).toBe(true);
  expect(
    asked.map(({ verb, path, resource, subresource, serviceAccount }) => [
      verb,
      path,
      resource,
      subresource,
      serviceAccount,
    ]),
  ).toEqual([
    ['get', '', 'deployments', '', undefined],
    ['update', '', 'deployments', 'scale', undefined],
    ['get', '/healthz', '', '', { namespace: 'a', name: 'b' }],
  ]);
});
