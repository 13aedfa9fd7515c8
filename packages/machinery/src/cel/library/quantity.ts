/** Kubernetes' quantities: `quantity("1.5Gi")`, their order and arithmetic. */
import { parseQuantity, type Quantity, quantityProblem, Quantity as QuantityValue } from '../../quantity.ts';
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { Double, type Int, Opaque, toInt } from '../values.ts';
import { textCost } from './operators.ts';

export class CelQuantity extends Opaque {
  override readonly typeName = 'kubernetes.Quantity';
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }
  override equals(other: Opaque): boolean {
    return other instanceof CelQuantity && other.quantity.nanos === this.quantity.nanos;
  }
}

/** The quantity that a text is. Throws CelError. */
export function readQuantity(text: string): CelQuantity {
  try {
    return new CelQuantity(parseQuantity(text));
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : String(error));
  }
}

const nano = 1_000_000_000n;
const isWhole = ({ quantity: { nanos } }: CelQuantity): boolean =>
  nanos % nano === 0n && BigInt.asIntN(64, nanos / nano) === nanos / nano;
function wholeUnits(value: CelQuantity): Int {
  if (!isWhole(value)) throw new CelError('cannot convert value to integer');
  return toInt(value.quantity.nanos / nano);
}
const units = (value: Int): Quantity => QuantityValue.of(value);
const sum = (a: CelQuantity, b: Quantity): CelQuantity => new CelQuantity(a.quantity.add(b));
const difference = (a: CelQuantity, b: Quantity): CelQuantity => new CelQuantity(a.quantity.sub(b));

export const quantities = [
  declare('quantity(string): Quantity', readQuantity, textCost),
  declare('isQuantity(string): bool', (text: string) => quantityProblem(text) === undefined, textCost),
  declare('Quantity.sign(): int', ({ quantity: { nanos } }: CelQuantity) =>
    nanos < 0n ? -1 : nanos > 0n ? 1 : 0,
  ),
  declare('Quantity.isInteger(): bool', isWhole),
  declare('Quantity.asInteger(): int', wholeUnits),
  declare(
    'Quantity.asApproximateFloat(): double',
    ({ quantity }: CelQuantity) => new Double(quantity.toNumber()),
  ),
  declare(
    'Quantity.isGreaterThan(Quantity): bool',
    (a: CelQuantity, b: CelQuantity) => a.quantity.cmp(b.quantity) > 0,
  ),
  declare(
    'Quantity.isLessThan(Quantity): bool',
    (a: CelQuantity, b: CelQuantity) => a.quantity.cmp(b.quantity) < 0,
  ),
  declare('Quantity.compareTo(Quantity): int', (a: CelQuantity, b: CelQuantity) =>
    a.quantity.cmp(b.quantity),
  ),
  declare('Quantity.add(Quantity): Quantity', (a: CelQuantity, b: CelQuantity) => sum(a, b.quantity)),
  declare('Quantity.add(int): Quantity', (a: CelQuantity, b: Int) => sum(a, units(b))),
  declare('Quantity.sub(Quantity): Quantity', (a: CelQuantity, b: CelQuantity) => difference(a, b.quantity)),
  declare('Quantity.sub(int): Quantity', (a: CelQuantity, b: Int) => difference(a, units(b))),
];
