import { basisTexts, disagreements, labelOf, markOf } from './headings.js';
import type { Grid, RunRecord, TableResult } from './result.js';
import { filledGrids, ownTexts, type SharedText, sharedTexts } from './shared.js';
import { tableTimeText, timeText, trainingTimes, workOf } from './times.js';

/**
 * One table with its texts and findings as Markdown, without charts.
 * @param shared Texts that the report shows once for several tables.
 */
export function tableMarkdown(result: TableResult, shared: readonly SharedText[] = []): string {
  const { name, title, basis, tables, findings } = result;
  return [
    `## ${labelOf(name)}: ${title}`,
    `*${basisTexts[basis]}*`,
    ...ownTexts(result, shared),
    ...filledGrids(tables).map(gridMarkdown),
    ...(findings.length > 0 ? [findings.map((finding) => `- **${markOf(finding)}**: ${finding.text}`).join('\n')] : []),
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
  const shared = sharedTexts(results);
  const common = shared.map(({ text, names }) => `**${names.map(labelOf).join(', ')}.** ${text}`);
  const times = filledGrids([trainingTimes(results)]).map(gridMarkdown);
  return `${[
    "# The tables of DPAR's supplement, made again",
    `\`${record.command}\`, ${record.date}. ${record.machine}; ${record.engine}. Seeds ${record.seeds.join(', ')}. ` +
      `Time of everything that was computed: ${timeText(workOf(results))}.`,
    others.length === 0
      ? 'Everything that could be compared agreed with the paper.'
      : `What did not agree with the paper:\n\n${others.map(({ table, text }) => `- ${table}: ${text}`).join('\n')}`,
    ...(common.length > 0 ? ['## What several tables have in common', ...common] : []),
    ...results.map((result, i) => `${tableMarkdown(result, shared)}\n\n${tableTimeText(results, i)}`),
    ...(times.length > 0 ? ['## Times', ...times] : []),
  ].join('\n\n')}\n`;
}
