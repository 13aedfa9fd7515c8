/** What is wrong with expressions, and where. */
import { textSize } from './values.ts';

/** What is wrong with an expression, and where. Lines and columns count from 1, columns in code points. */
export interface CelIssue {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export function issueAt(source: string, at: number, message: string): CelIssue {
  const before = source.slice(0, at);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: textSize(before.slice(start)) + 1, message };
}

/** Issues as CEL tools print them: place and message, the line, and a caret under the place. */
export function formatIssues(source: string, issues: readonly CelIssue[]): string {
  const lines = source.split('\n');
  return issues
    .map(({ line, column, message }) => {
      const head = `ERROR: <input>:${line}:${column}: ${message}`;
      const text = lines[line - 1];
      return text === undefined ? head : `${head}\n | ${text}\n | ${'.'.repeat(column - 1)}^`;
    })
    .join('\n');
}
