/** Kubernetes' named formats: `format.dns1123Label().validate(name)`. */
import { dns1035Label, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../../names.ts';
import { formatAllows } from '../../schema/formats.ts';
import { declare } from '../declare.ts';
import { Opaque, Optional } from '../values.ts';

/** Why a text is not of the format; undefined if it is. */
type Problem = (text: string) => string | undefined;

class NamedFormat extends Opaque {
  override readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly problem: Problem;
  constructor(name: string, problem: Problem) {
    super();
    this.name = name;
    this.problem = problem;
  }
  override equals(other: Opaque): boolean {
    return other instanceof NamedFormat && other.name === this.name;
  }
}

/** A name to which more is added: it may end in a dash. */
const prefix =
  (problem: Problem): Problem =>
  (text) =>
    problem(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
const schemaFormat =
  (format: string, message: string): Problem =>
  (text) =>
    formatAllows(format, text) ? undefined : message;

const named: readonly NamedFormat[] = Object.entries({
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  labelValue,
  dns1123LabelPrefix: prefix(dns1123Label),
  dns1123SubdomainPrefix: prefix(dns1123Subdomain),
  dns1035LabelPrefix: prefix(dns1035Label),
  uri: schemaFormat('uri', 'invalid URI'),
  uuid: schemaFormat('uuid', 'does not match the UUID format'),
  byte: schemaFormat('byte', 'invalid base64'),
  date: schemaFormat('date', 'invalid date'),
  datetime: schemaFormat('date-time', 'invalid datetime'),
}).map(([name, problem]) => new NamedFormat(name, problem));

export const formats = [
  ...named.map((format) => declare(`#format.${format.name}(): NamedFormat`, () => format)),
  declare('#format.named(string): optional<NamedFormat>', (name: string) => {
    const found = named.find((format) => format.name === name);
    return found ? new Optional(found) : Optional.none;
  }),
  declare('NamedFormat.validate(string): optional<list<string>>', (format: NamedFormat, text: string) => {
    const problem = format.problem(text);
    return problem === undefined ? Optional.none : new Optional([problem]);
  }),
];
