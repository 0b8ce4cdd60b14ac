import { listOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
/** Markup, which templates do not escape. */
export class Html {
  constructor(readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

/** Value in a template. Numbers and strings are escaped, lists are joined, and `undefined` is omitted. */
export type HtmlValue = Html | string | number | undefined | readonly HtmlValue[];

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function render(value: HtmlValue): string {
  if (value instanceof Html) return value.markup;
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') {
    return String(value).replace(/[&<>"]/g, (character) => entities[character] ?? character);
  }
  return value.map(render).join('');
}

/** Template tag for HTML or SVG. Inserted values are escaped. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

/** Table with a head. All columns but the first are right-aligned. */
export function table(head: readonly HtmlValue[], rows: readonly (readonly HtmlValue[])[]): Html {
  checkArguments('table', { head, rows }, { head: 'any[]', rows: listOf('any[]') });
  return html`<div class="scroll"><table>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

/** Sentence that only narrow screens show. */
export function narrowNote(text: string): Html {
  checkArguments('narrowNote', { text }, { text: 'string' });
  return html`<p class="soft narrow">${text}</p>`;
}
