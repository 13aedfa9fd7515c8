import { expect, test } from 'vitest';
import { type Body, create, problems, update } from './support.ts';

const configuration = (kind: string, matchConditions: object[]): Body => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  webhooks: [
    {
      name: 'hook.example.com',
      clientConfig: { url: 'https://hook.example.com' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      matchConditions,
    },
  ],
});

test.each(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'])(
  'match conditions of a %s have to compile',
  (kind) => {
    const at = 'webhooks[0].matchConditions';
    expect(
      problems(
        configuration(kind, [
          { name: 'good', expression: 'request.userInfo.username != "x"' },
          { name: 'bad', expression: '... [] bad expression' },
          { name: 'good', expression: '' },
        ]),
      ),
    ).toEqual([
      expect.stringContaining(
        `${at}[1].expression: Invalid value: "... [] bad expression": compilation failed: ERROR`,
      ),
      `${at}[2].expression: Required value`,
      `${at}[2].name: Duplicate value: "good"`,
    ]);
  },
);

test('match conditions that are stored are not looked at again', () => {
  const old = create(configuration('ValidatingWebhookConfiguration', [{ name: 'a', expression: 'true' }]));
  const hooks = (object: object) =>
    (object as unknown as { webhooks: { matchConditions: object[] }[] }).webhooks;
  const bad = structuredClone(old);
  hooks(bad)[0]!.matchConditions = [{ name: 'a', expression: 'was.fine.once' }];
  expect(update(bad, () => undefined).problems).toEqual([]);
  const changed = update(bad, (object) => {
    hooks(object)[0]!.matchConditions.push({ name: 'b', expression: 'true' });
  });
  expect(changed.problems).toHaveLength(1);
});
