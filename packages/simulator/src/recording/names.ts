/**
 * Names of people's things, as they are or as hashes. Hashing keeps what constraints compare (equal texts stay equal) and what
 * everybody's clusters share: keys and values of labels of Kubernetes and of makers of cards. What a name was cannot be read back: the
 * hash is keyed with a salt that is not kept. An operator `Gt` or `Lt` on a hashed value no longer holds.
 */
import { createHmac } from 'node:crypto';

/** Prefixes of label keys that say nothing about whose cluster it is. */
const publicKey =
  /^(([a-z0-9-]+\.)*(kubernetes\.io|k8s\.io|nvidia\.com|amd\.com|intel\.com|coracle\.dev)|alibabacloud\.com|cloud\.google\.com|eks\.amazonaws\.com)\/|^DoesNotExist$/;
/** API groups, the core's and those without a dot among them. */
const publicGroup =
  /^([a-z0-9]+|[a-z0-9]+\/[a-z0-9]+|([a-z0-9.-]+\.)?(k8s\.io|kubeflow\.org|volcano\.sh|ray\.io|coracle\.dev)\/.*)$/;
const publicScheduler = /^(default-scheduler|coracle.*|volcano|scheduler-plugins-scheduler)$/;
/** Labels of public keys whose values are names. */
const namedValue =
  /^(kubernetes\.io\/hostname|topology\.kubernetes\.io\/(zone|region)|kubernetes\.io\/metadata\.name|app\.kubernetes\.io\/.*|batch\.kubernetes\.io\/.*|.*\/cluster(-name)?)$/;

export class Names {
  readonly #salt: Uint8Array | undefined;
  readonly #known = new Map<string, string>();

  /** With a salt, names are hashed. */
  constructor(salt?: Uint8Array) {
    this.#salt = salt;
  }

  get hashed(): boolean {
    return this.#salt !== undefined;
  }

  name(text: string): string {
    if (!this.#salt || text === '') return text;
    let hash = this.#known.get(text);
    if (hash === undefined) {
      hash = `x${createHmac('sha256', this.#salt).update(text).digest('hex').slice(0, 12)}`;
      if (this.#known.size >= mostKnown) this.#known.clear();
      this.#known.set(text, hash);
    }
    return hash;
  }

  labelKey(key: string): string {
    return publicKey.test(key) ? key : this.name(key);
  }
  labelValue(key: string, value: string): string {
    return publicKey.test(key) && !namedValue.test(key) ? value : this.name(value);
  }
  labels(labels: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [this.labelKey(key), this.labelValue(key, value)]),
    );
  }

  /** Kinds of Kubernetes and of projects that everybody knows stay as they are. */
  kind(apiVersion: string, kind: string): { apiVersion: string; kind: string } {
    if (!this.#salt || publicGroup.test(apiVersion)) return { apiVersion, kind };
    return { apiVersion: this.name(apiVersion), kind: this.name(kind) };
  }
  scheduler(name: string): string {
    return publicScheduler.test(name) ? name : this.name(name);
  }

  /** A taint or a toleration. */
  keyed<T extends { readonly key?: string | undefined; readonly value?: string | undefined }>(of: T): T {
    if (!this.#salt) return of;
    const { key, value } = of;
    return {
      ...of,
      ...(key === undefined ? {} : { key: this.labelKey(key) }),
      ...(value === undefined ? {} : { value: this.labelValue(key ?? '', value) }),
    };
  }

  /** Affinities and spread constraints: hashes keys and values in label selectors and node selector terms, and namespaces. */
  constraints<T>(of: T): T {
    return this.#salt ? (this.#walk(of) as T) : of;
  }

  #walk(of: unknown): unknown {
    if (Array.isArray(of)) return of.map((one) => this.#walk(one));
    if (typeof of !== 'object' || of === null) return of;
    const from = of as Record<string, unknown>;
    const key = typeof from['key'] === 'string' ? from['key'] : undefined;
    const to: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(from)) {
      if (field === 'key') to[field] = key === 'metadata.name' ? key : this.labelKey(String(value));
      else if (field === 'values' && Array.isArray(value)) {
        to[field] = value.map((one) => this.labelValue(key ?? '', String(one)));
      } else if (field === 'matchLabels') to[field] = this.labels(value as Record<string, string>);
      else if (field === 'matchLabelKeys' || field === 'mismatchLabelKeys') {
        to[field] = (value as string[]).map((one) => this.labelKey(one));
      } else if (field === 'topologyKey') to[field] = this.labelKey(String(value));
      else if (field === 'namespaces') to[field] = (value as string[]).map((one) => this.name(one));
      else to[field] = this.#walk(value);
    }
    return to;
  }
}

/** Hashes kept, so that memory stays bounded. */
const mostKnown = 100_000;
