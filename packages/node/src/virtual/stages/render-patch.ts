/** From a patch's template to the patch. */
import type { KubeObject } from '@coracle/machinery';
import type { CompiledPatch } from './compiled-stage.ts';
import type { Surroundings } from './template/template.ts';
import { TemplateError } from './template/template-error.ts';

/** Undefined: the template comes out empty, and there is nothing to patch. Throws TemplateError. */
export function renderPatch(
  { yaml, root, type }: CompiledPatch,
  object: KubeObject,
  surroundings: Surroundings,
): object | undefined {
  const value = yaml(object, surroundings);
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
