/**
 * What a template comes out as, read as YAML. Thousands of objects mostly differ in the texts that the template quotes: what is around
 * these is read once and kept, and the texts are put into it, which costs a twentieth of reading it all again.
 */
import { setKey } from '@coracle/machinery';
import { load, YAMLException } from 'js-yaml';
import { markBegin, markEnd, type Surroundings, type Template } from './template/template.ts';
import { TemplateError } from './template/template-error.ts';
import { isObject } from './template/values.ts';

/** Shapes kept of one template. */
const mostShapes = 32;
/** Shapes that a template may have before it is taken for one whose every text differs. */
const mostMisses = 256;

/** Undefined: nothing came out. */
export type RenderedYaml = (about: unknown, surroundings: Surroundings) => unknown;

/** The function throws TemplateError. */
export function renderedYaml(template: Template): RenderedYaml {
  /** By the text with its marks; undefined: marks have another meaning in it. */
  const shapes = new Map<string, { value: unknown } | undefined>();
  let misses = 0;
  return (about, surroundings) => {
    if (misses > mostMisses) return read(template.render(about, surroundings));
    const { text, marked } = template.renderMarked(about, surroundings);
    let shape = shapes.get(text);
    if (shape === undefined && !shapes.has(text)) {
      misses += 1;
      shape = shapeOf(text, marked.length);
      if (shapes.size >= mostShapes) shapes.clear();
      shapes.set(text, shape);
    }
    if (shape !== undefined) return filled(shape.value, marked);
    misses += 1;
    return read(template.render(about, surroundings));
  };
}

function read(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return load(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new TemplateError(`the template comes out as what is no YAML: ${error.message.split('\n')[0]}`);
  }
}

/** Undefined: a mark is not a text of its own, as in a comment, a name or a longer text. */
function shapeOf(text: string, marks: number): { value: unknown } | undefined {
  if (text.trim() === '') return { value: undefined };
  try {
    const value = load(text);
    return ownMarks(value) === marks ? { value } : undefined;
  } catch (error) {
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
}

/** How many texts are a mark and nothing else; NaN if one is a part of something else. */
function ownMarks(value: unknown): number {
  if (typeof value === 'string') {
    if (!value.includes(markBegin) && !value.includes(markEnd)) return 0;
    return /^\ue000\d+\ue001$/.test(value) ? 1 : Number.NaN;
  }
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + ownMarks(each), 0);
  if (!isObject(value)) return 0;
  let sum = 0;
  for (const key of Object.keys(value)) sum += (ownMarks(key) === 0 ? 0 : Number.NaN) + ownMarks(value[key]);
  return sum;
}

function filled(shape: unknown, marked: readonly string[]): unknown {
  if (typeof shape === 'string')
    return shape.startsWith(markBegin) ? marked[Number(shape.slice(1, -1))] : shape;
  if (Array.isArray(shape)) return shape.map((each) => filled(each, marked));
  if (!isObject(shape)) return shape;
  const made: Record<string, unknown> = {};
  for (const key in shape) setKey(made, key, filled(shape[key], marked));
  return made;
}
