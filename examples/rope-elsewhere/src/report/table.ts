import type { Spread } from '@dpar/example-kit';
import type { Summary, TestSummary } from './summary.js';

/** Head and body of a table, as text. */
export interface Table {
  readonly head: readonly string[];
  readonly body: readonly (readonly string[])[];
}

/** Comparison with a row for each variant. */
export function comparison(summaries: readonly Summary[]): Table {
  const tests = (summary: Summary | undefined): readonly TestSummary[] =>
    (summary?.tests ?? []).filter(({ asTrained }) => asTrained);
  const sizes = tests(summaries[0]).map(({ size: [height, width] }) => `${height} x ${width}`);
  return {
    head: [
      'positions',
      'tokens in training',
      'CPU seconds of training',
      ...sizes.map((size) => `accuracy at ${size}, % (tokens)`),
      'accuracy without merging, %',
    ],
    body: summaries.map((summary) => {
      const unmerged = summary.tests.find(({ asTrained }) => !asTrained);
      return [
        `${summary.name}, ${summary.merged ? 'merged patches' : 'all patches'}`,
        summary.trainTokens.toFixed(1),
        withSpread(summary.cpuSeconds, 0),
        ...tests(summary).map(({ accuracy, meanTokens }) => `${withSpread(accuracy, 1)} (${meanTokens.toFixed(0)})`),
        unmerged ? withSpread(unmerged.accuracy, 1) : '',
      ];
    }),
  };
}

const withSpread = ({ mean, deviation }: Spread, digits: number): string =>
  `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;

/** A table in Markdown. */
export function toMarkdown({ head, body }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...body.map(line)].join('\n');
}

/** A table in HTML. */
export function toHtml({ head, body }: Table): string {
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>${row(head, 'th')}${body.map((cells) => row(cells, 'td')).join('')}</table>`;
}
