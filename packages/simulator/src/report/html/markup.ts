/** Text for a page, such that nothing in it can be read as markup. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attributes in quotes. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** For a `<script type="application/json">`: `</script>` and `<!--` cannot come up in it. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

/** A table; the first cell of each row is its heading. `marked`: cells to point out. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  marked: (row: number, column: number) => boolean = () => false,
): string {
  const body = rows.map((cells, row) => {
    const [first = '', ...rest] = cells;
    const tds = rest.map(
      (cell, index) => `<td${marked(row, index) ? ' class="best"' : ''}>${escape(cell)}</td>`,
    );
    return `<tr><th scope="row">${escape(first)}</th>${tds.join('')}</tr>`;
  });
  return `<p class="cap" aria-hidden="true">${escape(caption)}</p><div class="wide" tabindex="0" role="region" aria-label="${escape(caption)}"><table aria-label="${escape(caption)}"><thead><tr>${head
    .map((name, index) => (index === 0 ? `<td>${escape(name)}</td>` : `<th scope="col">${escape(name)}</th>`))
    .join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** What is there for those who want it. */
export function more(summary: string, content: string): string {
  return `<details><summary>${escape(summary)}</summary>${content}</details>`;
}

export interface Figure {
  /** Where the page's script draws. */
  readonly chart: string;
  readonly title: string;
  readonly about: string;
  /** What it shows, for those who cannot see it. */
  readonly label: string;
  /** HTML: choices above the picture. */
  readonly controls?: string;
  /** HTML: the same as a table. */
  readonly table?: string;
  /** Over the whole width. */
  readonly whole?: boolean;
  /** It has its own keyboard and label. */
  readonly own?: boolean;
}

export function figure({ chart, title, about, label, controls, table, whole, own }: Figure): string {
  const plot = own
    ? `<div class="plot" data-chart="${chart}"></div>`
    : `<div class="plot" data-chart="${chart}" role="img" tabindex="0" aria-label="${escape(label)}"></div>`;
  return `<figure${whole ? ' class="whole"' : ''}><figcaption><h3>${escape(title)}</h3><p>${escape(about)}</p></figcaption>${controls ?? ''}${plot}${
    table ? more('As a table', table) : ''
  }</figure>`;
}
