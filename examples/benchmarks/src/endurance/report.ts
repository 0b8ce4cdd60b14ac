import type { Machine } from '../machine.js';
import type { Part, PartResult } from './part.js';

/** Report of an endurance run. */
export interface EnduranceReport {
  readonly machine: Machine;
  readonly date: string;
  readonly command: string;
  readonly seed: number;
  readonly parts: readonly (Pick<Part, 'name' | 'title'> & PartResult & { readonly seconds: number })[];
}

/** True if everything held. */
export function holds({ parts }: EnduranceReport): boolean {
  return parts.every(({ faults }) => faults.length === 0);
}

/** The report as Markdown. */
export function enduranceMarkdown(report: EnduranceReport): string {
  const { machine, date, command, seed, parts } = report;
  const head = [
    '# Under load',
    '',
    `${holds(report) ? 'Everything held.' : 'Not everything held.'} \`${command}\`, seed ${seed}, ${date.slice(0, 10)}, ` +
      `${machine.cpu}, ${machine.cores} cores, ${(100 * machine.busyBefore).toFixed(0)} % busy before. Node ${machine.node}, onnxruntime-node ${machine.onnxruntime}.`,
  ];
  const sections = parts.map(({ title, about, rows, faults, seconds }) =>
    [
      `## ${title}`,
      '',
      `${about} ${(seconds / 60).toFixed(1)} minutes.`,
      '',
      ...table(rows),
      ...(faults.length > 0 ? ['', ...faults.map((fault) => `- ${fault}`)] : []),
    ].join('\n'),
  );
  return `${[head.join('\n'), ...sections].join('\n\n')}\n`;
}

function table(rows: readonly Readonly<Record<string, string>>[]): string[] {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => (row[column] ?? '').replaceAll('|', '\\|')))),
  ];
}
