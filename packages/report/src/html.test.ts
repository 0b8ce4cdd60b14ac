import { expect, it } from 'vitest';
import { html, table } from './html.js';
import { page } from './page.js';
import { parsePage, textsOf } from './testing/parse.js';

it('escapes text, and text alone', () => {
  const inner = html`<b>${'<script>"&"'}</b>`;
  expect(`${html`<p title="${'a"b'}">${[inner, undefined, 3]}</p>`}`).toBe(
    '<p title="a&quot;b"><b>&lt;script&gt;&quot;&amp;&quot;</b>3</p>',
  );
});

it('makes whole pages', () => {
  const elements = parsePage(
    page({ title: 'A & B', body: table(['', 'x'], [['row', 7]]), style: '.mine { top: 0; }' }),
  );
  expect([textsOf(elements, 'title'), textsOf(elements, 'h1')]).toEqual([['A & B'], ['A & B']]);
  expect([textsOf(elements, 'th'), textsOf(elements, 'td')]).toEqual([['', 'x', 'row'], ['7']]);
  expect(textsOf(elements, 'style')[0]).toContain('.mine { top: 0; }');
});
