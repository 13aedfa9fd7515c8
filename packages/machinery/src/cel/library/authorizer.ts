/** Kubernetes' authorizer: `authorizer.group("apps").resource("deployments").namespace("a").check("get").allowed()`. */
import { declare } from '../declare.ts';
import { Opaque } from '../values.ts';

/** What is asked of the server's authorizer. */
export interface AccessQuestion {
  readonly verb: string;
  /** Of a request that is about no resource; then the rest is empty. */
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Set: asked for this service account, not for who makes the request. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string } | undefined;
}
export type Decide = (question: AccessQuestion) => { allowed: boolean; reason?: string | undefined };

type Kind = 'Authorizer' | 'PathCheck' | 'GroupCheck' | 'ResourceCheck';
const nothing: AccessQuestion = {
  verb: '',
  path: '',
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  serviceAccount: undefined,
};

/** A question in the making. */
export class Authorizer extends Opaque {
  override readonly typeName: string;
  readonly #decide: Decide;
  readonly #question: AccessQuestion;
  constructor(decide: Decide, kind: Kind = 'Authorizer', question: AccessQuestion = nothing) {
    super();
    this.typeName = `kubernetes.authorization.${kind}`;
    this.#decide = decide;
    this.#question = question;
  }
  override equals(other: Opaque): boolean {
    return this === other;
  }
  with(kind: Kind, more: Partial<AccessQuestion>): Authorizer {
    return new Authorizer(this.#decide, kind, { ...this.#question, ...more });
  }
  check(verb: string): Decision {
    try {
      const { allowed, reason = '' } = this.#decide({ ...this.#question, verb });
      return new Decision(allowed, reason, '');
    } catch (error) {
      return new Decision(false, '', error instanceof Error ? error.message : String(error));
    }
  }
}
class Decision extends Opaque {
  override readonly typeName = 'kubernetes.authorization.Decision';
  readonly allowed: boolean;
  readonly reason: string;
  /** Why nothing could be decided; '' if it was. */
  readonly error: string;
  constructor(allowed: boolean, reason: string, error: string) {
    super();
    this.allowed = allowed;
    this.reason = reason;
    this.error = error;
  }
  override equals(other: Opaque): boolean {
    return this === other;
  }
}

const part =
  (kind: Kind, field: 'path' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name') =>
  (authorizer: Authorizer, value: string): Authorizer =>
    authorizer.with(kind, { [field]: value });
const check = (authorizer: Authorizer, verb: string): Decision => authorizer.check(verb);
/** A decision looks through the rules of the cluster. */
const checkCost = (): number => 350_000;

export const authorizers = [
  declare('Authorizer.path(string): PathCheck', part('PathCheck', 'path')),
  declare('Authorizer.group(string): GroupCheck', part('GroupCheck', 'group')),
  declare(
    'Authorizer.serviceAccount(string, string): Authorizer',
    (authorizer: Authorizer, namespace: string, name: string) =>
      authorizer.with('Authorizer', { serviceAccount: { namespace, name } }),
  ),
  declare('PathCheck.check(string): Decision', check, checkCost),
  declare('GroupCheck.resource(string): ResourceCheck', part('ResourceCheck', 'resource')),
  declare('ResourceCheck.subresource(string): ResourceCheck', part('ResourceCheck', 'subresource')),
  declare('ResourceCheck.namespace(string): ResourceCheck', part('ResourceCheck', 'namespace')),
  declare('ResourceCheck.name(string): ResourceCheck', part('ResourceCheck', 'name')),
  declare('ResourceCheck.check(string): Decision', check, checkCost),
  declare('Decision.allowed(): bool', ({ allowed }: Decision) => allowed),
  declare('Decision.reason(): string', ({ reason }: Decision) => reason),
  declare('Decision.errored(): bool', ({ error }: Decision) => error !== ''),
  declare('Decision.error(): string', ({ error }: Decision) => error),
];
