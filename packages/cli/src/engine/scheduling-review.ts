/** Serves SchedulingReview: the engine's API answers it with what its scheduler says. */
import type { Authorizer, Strategy } from '@coracle/apiserver';
import { ApiError, type Kind, type UserInfo } from '@coracle/machinery';
import {
  nothingOfThatName,
  queryOf,
  reviewProblems,
  schedulingReviewKind,
  type Scheduler,
} from '@coracle/scheduler';

/** `scheduler`: the one that runs; undefined while it starts. */
export function schedulingReview(
  scheduler: () => Scheduler | undefined,
  authorizer: Pick<Authorizer, 'authorize'>,
): { kind: Kind; strategy: Strategy } {
  /** Pods of other namespaces are named only to those who may list them. */
  const visibleTo = (user: UserInfo): ((namespace: string) => boolean) => {
    const known = new Map<string, boolean>();
    return (namespace) => {
      let allowed = known.get(namespace);
      if (allowed === undefined) {
        allowed = authorizer.authorize({
          user,
          verb: 'list',
          isResource: true,
          path: '',
          group: '',
          version: 'v1',
          resource: 'pods',
          subresource: '',
          namespace,
          name: '',
        }).allowed;
        known.set(namespace, allowed);
      }
      return allowed;
    };
  };
  return {
    kind: schedulingReviewKind(),
    strategy: {
      validate: reviewProblems,
      async answer(object, { user }) {
        const asked = scheduler();
        if (!asked) throw new ApiError('ServiceUnavailable', 'the scheduler is starting: ask again');
        const query = queryOf(object);
        const answer = await asked.explain(query, visibleTo(user));
        if (!answer) throw nothingOfThatName(query);
        return { ...object, status: answer };
      },
    },
  };
}
