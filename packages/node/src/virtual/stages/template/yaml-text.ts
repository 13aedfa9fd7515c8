/** JSON as block YAML, keys in order: the function `YAML` of Stages. Texts are always quoted, so nothing is taken for a number. */
import { isObject } from './values.ts';

/** Lines without an end of line at the end of the last. */
export function yamlText(value: unknown): string {
  return lines(value).join('\n');
}

function lines(value: unknown): string[] {
  if (Array.isArray(value) && value.length > 0)
    return value.flatMap((each) =>
      lines(each).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`)),
    );
  if (isObject(value) && Object.keys(value).length > 0)
    return Object.keys(value)
      .toSorted()
      .flatMap((key) => {
        const inner = lines(value[key]);
        const nested = typeof value[key] === 'object' && !['{}', '[]', 'null'].includes(inner[0] ?? '');
        const name =
          /^[A-Za-z][A-Za-z0-9_./-]*$/.test(key) && !reserved.test(key) ? key : JSON.stringify(key);
        return nested ? [`${name}:`, ...inner.map((line) => `  ${line}`)] : [`${name}: ${inner[0] ?? ''}`];
      });
  return [JSON.stringify(value ?? null)];
}
const reserved = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
