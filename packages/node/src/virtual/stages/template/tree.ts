/** What a template is made of, after Go's text/template. */

export type Block =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipe: Pipe }
  | { kind: 'if' | 'with'; pipe: Pipe; body: Block[]; otherwise: Block[] }
  | { kind: 'range'; pipe: Pipe; body: Block[]; otherwise: Block[] }
  | { kind: 'break' | 'continue' };

/** Commands joined by `|`; its value may be given to variables. */
export interface Pipe {
  /** Places of variables, one or (range) two. */
  into: number[];
  commands: Operand[][];
}

export type Operand =
  | { kind: 'literal'; value: unknown }
  | { kind: 'dot'; path: string[] }
  | { kind: 'variable'; place: number; path: string[] }
  | { kind: 'pipe'; pipe: Pipe; path: string[] }
  | { kind: 'function'; name: string };

/** The place of `$`, what the template is about. */
export const rootPlace = 0;
