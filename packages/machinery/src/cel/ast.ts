/** The syntax tree of an expression. Macros are already expanded: what they bind is in nodes of its own. */
import type { CelValue } from './values.ts';

interface Node {
  /** Offset of the token that names the node, in UTF-16 units. */
  readonly at: number;
}
export interface Literal extends Node {
  readonly kind: 'literal';
  readonly value: CelValue;
}
export interface Ident extends Node {
  readonly kind: 'ident';
  /** May begin with a dot: then it is looked up from the root, past variables that macros bind. */
  readonly name: string;
}
export interface Select extends Node {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  /** `has(operand.field)`. */
  readonly test: boolean;
}
/** Functions, methods (with a target) and operators (named as CEL names them: `_+_`, `!_`, `_[_]`, `@in`, ...). */
export interface Call extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}
export interface ListLiteral extends Node {
  readonly kind: 'list';
  readonly elements: readonly { readonly value: Expr; readonly optional: boolean }[];
}
export interface MapLiteral extends Node {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[];
}
export interface StructLiteral extends Node {
  readonly kind: 'struct';
  readonly type: string;
  readonly fields: readonly {
    readonly at: number;
    readonly name: string;
    readonly value: Expr;
    readonly optional: boolean;
  }[];
}
export type LoopKind =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry';
/** A walk over a list or a map. One variable: element or key. Two: index and element, or key and value. */
export interface Loop extends Node {
  readonly kind: 'loop';
  readonly loop: LoopKind;
  readonly range: Expr;
  readonly variables: readonly string[];
  /** The condition of the three-argument forms of `map` and of the transforms. */
  readonly filter: Expr | undefined;
  readonly body: Expr;
}
/** `cel.bind(name, value, body)`. Also what optMap and optFlatMap bind: those unwrap the value first. */
export interface Bind extends Node {
  readonly kind: 'bind';
  readonly bind: 'bind' | 'optMap' | 'optFlatMap';
  readonly name: string;
  readonly value: Expr;
  readonly body: Expr;
}
export type Expr = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Loop | Bind;
