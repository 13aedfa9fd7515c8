/** Amounts of a snapshot as people write them. */

const binary = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const;

/** An amount of a resource in the snapshot's unit (thousandths of a core, else bytes or pieces) as a quantity. */
export function amountText(resource: string, amount: number): string {
  if (resource === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  const bytes =
    resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-');
  if (!bytes || Math.abs(amount) < 1024) return String(amount);
  let value = amount;
  let unit = -1;
  while (Math.abs(value) >= 1024 && unit < binary.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(value < 10 ? 1 : 0))}${binary[unit]}`;
}
