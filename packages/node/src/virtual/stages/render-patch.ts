/** From a patch's template to the patch. */
import type { KubeObject } from '@coracle/machinery';
import { load, YAMLException } from 'js-yaml';
import type { CompiledPatch } from './compiled-stage.ts';
import type { Surroundings } from './template/template.ts';
import { TemplateError } from './template/template-error.ts';

/** Undefined: the template comes out empty, and there is nothing to patch. Throws TemplateError. */
export function renderPatch(
  { template, root, type }: CompiledPatch,
  object: KubeObject,
  surroundings: Surroundings,
): object | undefined {
  const text = template.render(object, surroundings);
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new TemplateError(`the template comes out as what is no YAML: ${error.message.split('\n')[0]}`);
  }
  if (value === null || value === undefined) return undefined;
  if (type === 'json') {
    if (!Array.isArray(value)) throw new TemplateError('a JSON patch is a list of operations');
    const before = root === '' ? '' : `/${root}`;
    return value.map((each: { path?: unknown }) => ({
      ...each,
      path: `${before}${String(each.path ?? '')}`,
    }));
  }
  if (typeof value !== 'object' || Array.isArray(value))
    throw new TemplateError('the template does not come out as a map');
  return root === '' ? value : { [root]: value };
}
