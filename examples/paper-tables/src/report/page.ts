import { type Html, html, legend, lineChart, page, table } from '@dpar/report';
import { basisTexts, disagreements, labelOf, markOf } from './headings.js';
import type { Grid, RunRecord, TableResult } from './result.js';
import { tableTimeText, timeText, trainingTimes, workOf } from './times.js';

/** Colours of lines and of the marks of findings. */
const style = `
:root { --one: #c2410c; --two: #1d4ed8; --three: #0f766e; --four: #7e22ce; --five: #a16207; --good: #0f766e; --bad: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --one: #fb923c; --two: #7aa7ff; --three: #4fd1c5; --four: #c99aff; --five: #e3b341; --good: #4fd1c5; --bad: #fb923c; } }
.one, .dpar { stroke: var(--one); } .two, .llamagen { stroke: var(--two); } .three { stroke: var(--three); } .four { stroke: var(--four); } .five { stroke: var(--five); }
svg .thin { stroke-width: 1; stroke-dasharray: 4 3; }
svg .dot.one, svg .dot.dpar { fill: var(--one); } svg .dot.two, svg .dot.llamagen { fill: var(--two); } svg .dot.three { fill: var(--three); } svg .dot.four { fill: var(--four); }
.charts > :only-child { grid-column: 1 / -1; max-width: 520px; }
.findings { padding-left: 0; list-style: none; } .findings li { margin: 6px 0; max-width: 85ch; }
.findings b { font-weight: 600; } .agrees { color: var(--good); } .differs { color: var(--bad); }
`;

/** The report as one page: tables, charts, findings. */
export function reportPage(results: readonly TableResult[], record: RunRecord): string {
  const others = disagreements(results);
  const body = html`<p class="lead">Every table that can be made again on a processor, beside the paper's figures.</p>
<dl><dt>Command</dt><dd><code>${record.command}</code></dd><dt>Machine</dt><dd>${record.machine}; ${record.engine}</dd>
<dt>Seeds</dt><dd>${record.seeds.join(', ')}</dd><dt>Date</dt><dd>${record.date}</dd><dt>Time</dt><dd>${timeText(workOf(results))}, all sittings together</dd></dl>
<h2>What did not agree with the paper</h2>
${
  others.length === 0
    ? html`<p>Everything that could be compared agreed.</p>`
    : html`<ul class="findings">${others.map(({ table: name, text }) => html`<li><b>${name}</b>: ${text}</li>`)}</ul>`
}
${results.map((result, i) => section(result, tableTimeText(results, i)))}
<h2>Times</h2>
${gridHtml(trainingTimes(results))}`;
  return page({ title: "The tables of DPAR's supplement, made again", body, style });
}

function gridHtml({ caption, head, rows }: Grid): Html {
  return html`${caption && html`<p class="soft">${caption}</p>`}${table(head, rows)}`;
}

function section({ name, title, basis, about, tables, charts, findings }: TableResult, time: string): Html {
  const drawn = charts.map((chart) => {
    const series = chart.series.filter(({ style: line }) => !line.includes('thin'));
    const key = series.length > 1 ? legend(series) : undefined;
    return html`<div>${lineChart(chart)}${key}</div>`;
  });
  return html`<h2 id="${name}">${labelOf(name)}: ${title}</h2>
<p><b>${basisTexts[basis]}</b></p>
${about.map((text) => html`<p>${text}</p>`)}
${tables.map(gridHtml)}
${drawn.length > 0 ? html`<div class="charts">${drawn}</div>` : undefined}
<ul class="findings">${findings.map(({ agrees, text }) => {
    const colour = agrees === undefined ? 'soft' : agrees ? 'agrees' : 'differs';
    return html`<li><b class="${colour}">${markOf(agrees)}</b>: ${text}</li>`;
  })}</ul>
<p class="soft">${time}</p>`;
}
