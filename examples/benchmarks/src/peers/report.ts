import { figure, formatSeconds, type Html, html, page, table } from '@dpar/report';
import type { Machine } from '../machine.js';
import { differs, type Row, type TopicResult } from './topic.js';

/** Findings of a topic. */
export interface TopicReport extends TopicResult {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** Why the topic ended early. */
  readonly failed?: string;
}

/** Everything that a run found. It is written as JSON. */
export interface PeersReport {
  readonly machine: Machine;
  readonly date: string;
  readonly command: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly small: boolean;
  /** Versions of everything that was used, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly topics: readonly TopicReport[];
}

const title = 'Beside the best';

const head = ['what', 'peer', 'ours', 'peer', 'times as fast', 'equal to within', ''];

/** Ratios between these are called equally fast. */
const equal = { from: 0.95, to: 1.05 };

/** Sentence on a row, decided by its figures. */
export function verdict(row: Row): string {
  const { ratio, ifSlower, missing } = row;
  if (missing !== undefined) return `Missing: ${missing}`;
  if (differs(row)) return `The values differ by more than ${figure(row.agreement?.within, 2)}.`;
  if (ratio === undefined) return '';
  if (ratio > equal.to) return 'faster';
  if (ratio >= equal.from) return 'equally fast';
  return `Slower: it takes ${figure(1 / ratio)} times as long. ${ifSlower}`;
}

/** Seconds in a unit that suits them, or the speed of an amount of work. */
function speed(seconds: number | undefined, amount: Row['amount']): string {
  if (seconds === undefined) return '-';
  if (amount !== undefined) return `${figure(amount.of / seconds)} ${amount.unit}`;
  if (seconds >= 1) return `${figure(seconds)} s`;
  return seconds >= 1e-3 ? `${figure(1e3 * seconds)} ms` : `${figure(1e6 * seconds)} µs`;
}

function agreementOf({ agreement }: Row): string {
  if (agreement === undefined) return '-';
  const { of, difference } = agreement;
  return difference === 0 ? `equal (${of})` : `${figure(difference, 2)} (${of})`;
}

const cellsOf = (row: Row): string[] => [
  row.what,
  row.peer,
  speed(row.seconds?.ours, row.amount),
  speed(row.seconds?.peer, row.amount),
  figure(row.ratio),
  agreementOf(row),
  verdict(row),
];

/** Sentence on all rows with a ratio. */
function summary(topics: readonly TopicReport[]): string {
  const rows = topics.flatMap(({ rows }) => rows);
  const ratios = rows.flatMap(({ ratio }) => ratio ?? []);
  const slower = ratios.filter((ratio) => ratio < equal.from).length;
  const faster = ratios.filter((ratio) => ratio > equal.to).length;
  const compared = rows.filter(({ agreement }) => agreement !== undefined);
  return (
    `Of ${ratios.length} times, ${faster} are shorter than the peer's, ${slower} are longer, and ${ratios.length - faster - slower} are equal. ` +
    `Of ${compared.length} compared values, ${compared.length - compared.filter(differs).length} agree. ` +
    `${rows.filter(({ missing }) => missing !== undefined).length} comparisons are missing.`
  );
}

/** Facts of a run by name. */
function facts({ machine, date, command, rounds, seconds, versions }: PeersReport): [string, string][] {
  const { cpu, cores, memoryBytes, platform, threads, busyBefore } = machine;
  return [
    ['command', command],
    ['date', date],
    ['machine', `${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${platform}`],
    ['threads', `${threads} for all`],
    ['busy before', `${(100 * busyBefore).toFixed(0)} % of the cores`],
    ['run', `${rounds} rounds, ${formatSeconds(seconds)}`],
    ...Object.entries(versions),
  ];
}

const explanation =
  'Both sides do the same work in turn, round by round. A ratio is the median over the rounds of the peer’s time over ours, so above 1 ' +
  'we are faster. Other figures are medians.';

const smallNote = 'Sizes of this run are tiny. Its values count, its times say nothing.';

/** Page of a run, self-contained. */
export function peersPage(report: PeersReport): string {
  const body = html`<p class="lead">${summary(report.topics)}</p>
<p>${explanation}</p>
${report.small ? html`<p><b>${smallNote}</b></p>` : undefined}
${report.topics.map(topicSection)}
<h2>Run</h2>
<dl>${facts(report).map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>`;
  const style =
    '.peers td:last-child { text-align: left; min-width: 24ch; } .peers td:nth-child(2) { text-align: left; }';
  return page({ title, body, style });
}

function topicSection({ title, about, rows, failed }: TopicReport): Html {
  return html`<h2>${title}</h2>
<p>${about}</p>
${failed === undefined ? undefined : html`<p><b>Ended early: ${failed}</b></p>`}
<div class="peers">${table(head, rows.map(cellsOf))}</div>`;
}

/** The same as Markdown. */
export function peersMarkdown(report: PeersReport): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const sections = report.topics.flatMap(({ title, about, rows, failed }) => [
    `## ${title}`,
    about,
    ...(failed === undefined ? [] : [`**Ended early: ${failed}**`]),
    [
      line(head),
      line(head.map((_, i) => (i >= 2 && i <= 4 ? '---:' : '---'))),
      ...rows.map((row) => line(cellsOf(row))),
    ].join('\n'),
  ]);
  return `${[
    `# ${title}`,
    summary(report.topics),
    explanation,
    ...(report.small ? [`**${smallNote}**`] : []),
    ...sections,
    '## Run',
    facts(report)
      .map(([name, text]) => `- ${name}: ${text}`)
      .join('\n'),
  ].join('\n\n')}\n`;
}
