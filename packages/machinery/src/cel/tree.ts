/** Walks over syntax trees. */
import type { Expr } from './ast.ts';
import type { Checked } from './check.ts';

/** The declared variables that a tree names. */
export function usedVariables(root: Expr, checked: Checked): string[] {
  const used = new Set<string>();
  const visit = (expr: Expr): void => {
    const reference = checked.referenceOf(expr);
    if (reference?.kind === 'variable') used.add(reference.name);
    if (reference) return;
    for (const child of children(expr)) visit(child);
  };
  visit(root);
  return [...used];
}

function children(expr: Expr): Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : [...expr.args];
    case 'list':
      return expr.elements.map(({ value }) => value);
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.fields.map(({ value }) => value);
    case 'loop':
      return expr.filter ? [expr.range, expr.filter, expr.body] : [expr.range, expr.body];
    case 'bind':
      return [expr.value, expr.body];
    default:
      return [];
  }
}
