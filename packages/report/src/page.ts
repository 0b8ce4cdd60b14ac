import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { Html, html } from './html.js';
import { style } from './style.js';

/** Content of a page. */
export interface Page {
  readonly title: string;
  readonly body: Html;
  /** Rules in addition to the common style sheet. */
  readonly style?: string;
}

const pageKinds: KindsOf<Page> = { title: 'string', body: 'object', 'style?': 'string', '*': 'any' };

/** Formats a self-contained HTML page. Its heading is the title. */
export function page(page: Page): string {
  checkArguments('page', { page }, { page: pageKinds });
  const { title, body, style: more = '' } = page;
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(style + more)}</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`}`;
}
