import type { Unstructured } from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import {
  bootstrapRbac,
  createAuthentication,
  createAuthorizer,
  createPki,
  createTokenKeys,
  hashToken,
  reviewStrategies,
} from '../../src/auth/index.ts';
import { context, fakeLookup } from './fakes.ts';

const lookup = fakeLookup(...bootstrapRbac());
const now = (): Date => new Date('2026-05-01T12:00:00Z');
const strategies = reviewStrategies({
  authorizer: createAuthorizer({ lookup }),
  authentication: createAuthentication({
    lookup,
    now,
    tokenKeys: createTokenKeys(createPki().serviceAccountKey),
    staticTokens: [{ hash: hashToken('good'), user: { username: 'ci', groups: [] } }],
  }),
});
const ask = async (resource: string, kind: string, spec: object, metadata: object = {}) => {
  const [, ...rest] = resource.split('.');
  const object = { apiVersion: `${rest.join('.')}/v1`, kind, metadata, spec } as unknown as Unstructured;
  return (await strategies[resource]?.answer?.(object, context(lookup)))?.['status'];
};

const tokenReview = (token: string) => ask('tokenreviews.authentication.k8s.io', 'TokenReview', { token });
const subjectReview = (spec: object) =>
  ask('subjectaccessreviews.authorization.k8s.io', 'SubjectAccessReview', spec);

describe('reviews', () => {
  test('TokenReview tells who a token is, or that it is nobody', async () => {
    expect(await tokenReview('good')).toMatchObject({
      authenticated: true,
      user: { username: 'ci', groups: ['system:authenticated'] },
    });
    expect(await tokenReview('bad')).toEqual({ user: {} });
  });

  test('SelfSubjectReview answers with the caller', async () => {
    expect(await ask('selfsubjectreviews.authentication.k8s.io', 'SelfSubjectReview', {})).toEqual({
      userInfo: { username: 'alice', groups: ['system:authenticated'] },
    });
  });

  test('SubjectAccessReview decides for the named user', async () => {
    const resourceAttributes = { verb: 'list', resource: 'pods', namespace: 'x' };
    expect(await subjectReview({ user: 'root', groups: ['system:masters'], resourceAttributes })).toEqual({
      allowed: true,
    });
    expect(await subjectReview({ user: 'ann', resourceAttributes })).toEqual({ allowed: false });
    await expect(subjectReview({ user: 'ann' })).rejects.toThrow(
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
    await expect(subjectReview({ resourceAttributes })).rejects.toThrow(
      'at least one of user or group must be specified',
    );
  });

  test('LocalSubjectAccessReview stays in its namespace', async () => {
    const spec = { user: 'ann', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'other' } };
    await expect(
      ask('localsubjectaccessreviews.authorization.k8s.io', 'LocalSubjectAccessReview', spec, {
        namespace: 'lab',
      }),
    ).rejects.toThrow('must match metadata.namespace');
  });

  test('SelfSubjectRulesReview lists the rules of the caller', async () => {
    const status = (await ask('selfsubjectrulesreviews.authorization.k8s.io', 'SelfSubjectRulesReview', {
      namespace: 'x',
    })) as {
      resourceRules: { resources: string[] }[];
      incomplete: boolean;
    };
    expect(status.resourceRules.flatMap((rule) => rule.resources)).toContain('selfsubjectaccessreviews');
    expect(status.incomplete).toBe(false);
  });
});
