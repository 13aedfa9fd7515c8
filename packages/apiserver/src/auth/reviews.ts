/** The kinds that are questions: created, answered, never stored. */
import { errors, type Unstructured, type UserInfo } from '@coracle/machinery';
import type { authentication_v1, authorization_v1 } from '@coracle/machinery/api';
import type { Authorizer, RequestAttributes, Strategy } from '../contracts.ts';
import { type Authentication, authenticated } from './authentication.ts';

type AccessSpec = authorization_v1.SubjectAccessReviewSpec;

/** The request a review describes. */
function attributesOf(user: UserInfo, spec: Omit<AccessSpec, 'user' | 'groups'>): RequestAttributes {
  const asked = spec.resourceAttributes;
  return {
    user,
    verb: (asked?.verb ?? spec.nonResourceAttributes?.verb ?? '').toLowerCase(),
    isResource: asked !== undefined,
    path: spec.nonResourceAttributes?.path ?? '',
    group: asked?.group ?? '',
    version: asked?.version ?? '',
    resource: asked?.resource ?? '',
    subresource: asked?.subresource ?? '',
    namespace: asked?.namespace ?? '',
    name: asked?.name ?? '',
  };
}

function invalid(object: Unstructured, field: string, detail: string, badValue: unknown): Error {
  const [group = ''] = object.apiVersion.split('/');
  return errors.invalid({ group, kind: object.kind }, '', [
    { type: 'FieldValueInvalid', field, detail, badValue },
  ]);
}

function checkAttributes(object: Unstructured, spec: AccessSpec): void {
  if (spec.resourceAttributes && spec.nonResourceAttributes)
    throw invalid(
      object,
      'spec.nonResourceAttributes',
      'cannot be specified in combination with resourceAttributes',
      spec.nonResourceAttributes,
    );
  if (!spec.resourceAttributes && !spec.nonResourceAttributes)
    throw invalid(
      object,
      'spec.resourceAttributes',
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      null,
    );
}

const specOf = <T>(object: Unstructured): T => (object['spec'] ?? {}) as T;

const answered = (object: Unstructured, status: unknown): Unstructured => ({
  ...object,
  // The name is cleared: a question is not an object.
  metadata: { ...object.metadata },
  status,
});

/** Strategies of tokenreviews, selfsubjectreviews, *accessreviews and selfsubjectrulesreviews, by `resource.group`. */
export function reviewStrategies(deps: {
  authorizer: Authorizer;
  authentication: Authentication;
}): Record<string, Strategy> {
  const { authorizer, authentication } = deps;

  const decide = (attributes: RequestAttributes): authorization_v1.SubjectAccessReviewStatus => {
    const verdict = authorizer.authorize(attributes);
    return { allowed: verdict.allowed, ...(verdict.reason ? { reason: verdict.reason } : {}) };
  };

  function subjectAccess(object: Unstructured): Unstructured {
    const spec = specOf<AccessSpec>(object);
    checkAttributes(object, spec);
    if (!spec.user && (spec.groups ?? []).length === 0)
      throw invalid(object, 'spec.user', 'at least one of user or group must be specified', '');
    const user: UserInfo = {
      username: spec.user ?? '',
      groups: spec.groups ?? [],
      ...(spec.uid ? { uid: spec.uid } : {}),
      ...(spec.extra ? { extra: spec.extra } : {}),
    };
    return answered(object, decide(attributesOf(user, spec)));
  }

  return {
    'selfsubjectreviews.authentication.k8s.io': {
      answer: (object, { user }) =>
        answered(object, {
          userInfo: {
            username: user.username,
            ...(user.uid ? { uid: user.uid } : {}),
            groups: user.groups,
            ...(user.extra ? { extra: user.extra } : {}),
          },
        }),
    },
    'tokenreviews.authentication.k8s.io': {
      answer(object) {
        const spec = specOf<authentication_v1.TokenReviewSpec>(object);
        if (!spec.token) throw errors.badRequest('token is required for TokenReview in authentication');
        const wanted = spec.audiences ?? [];
        const verdict = authentication.reviewToken(
          spec.token,
          wanted.length > 0 ? wanted : authentication.audiences,
        );
        if (!verdict) return answered(object, { user: {} });
        const { username, uid, groups, extra } = authenticated(verdict.user);
        return answered(object, {
          authenticated: true,
          user: { username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) },
          audiences: verdict.audiences,
        });
      },
    },
    'subjectaccessreviews.authorization.k8s.io': { answer: subjectAccess },
    'localsubjectaccessreviews.authorization.k8s.io': {
      answer(object) {
        const spec = specOf<AccessSpec>(object);
        checkAttributes(object, spec);
        if (spec.nonResourceAttributes)
          throw invalid(
            object,
            'spec.nonResourceAttributes',
            'disallowed on this kind of request',
            spec.nonResourceAttributes,
          );
        if ((spec.resourceAttributes?.namespace ?? '') !== (object.metadata.namespace ?? ''))
          throw invalid(
            object,
            'spec.resourceAttributes.namespace',
            'must match metadata.namespace',
            spec.resourceAttributes?.namespace ?? '',
          );
        return subjectAccess(object);
      },
    },
    'selfsubjectaccessreviews.authorization.k8s.io': {
      answer(object, { user }) {
        const spec = specOf<authorization_v1.SelfSubjectAccessReviewSpec>(object);
        checkAttributes(object, spec);
        return answered(object, decide(attributesOf(user, spec)));
      },
    },
    'selfsubjectrulesreviews.authorization.k8s.io': {
      answer(object, { user }) {
        const { namespace = '' } = specOf<authorization_v1.SelfSubjectRulesReviewSpec>(object);
        if (!namespace) throw errors.badRequest('no namespace on request');
        return answered(object, authorizer.rulesFor(user, namespace));
      },
    },
  };
}
