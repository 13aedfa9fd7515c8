/** Orders API versions as discovery does: v2, v1, v2beta1, v1beta2, v1alpha1, then other names by alphabet. */
const pattern = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;

const rank = (m: RegExpExecArray): number => (m[2] === undefined ? 2 : m[2] === 'beta' ? 1 : 0);

/** Negative when `a` is preferred over `b` (apimachinery's CompareKubeAwareVersionStrings, reversed for sorting). */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const x = pattern.exec(a);
  const y = pattern.exec(b);
  if (!x || !y) return x ? -1 : y ? 1 : a < b ? -1 : 1;
  return rank(y) - rank(x) || Number(y[1]) - Number(x[1]) || Number(y[3] ?? 0) - Number(x[3] ?? 0);
}
