import { figure, formatSeconds, type Html, html, legend, lineChart, page, table } from '@dpar/report';
import type { Check, Status } from './check.js';
import type { DeviceDescription } from './device.js';

/** Everything that a run found. It is written as JSON. */
export interface Report {
  readonly device: DeviceDescription;
  readonly date: string;
  readonly command: string;
  readonly minutes: number;
  readonly seconds: number;
  /** True if nothing failed. What was not run does not count. */
  readonly passed: boolean;
  readonly checks: readonly Check[];
}

const style = `
.on-device { stroke: var(--accent); } .on-cpu { stroke: var(--soft); stroke-dasharray: 2 4; }
.failed { color: #b91c1c; font-weight: 600; } @media (prefers-color-scheme: dark) { .failed { color: #f87171; } }
.checks td:last-child { text-align: left; } .checks td { max-width: 60ch; }
`;

const statuses: readonly Status[] = ['passed', 'failed', 'not run'];

/** Page of a run, self-contained. */
export function reportPage(report: Report): string {
  const { device, date, command, minutes, seconds, checks } = report;
  const [about = '', ...others] = Object.entries(device.about).map(([name, text]) => `${name}: ${text}`);
  const deviations = checks.flatMap(({ name, deviations = [] }) => deviations.map((one) => ({ name, ...one })));
  const body = html`<p class="lead">${about}</p>
<p class="soft">${others.join('; ')}</p>
<div class="tiles">${statuses.map(
    (status) =>
      html`<div class="tile"><b>${checks.filter((check) => check.status === status).length}</b><span>checks ${status}</span></div>`,
  )}<div class="tile"><b>${formatSeconds(seconds)}</b><span>of at most ${minutes} min</span></div></div>
<h2>Checks</h2>
<div class="checks">${table(
    ['check', 'result', 'time', ''],
    checks.map(({ name, status, seconds: time, about: text }) => [name, mark(status), formatSeconds(time), text]),
  )}</div>
<h2>Largest deviations</h2>
<p>Outputs and gradients: share of the largest magnitude of their tensor.</p>
${table(
  ['check', 'of', 'largest', 'limit'],
  deviations.map(({ name, of, value, limit }) => [name, of, shown(value, 2), shown(limit, 1)]),
)}
${checks.map(lossChart)}
${benchmarkTable(checks)}
${checks.map(detailsOf)}
<h2>Run</h2>
<dl>${Object.entries({ command, date, device: device.device, ...device.versions }).map(
    ([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`,
  )}</dl>`;
  return page({ title: `GPU check: ${device.device}`, body, style });
}

/** Whole numbers, which count tokens, as they are. */
const shown = (value: number, digits: number): string => (Number.isInteger(value) ? `${value}` : figure(value, digits));

const mark = (status: Status): Html | string =>
  status === 'failed' ? html`<span class="failed">failed</span>` : status;

function lossChart({ name, losses }: Check): Html | undefined {
  if (losses === undefined) return undefined;
  const series = [
    { name: 'on the device', style: 'on-device', points: points(losses.device) },
    { name: 'on the CPU', style: 'on-cpu', points: points(losses.cpu) },
  ];
  return html`<h2>Loss of ${name}</h2>
${legend(series)}
<div class="charts">${lineChart({ title: 'Training loss', xLabel: 'step', yLabel: 'nats per token', xFrom: 1, series })}</div>`;
}

const points = (losses: readonly number[]) => losses.map((loss, i): [number, number] => [i + 1, loss]);

/** Columns of the benchmarks, by their figures. */
const columns = {
  seconds: 's per step',
  secondsPerImage: 's per image',
  tokensPerSecond: 'tokens/s',
  imagesPerSecond: 'images/s',
  gflops: 'GFLOP/s',
  peakShare: 'share of peak',
};

function benchmarkTable(checks: readonly Check[]): Html | undefined {
  const measured = checks.filter(({ figures }) => figures !== undefined);
  if (measured.length === 0) return undefined;
  const rows = measured.map(({ name, figures = {} }) => [
    name.replace('bench/', ''),
    ...Object.keys(columns).map((key) => figure(figures[key])),
  ]);
  return html`<h2>Benchmarks</h2>
${table(['benchmark', ...Object.values(columns)], rows)}`;
}

function detailsOf({ name, lines = [] }: Check): Html | undefined {
  if (lines.length === 0) return undefined;
  return html`<h2>Differences of ${name}</h2>
<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}
