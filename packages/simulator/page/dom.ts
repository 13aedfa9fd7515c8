/** Making elements. Text is set as text: nothing from a trace is ever read as HTML. */

type Attributes = Readonly<Record<string, string | number>>;
type Child = Node | string;

const svgSpace = 'http://www.w3.org/2000/svg';

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** A colour or other text that the style sheet gives in this light. */
export function styleOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

let printing = false;
addEventListener('beforeprint', () => (printing = true));
addEventListener('afterprint', () => (printing = false));

/** How wide a picture is to be: as its place, or on paper as half or the whole of a page (A4 or letter, upright). */
export function widthOf(host: HTMLElement): number {
  if (!printing) return Math.max(240, host.clientWidth);
  return host.closest('.whole') ? 700 : 336;
}

/** Calls back now, whenever the element's width changes, and before and after it goes to paper. */
export function onLayout(host: HTMLElement, draw: () => void): void {
  let width = -1;
  new ResizeObserver(() => {
    // Pages are counted before this is called for paper: no height may change then.
    if (host.clientWidth === width || host.clientWidth === 0 || matchMedia('print').matches) return;
    width = host.clientWidth;
    draw();
  }).observe(host);
  addEventListener('beforeprint', draw);
  addEventListener('afterprint', draw);
}

/** Calls back when colours change (dark mode, print): canvases do not follow the style sheet by themselves. */
export function onColours(draw: () => void): void {
  for (const query of ['(prefers-color-scheme: dark)', 'print']) {
    matchMedia(query).addEventListener('change', draw);
  }
}

/** A canvas as sharp as the screen, in CSS pixels. */
export function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = Math.min(2, devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
