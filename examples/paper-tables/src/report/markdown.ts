import { basisTexts, disagreements, labelOf, markOf } from './headings.js';
import type { Grid, RunRecord, TableResult } from './result.js';
import { tableTimeText, timeText, trainingTimes, workOf } from './times.js';

/** One table with its texts and findings as Markdown, without charts. */
export function tableMarkdown({ name, title, basis, about, tables, findings }: TableResult): string {
  return [
    `## ${labelOf(name)}: ${title}`,
    `*${basisTexts[basis]}*`,
    ...about,
    ...tables.map(gridMarkdown),
    ...(findings.length > 0 ? [findings.map(({ agrees, text }) => `- **${markOf(agrees)}**: ${text}`).join('\n')] : []),
  ].join('\n\n');
}

function gridMarkdown({ caption, head, rows }: Grid): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const lines = [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
  return `${caption === undefined ? '' : `${caption}:\n\n`}${lines.join('\n')}`;
}

/** Report of all tables, with the disagreements first. */
export function reportMarkdown(results: readonly TableResult[], record: RunRecord): string {
  const others = disagreements(results);
  return `${[
    "# The tables of DPAR's supplement, made again",
    `\`${record.command}\`, ${record.date}. ${record.machine}; ${record.engine}. Seeds ${record.seeds.join(', ')}. ` +
      `Time of everything that was computed: ${timeText(workOf(results))}.`,
    others.length === 0
      ? 'Everything that could be compared agreed with the paper.'
      : `What did not agree with the paper:\n\n${others.map(({ table, text }) => `- ${table}: ${text}`).join('\n')}`,
    ...results.map((result, i) => `${tableMarkdown(result)}\n\n${tableTimeText(results, i)}`),
    `## Times\n\n${gridMarkdown(trainingTimes(results))}`,
  ].join('\n\n')}\n`;
}
