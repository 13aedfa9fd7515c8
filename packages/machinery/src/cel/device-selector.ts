/**
 * CEL selectors of devices (`resource.k8s.io`): compiled once, evaluated for each device of each node.
 *
 * The one variable is `device`, with `driver`, `attributes[domain].name`, `capacity[domain].name` (quantities) and
 * `allowMultipleAllocations`. A domain that the device does not name is an empty map; a name that is missing in its domain is an error.
 */
import type { resource_v1 } from '../api/index.ts';
import { declare } from './declare.ts';
import { type Environment, environment } from './environment.ts';
import { celEqual } from './equality.ts';
import { CelError } from './errors.ts';
import { formatIssues } from './issues.ts';
import { kubernetesLibraries } from './library/index.ts';
import { type CelQuantity, readQuantity } from './library/quantity.ts';
import { readSemver } from './library/semver.ts';
import { compileCel } from './program.ts';
import { showType, type Type, types } from './types.ts';
import { CelMap, CelObject, type CelValue, TextMap, typeName } from './values.ts';

/**
 * What a selector sees of a device. Qualified names without a domain belong to the domain of the driver. Frozen, as objects of the API
 * are: what was read of it once is kept for the next selector.
 */
export interface SelectableDevice {
  readonly driver: string;
  readonly attributes?: Readonly<Record<string, resource_v1.DeviceAttribute>> | undefined;
  readonly capacity?: Readonly<Record<string, resource_v1.DeviceCapacity>> | undefined;
  readonly allowMultipleAllocations?: boolean | undefined;
}

export interface DeviceSelector {
  readonly expression: string;
  /**
   * Whether the device is wanted. Throws CelError where evaluation fails (say, an attribute is missing): upstream gives up the
   * allocation on that node then, and does not take it for false.
   */
  matches(device: SelectableDevice): boolean;
}

/** Steps one evaluation may take, as upstream limits it. */
const costLimit = 1_000_000;

const quantity = types.opaque('kubernetes.Quantity');
const fields: Readonly<Record<string, Type>> = {
  driver: types.string,
  attributes: types.map(types.string, types.map(types.string, types.dyn)),
  capacity: types.map(types.string, types.map(types.string, quantity)),
  allowMultipleAllocations: types.bool,
};
const deviceType: Type = {
  kind: 'object',
  name: 'kubernetes.DRADevice',
  field: (name) => (Object.hasOwn(fields, name) ? fields[name] : undefined),
};
let deviceEnvironment: Environment | undefined;
/** Made on first use. */
function deviceEnv(): Environment {
  deviceEnvironment ??= environment({
    variables: { device: deviceType },
    libraries: [...kubernetesLibraries, includes],
    homogeneous: true,
  });
  return deviceEnvironment;
}

/** Values an attribute may have. */
const maxValues = 48;
/** `attribute.includes(value)`, whether the attribute has one value or several. */
const includes = [
  declare('dyn.includes(dyn): bool', (attribute: CelValue, value: CelValue) => {
    if (!Array.isArray(attribute)) return celEqual(attribute, value);
    if (attribute.length > maxValues)
      throw new CelError(`'includes' function cannot be applied to lists longer than ${maxValues} values`);
    return attribute.some((item) => celEqual(item, value));
  }),
];

export type CompiledSelector =
  | { readonly program: DeviceSelector; readonly error?: never }
  | { readonly error: string; readonly program?: never };

/** How many compiled selectors are kept: claims from one template all bring the same expression. */
const maxKept = 1_000;
const kept = new Map<string, CompiledSelector>();

/** A selector, or why the expression is none (the API server's words for the field error). Compiled once an expression. */
export function compileDeviceSelector(expression: string): CompiledSelector {
  const known = kept.get(expression);
  if (known) return known;
  const compiled = compile(expression);
  if (kept.size >= maxKept) kept.clear();
  kept.set(expression, compiled);
  return compiled;
}

function compile(expression: string): CompiledSelector {
  const compiled = compileCel(expression, deviceEnv());
  if (!compiled.ok) return { error: `compilation failed: ${formatIssues(expression, compiled.issues)}` };
  const { program } = compiled;
  if (program.type.kind !== 'bool' && program.type.kind !== 'dyn')
    return { error: `must evaluate to bool or the unknown type, not ${showType(program.type)}` };
  return {
    program: {
      expression,
      matches(device) {
        const result = program.evaluate({ device: viewOf(device) }, costLimit);
        if (typeof result === 'boolean') return result;
        throw new CelError(`CEL result of type ${typeName(result)} could not be converted to bool`);
      },
    },
  };
}

/** What was read of devices, for as long as they are about: many selectors look at the same frozen objects. */
const views = new WeakMap<SelectableDevice, DeviceView>();

function viewOf(device: SelectableDevice): DeviceView {
  const known = views.get(device);
  if (known) return known;
  const view = new DeviceView(device);
  views.set(device, view);
  return view;
}

/** A device as the value that expressions read. */
class DeviceView extends CelObject {
  override readonly typeName = 'kubernetes.DRADevice';
  readonly #device: SelectableDevice;
  readonly #attributes: DomainMap<resource_v1.DeviceAttribute>;
  readonly #capacity: DomainMap<resource_v1.DeviceCapacity>;

  constructor(device: SelectableDevice) {
    super();
    this.#device = device;
    const { driver } = device;
    this.#attributes = new DomainMap(driver, device.attributes ?? {}, attributeValue);
    this.#capacity = new DomainMap(driver, device.capacity ?? {}, capacityValue);
  }
  override field(name: string): CelValue | undefined {
    switch (name) {
      case 'driver':
        return this.#device.driver;
      case 'attributes':
        return this.#attributes;
      case 'capacity':
        return this.#capacity;
      case 'allowMultipleAllocations':
        return this.#device.allowMultipleAllocations ?? false;
      default:
        throw new CelError(`no such field '${name}'`);
    }
  }
  override equals(other: CelObject): boolean {
    return this === other;
  }
}

function attributeValue(attribute: resource_v1.DeviceAttribute, name: string): CelValue {
  const version = (text: string): CelValue => {
    const parsed = readSemver(text);
    if (!parsed) throw new CelError(`attribute ${name}: parse semantic version: ${text}`);
    return parsed;
  };
  if (attribute.int !== undefined) return attribute.int;
  if (attribute.bool !== undefined) return attribute.bool;
  if (attribute.string !== undefined) return attribute.string;
  if (attribute.version !== undefined) return version(attribute.version);
  const list = attribute.ints ?? attribute.bools ?? attribute.strings ?? attribute.versions?.map(version);
  if (list) return list;
  throw new CelError(`attribute ${name}: unsupported attribute value`);
}
const capacityValue = ({ value }: resource_v1.DeviceCapacity): CelQuantity => readQuantity(value);

/** Domains to what is named in them. There is an empty map for every domain that is not named. */
class DomainMap<T> extends CelMap {
  readonly #driver: string;
  /** The driver's own domain, which is what selectors mostly read. */
  readonly #own: TextMap;
  readonly #domains: ReadonlyMap<string, TextMap>;

  constructor(driver: string, named: Readonly<Record<string, T>>, read: (item: T, name: string) => CelValue) {
    super();
    const domains = new Map<string, Map<string, CelValue>>();
    for (const [name, item] of Object.entries(named)) {
      const slash = name.indexOf('/');
      const domain = slash < 0 ? driver : name.slice(0, slash);
      const values = domains.get(domain) ?? new Map<string, CelValue>();
      domains.set(domain, values.set(name.slice(slash + 1), read(item, name)));
    }
    this.#domains = new Map([...domains].map(([domain, values]) => [domain, new TextMap(values)]));
    this.#driver = driver;
    this.#own = this.#domains.get(driver) ?? nothing;
  }
  override get size(): number {
    return this.#domains.size;
  }
  override field(name: string): CelValue | undefined {
    return name === this.#driver ? this.#own : (this.#domains.get(name) ?? nothing);
  }
  override get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' ? this.field(key) : undefined;
  }
  override keys(): Iterable<CelValue> {
    return this.#domains.keys();
  }
}
const nothing = new TextMap(new Map());
