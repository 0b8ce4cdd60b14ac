import { listOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
/** Text that is markup already. */
export class Html {
  constructor(readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

/** What may stand in a template: numbers and strings are escaped, lists are joined, `undefined` is nothing. */
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

/** A template of HTML or SVG; what is put in is escaped. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

/** A table with a head; numbers and their units are right-aligned, the first column is not. */
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
