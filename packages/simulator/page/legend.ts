/** Which candidate has which colour and dash, and which are shown. One for all charts. */
import { element, svg } from './dom.ts';

export interface Legend {
  readonly names: readonly string[];
  shown(index: number): boolean;
  onChange(draw: () => void): void;
  /** A short line as in the charts. */
  swatch(index: number): SVGSVGElement;
}

/** With more candidates than this, the others are shown when asked for. */
const shownAtFirst = 8;

export function makeLegend(names: readonly string[], host: HTMLElement | null): Legend {
  const hidden = new Set([...names.keys()].slice(shownAtFirst));
  const draws: (() => void)[] = [];
  const swatch = (index: number): SVGSVGElement =>
    svg(
      'svg',
      { class: 'swatch', viewBox: '0 0 26 10', width: 26, height: 10, 'aria-hidden': 'true' },
      svg('path', { class: `line s${index % 8}`, d: 'M1 5L25 5' }),
    );
  const buttons = names.map((name, index) => {
    const button = element(
      'button',
      { type: 'button', 'aria-pressed': String(!hidden.has(index)) },
      swatch(index),
      name,
    );
    button.addEventListener('click', () => {
      if (!hidden.delete(index)) hidden.add(index);
      button.setAttribute('aria-pressed', String(!hidden.has(index)));
      for (const draw of draws) draw();
    });
    return button;
  });
  if (names.length > 1) host?.replaceChildren(...buttons);
  else host?.remove();
  return {
    names,
    shown: (index) => !hidden.has(index),
    onChange: (draw) => draws.push(draw),
    swatch,
  };
}
