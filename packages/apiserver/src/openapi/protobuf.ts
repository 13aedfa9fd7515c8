/**
 * The v2 document in gnostic's protobuf form (package openapi.v2), which clients written in Go ask for. Written straight from
 * the JSON document: each table below lists a message's fields by number; extensions (`x-…`) become NamedAny.
 */

type Json = Record<string, unknown>;

/** Grows as it is written. */
class Writer {
  #buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const next = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(next, 0, 0, this.#length);
    this.#buffer = next;
  }
  varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }
  bytes(field: number, bytes: Uint8Array): void {
    this.varint(field * 8 + 2);
    this.varint(bytes.length);
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }
  string(field: number, text: string): void {
    this.bytes(field, Buffer.from(text));
  }
  double(field: number, value: number): void {
    this.varint(field * 8 + 1);
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }
  number(field: number, value: number): void {
    this.varint(field * 8);
    this.varint(value);
  }
  done(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

type Encoder = (writer: Writer, field: number, value: unknown) => void;
type Message = (value: Json) => Buffer;

const string: Encoder = (w, field, value) => w.string(field, String(value as string));
const bool: Encoder = (w, field, value) => value === true && w.number(field, 1);
const int: Encoder = (w, field, value) => w.number(field, Math.max(0, Number(value)));
const double: Encoder = (w, field, value) => w.double(field, Number(value));
const each =
  (encoder: Encoder): Encoder =>
  (w, field, value) => {
    for (const item of Array.isArray(value) ? value : []) encoder(w, field, item);
  };
const message =
  (encode: Message): Encoder =>
  (w, field, value) =>
    w.bytes(field, encode(value as Json));
/** An Any: gnostic keeps the value as YAML, of which JSON is a part. */
const any: Encoder = (w, field, value) => {
  const inner = new Writer();
  inner.string(2, `${JSON.stringify(value)}\n`);
  w.bytes(field, inner.done());
};
/** Objects that are maps become a list of named values. */
const named =
  (encoder: Encoder): Encoder =>
  (w, field, value) => {
    for (const [name, item] of Object.entries(value as Json)) {
      const inner = new Writer();
      inner.string(1, name);
      encoder(inner, 2, item);
      w.bytes(field, inner.done());
    }
  };
/** A message that only wraps a repeated field 1. */
const wrapped =
  (encoder: Encoder): Encoder =>
  (w, field, value) => {
    const inner = new Writer();
    encoder(inner, 1, value);
    w.bytes(field, inner.done());
  };

type Fields = Record<string, readonly [number, Encoder]>;

/** A message by its table; `extensions` is the number of its vendor_extension field. */
function record(fields: () => Fields, extensions: number): Message {
  let table: Fields | undefined;
  return (value) => {
    table ??= fields();
    const w = new Writer();
    for (const [key, [field, encoder]] of Object.entries(table))
      if (value[key] !== undefined) encoder(w, field, value[key]);
    for (const [key, item] of Object.entries(value))
      if (key.startsWith('x-')) named(any)(w, extensions, { [key]: item });
    return w.done();
  };
}

const schema: Message = record(
  () => ({
    $ref: [1, string],
    format: [2, string],
    title: [3, string],
    description: [4, string],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, bool],
    minimum: [9, double],
    exclusiveMinimum: [10, bool],
    maxLength: [11, int],
    minLength: [12, int],
    pattern: [13, string],
    maxItems: [14, int],
    minItems: [15, int],
    uniqueItems: [16, bool],
    maxProperties: [17, int],
    minProperties: [18, int],
    required: [19, each(string)],
    enum: [20, each(any)],
    additionalProperties: [21, additional],
    type: [22, (w, field, value) => wrapped(each(string))(w, field, Array.isArray(value) ? value : [value])],
    items: [
      23,
      (w, field, value) => wrapped(each(message(schema)))(w, field, Array.isArray(value) ? value : [value]),
    ],
    allOf: [24, each(message(schema))],
    properties: [25, wrapped(named(message(schema)))],
    discriminator: [26, string],
    readOnly: [27, bool],
    example: [30, any],
  }),
  31,
);

/** `additionalProperties`: a schema (1) or a boolean (2). */
function additional(w: Writer, field: number, value: unknown): void {
  const inner = new Writer();
  if (typeof value === 'boolean') inner.number(2, value ? 1 : 0);
  else inner.bytes(1, schema(value as Json));
  w.bytes(field, inner.done());
}

/** Fields that all non-body parameters have, numbered alike in gnostic's four messages but for allowEmptyValue. */
const plainParameter = (hasAllowEmpty: boolean): Message =>
  record(
    () => ({
      required: [1, bool],
      in: [2, string],
      description: [3, string],
      name: [4, string],
      ...(hasAllowEmpty ? { allowEmptyValue: [5, bool] as const } : {}),
      type: [hasAllowEmpty ? 6 : 5, string],
      format: [hasAllowEmpty ? 7 : 6, string],
    }),
    hasAllowEmpty ? 23 : 22,
  );
/** Number of each place in NonBodyParameter, and its message. */
const places: Record<string, readonly [number, Message]> = {
  header: [1, plainParameter(false)],
  formData: [2, plainParameter(true)],
  query: [3, plainParameter(true)],
  path: [4, plainParameter(false)],
};
const bodyParameter = record(
  () => ({
    description: [1, string],
    name: [2, string],
    in: [3, string],
    required: [4, bool],
    schema: [5, message(schema)],
  }),
  6,
);

/** ParametersItem: a parameter (1: body or not) or a reference (2). */
const parameter: Encoder = (w, field, value) => {
  const json = value as Json;
  const item = new Writer();
  if (json['$ref'] !== undefined) {
    const reference = new Writer();
    reference.string(1, String(json['$ref'] as string));
    item.bytes(2, reference.done());
  } else {
    const either = new Writer();
    if (json['in'] === 'body') either.bytes(1, bodyParameter(json));
    else {
      const [number, encode] = places[String(json['in'] as string)] ?? [3, plainParameter(true)];
      const place = new Writer();
      place.bytes(number, encode(json));
      either.bytes(2, place.done());
    }
    item.bytes(1, either.done());
  }
  w.bytes(field, item.done());
};

/** ResponseValue wraps a Response (1), whose SchemaItem wraps a schema (1). */
const response: Encoder = (w, field, value) => {
  const item = new Writer();
  item.bytes(
    1,
    record(() => ({ description: [1, string], schema: [2, wrapped(message(schema))] }), 5)(value as Json),
  );
  w.bytes(field, item.done());
};

const operation = record(
  () => ({
    tags: [1, each(string)],
    summary: [2, string],
    description: [3, string],
    operationId: [5, string],
    produces: [6, each(string)],
    consumes: [7, each(string)],
    parameters: [8, each(parameter)],
    responses: [9, wrapped(named(response))],
    schemes: [10, each(string)],
    deprecated: [11, bool],
  }),
  13,
);

const pathItem = record(
  () => ({
    get: [2, message(operation)],
    put: [3, message(operation)],
    post: [4, message(operation)],
    delete: [5, message(operation)],
    options: [6, message(operation)],
    head: [7, message(operation)],
    patch: [8, message(operation)],
    parameters: [9, each(parameter)],
  }),
  10,
);

const info = record(() => ({ title: [1, string], version: [2, string], description: [3, string] }), 7);

/**
 * The bytes of a v2 document (an object as in `/openapi/v2`'s JSON). `pause` is called between parts and may make the work
 * wait, so that a large document does not hold up everybody else.
 */
export async function encodeDocument(
  json: Json,
  pause: () => Promise<void> | undefined,
): Promise<Uint8Array> {
  const w = new Writer();
  if (json['swagger'] !== undefined) string(w, 1, json['swagger']);
  if (json['info'] !== undefined) message(info)(w, 2, json['info']);
  w.bytes(8, await parts(json['paths'], 2, message(pathItem), pause));
  w.bytes(9, await parts(json['definitions'], 1, message(schema), pause));
  return w.done();
}

/** The named values of a map as a repeated field. */
async function parts(
  map: unknown,
  field: number,
  encoder: Encoder,
  pause: () => Promise<void> | undefined,
): Promise<Buffer> {
  const w = new Writer();
  for (const [name, value] of Object.entries((map ?? {}) as Json)) {
    named(encoder)(w, field, { [name]: value });
    const turn = pause();
    if (turn) await turn;
  }
  return w.done();
}
