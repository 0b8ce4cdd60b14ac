import { type Html, html, legend, lineChart, narrowNote, page, table } from '@dpar/report';
import { basisTexts, disagreements, labelOf, markOf } from './headings.js';
import type { Finding, Grid, RunRecord, TableResult } from './result.js';
import { filledGrids, ownTexts, type SharedText, sharedTexts } from './shared.js';
import { tableTimeText, timeText, trainingTimes, workOf } from './times.js';

/** Colours of lines and of the marks of findings. */
const style = `
:root { --one: #c2410c; --two: #1d4ed8; --three: #0f766e; --four: #7e22ce; --five: #a16207; --good: #0f766e; --bad: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --one: #fb923c; --two: #7aa7ff; --three: #4fd1c5; --four: #c99aff; --five: #e3b341; --good: #4fd1c5; --bad: #fb923c; } }
.one, .dpar { stroke: var(--one); } .two, .llamagen { stroke: var(--two); } .three { stroke: var(--three); } .four { stroke: var(--four); } .five { stroke: var(--five); }
svg .thin { stroke-width: 1; stroke-dasharray: 4 3; }
svg .dot.one, svg .dot.dpar { fill: var(--one); } svg .dot.two, svg .dot.llamagen { fill: var(--two); } svg .dot.three { fill: var(--three); } svg .dot.four { fill: var(--four); }
.charts > :only-child { grid-column: 1 / -1; max-width: 520px; }
a { color: inherit; text-underline-offset: 3px; }
.contents { columns: 2 380px; column-gap: 36px; padding-left: 0; list-style: none; } .contents li { margin: 3px 0; break-inside: avoid; }
h2 { margin-top: 30px; } summary { cursor: pointer; color: var(--soft); font-size: 0.94rem; padding: 4px 0; }
.findings { padding-left: 0; list-style: none; margin: 8px 0; } .findings li { margin: 6px 0; max-width: 95ch; }
.findings b { font-weight: 600; } .agrees { color: var(--good); } .differs { color: var(--bad); }
`;

/** The report as one page: contents, disagreements, and a part for each table that is folded except for its findings. */
export function reportPage(results: readonly TableResult[], record: RunRecord): string {
  const others = disagreements(results);
  const shared = sharedTexts(results);
  const times = filledGrids([trainingTimes(results)]);
  const body = html`<p class="lead">Every table that can be made again on a processor, beside the paper's figures.</p>
<dl><dt>Command</dt><dd><code>${record.command}</code></dd><dt>Machine</dt><dd>${record.machine}; ${record.engine}</dd>
<dt>Seeds</dt><dd>${record.seeds.join(', ')}</dd><dt>Date</dt><dd>${record.date}</dd><dt>Time</dt><dd>${timeText(workOf(results))}, all sittings together</dd></dl>
${narrowNote('Wide tables scroll sideways.')}
<h2>Contents</h2>
<ul class="contents"><li><a href="#differences">What did not agree with the paper</a></li>
${shared.length > 0 ? html`<li><a href="#common">What several tables have in common</a></li>` : undefined}
${results.map(
  ({ name, title }) => html`<li><a href="#${name}">${labelOf(name)}: ${title}</a></li>
`,
)}${times.length > 0 ? html`<li><a href="#times">Times</a></li>` : undefined}</ul>
<h2 id="differences">What did not agree with the paper</h2>
${
  others.length === 0
    ? html`<p>Everything that could be compared agreed.</p>`
    : html`<ul class="findings">${others.map(({ table: name, text }) => html`<li><b>${name}</b>: ${text}</li>`)}</ul>`
}
${commonSection(shared)}
${results.map((result, i) => section(result, shared, tableTimeText(results, i)))}
${
  times.length > 0
    ? html`<h2 id="times">Times</h2>
<details><summary>Every training run</summary>${times.map(gridHtml)}</details>`
    : undefined
}`;
  return page({ title: "The tables of DPAR's supplement, made again", body, style });
}

function commonSection(shared: readonly SharedText[]): Html | undefined {
  if (shared.length === 0) return undefined;
  return html`<h2 id="common">What several tables have in common</h2>
${shared.map(
  ({ text, names }) => html`<p><b>${names.map(labelOf).join(', ')}.</b> ${text}</p>
`,
)}`;
}

function gridHtml({ caption, head, rows }: Grid): Html {
  return html`${caption && html`<p class="soft">${caption}</p>`}${table(head, rows)}`;
}

function section(result: TableResult, shared: readonly SharedText[], time: string): Html {
  const { name, title, basis, tables, charts, findings } = result;
  const drawn = charts.map((chart) => {
    const series = chart.series.filter(({ style: line }) => !line.includes('thin'));
    const key = series.length > 1 ? legend(series) : undefined;
    return html`<div>${lineChart(chart)}${key}</div>`;
  });
  return html`<h2 id="${name}">${labelOf(name)}: ${title}</h2>
<ul class="findings">${findings.map(findingHtml)}</ul>
<details><summary>${basisTexts[basis]} Figures${drawn.length > 0 ? ', charts' : ''} and notes</summary>
${ownTexts(result, shared).map((text) => html`<p>${text}</p>`)}
${filledGrids(tables).map(gridHtml)}
${drawn.length > 0 ? html`<div class="charts">${drawn}</div>` : undefined}
<p class="soft">${time}</p></details>`;
}

function findingHtml(finding: Finding): Html {
  const { agrees, text } = finding;
  const colour = agrees === undefined ? 'soft' : agrees ? 'agrees' : 'differs';
  return html`<li><b class="${colour}">${markOf(finding)}</b>: ${text}</li>`;
}
