/**
 * Reads `application/vnd.kubernetes.protobuf` bodies of built-in kinds, the form client-go and kubectl's typed commands send.
 *
 * The bytes are the four of `magic` and a `runtime.Unknown` message: apiVersion, kind, and the object's own message. Field
 * numbers come from the generated table (scripts/generate/protobuf.ts has its language); it is loaded when the first such body
 * arrives. The result is what Go would write as JSON: values that are empty and not behind a pointer are dropped.
 */

const magic = [0x6b, 0x38, 0x73, 0x00];

interface Field {
  name: string;
  type: string;
  shape: 'one' | 'list' | 'map';
  pointer: boolean;
  kept: boolean;
}
type Message = ReadonlyMap<number, Field>;

const messages = new Map<string, Message>();
let table: Readonly<Record<string, string>> | undefined;

/** A body that is not the encoding it says it is; the text is for the client. */
export class ProtobufError extends Error {
  override name = 'ProtobufError';
}

/** True if the bytes begin as the encoding does. */
export function isProtobuf(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** The object in a body, apiVersion and kind first. Throws ProtobufError if it is malformed or its kind has no such encoding. */
export async function decodeProtobuf(bytes: Uint8Array): Promise<Record<string, unknown>> {
  table ??= (await import('./generated/protobuf.json', { with: { type: 'json' } })).default;
  if (!isProtobuf(bytes))
    throw new ProtobufError('the body does not begin with the Kubernetes protobuf prefix');
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  const outer = new Reader(bytes.subarray(magic.length));
  for (let tag = outer.tag(); tag; tag = outer.tag()) {
    if (tag.field === 1 && tag.wire === 2) {
      const meta = new Reader(outer.bytes());
      for (let inner = meta.tag(); inner; inner = meta.tag()) {
        if (inner.field === 1 && inner.wire === 2) apiVersion = meta.text();
        else if (inner.field === 2 && inner.wire === 2) kind = meta.text();
        else meta.skip(inner.wire);
      }
    } else if (tag.field === 2 && tag.wire === 2) raw = outer.bytes();
    else outer.skip(tag.wire);
  }
  const message = messageOf(messageName(apiVersion, kind));
  if (!message)
    throw new ProtobufError(`no protobuf form is known of ${apiVersion || 'no version'}, Kind=${kind}`);
  return { apiVersion, kind, ...readMessage(new Reader(raw), message, 0) };
}

/** `apps/v1` and `Deployment` -> `apps.v1.Deployment`, the table's name. */
function messageName(apiVersion: string, kind: string): string {
  if (kind === 'DeleteOptions') return 'meta.v1.DeleteOptions';
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const short = group === 'internal.apiserver.k8s.io' ? 'apiserverinternal' : group.split('.')[0] || 'core';
  return `${short}.${apiVersion.slice(slash + 1)}.${kind}`;
}

function messageOf(name: string): Message | undefined {
  const known = messages.get(name);
  if (known) return known;
  if (!table || !Object.hasOwn(table, name)) return undefined;
  const fields = new Map<number, Field>();
  for (const text of (table[name] ?? '').split(';').filter(Boolean)) {
    const [number = '', fieldName = '', typeText = ''] = text.split(' ');
    const pointer = typeText.endsWith('*');
    const kept = typeText.endsWith('!');
    const bare = pointer || kept ? typeText.slice(0, -1) : typeText;
    const shape = bare.startsWith('[]') ? 'list' : bare.startsWith('{}') ? 'map' : 'one';
    fields.set(Number(number), {
      name: fieldName,
      type: shape === 'one' ? bare : bare.slice(2),
      shape,
      pointer,
      kept,
    });
  }
  messages.set(name, fields);
  return fields;
}

/** Objects nest this deep at most; a hostile body could otherwise exhaust the stack. */
const deepest = 100;

function readMessage(reader: Reader, message: Message, depth: number): Record<string, unknown> {
  if (depth > deepest) throw new ProtobufError(`the body nests deeper than ${deepest} messages`);
  const result: Record<string, unknown> = {};
  for (let tag = reader.tag(); tag; tag = reader.tag()) {
    const field = message.get(tag.field);
    if (!field) {
      reader.skip(tag.wire);
      continue;
    }
    if (field.shape === 'map') {
      const [key, value] = readEntry(new Reader(reader.bytes()), field.type, depth);
      const map = (result[field.name] ??= {}) as Record<string, unknown>;
      Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
      continue;
    }
    const value = readValue(reader, tag.wire, field.type, depth);
    if (field.shape === 'list') ((result[field.name] ??= []) as unknown[]).push(value);
    else if (field.name === '-') Object.assign(result, value);
    else if (field.pointer || field.kept || !isEmpty(value)) result[field.name] = value;
  }
  return result;
}

function readEntry(reader: Reader, type: string, depth: number): [string, unknown] {
  let key = '';
  let value: unknown = type === 'string' || type === 'bytes' ? '' : undefined;
  for (let tag = reader.tag(); tag; tag = reader.tag()) {
    if (tag.field === 1) key = reader.text();
    else if (tag.field === 2) value = readValue(reader, tag.wire, type, depth);
    else reader.skip(tag.wire);
  }
  return [key, value];
}

function readValue(reader: Reader, wire: number, type: string, depth: number): unknown {
  switch (type) {
    case 'string':
      return reader.text();
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    case 'bool':
      return reader.integer() !== 0;
    case 'int':
      return reader.integer();
    case 'double':
      return reader.double();
    default:
  }
  if (wire !== 2) throw new ProtobufError(`a ${type} has wire type ${wire}`);
  const inner = new Reader(reader.bytes());
  const special = specials[type] ?? (/\.(ExtraValue|Verbs)$/.test(type) ? readItems : undefined);
  if (special) return special(inner);
  const message = messageOf(type);
  if (!message) throw new ProtobufError(`no protobuf form is known of ${type}`);
  return readMessage(inner, message, depth + 1);
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false || value === null || value === undefined) return true;
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** Messages whose JSON is not an object of their fields. */
const specials: Record<string, (reader: Reader) => unknown> = {
  'pkg.api.resource.Quantity': (reader) => fieldsOf(reader).texts.get(1) ?? '0',
  'pkg.util.intstr.IntOrString'(reader) {
    const { numbers, texts } = fieldsOf(reader);
    return numbers.get(1) === 1 ? (texts.get(3) ?? '') : (numbers.get(2) ?? 0);
  },
  'meta.v1.Time': (reader) => readTime(reader, false),
  'meta.v1.MicroTime': (reader) => readTime(reader, true),
  'meta.v1.Duration'(reader) {
    const seconds = (fieldsOf(reader).numbers.get(1) ?? 0) / 1e9;
    return `${seconds}s`;
  },
  'meta.v1.FieldsV1': readJson,
  'pkg.runtime.RawExtension': readJson,
};

function fieldsOf(reader: Reader): { numbers: Map<number, number>; texts: Map<number, string> } {
  const numbers = new Map<number, number>();
  const texts = new Map<number, string>();
  for (let tag = reader.tag(); tag; tag = reader.tag()) {
    if (tag.wire === 0) numbers.set(tag.field, reader.integer());
    else if (tag.wire === 2) texts.set(tag.field, reader.text());
    else reader.skip(tag.wire);
  }
  return { numbers, texts };
}

/** RFC 3339; null for the zero time, which is what an empty message stands for. */
function readTime(reader: Reader, micro: boolean): string | null {
  const { numbers } = fieldsOf(reader);
  const seconds = numbers.get(1);
  if (seconds === undefined) return null;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new ProtobufError('a time is out of range');
  const text = date.toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  return `${text}.${String(Math.floor((numbers.get(2) ?? 0) / 1000)).padStart(6, '0')}Z`;
}

function readJson(reader: Reader): unknown {
  const text = fieldsOf(reader).texts.get(1);
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtobufError('a field that holds JSON does not', { cause });
  }
}

function readItems(reader: Reader): string[] {
  const items: string[] = [];
  for (let tag = reader.tag(); tag; tag = reader.tag()) {
    if (tag.field === 1 && tag.wire === 2) items.push(reader.text());
    else reader.skip(tag.wire);
  }
  return items;
}

/** The wire format (protobuf.dev, "Encoding"): varints, 64-bit, length-delimited and 32-bit values. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next field's number and wire type; undefined at the end. */
  tag(): { field: number; wire: number } | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const tag = Number(this.#varint());
    return { field: Math.floor(tag / 8), wire: tag % 8 };
  }

  /** A varint as a signed 64-bit number; beyond 2^53 it is rounded. */
  integer(): number {
    return Number(BigInt.asIntN(64, this.#varint()));
  }

  double(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true);
  }

  bytes(): Uint8Array {
    const length = Number(this.#varint());
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  skip(wire: number): void {
    if (wire === 0) this.#varint();
    else if (wire === 1) this.#take(8);
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.#take(4);
    else throw new ProtobufError(`unknown wire type ${wire}`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw new ProtobufError('the body ends in the middle of a field');
    this.#at += length;
    return at;
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#take(1)] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError('a number is longer than ten bytes');
  }
}
