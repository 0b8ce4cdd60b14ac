import type { Summary, TestSummary } from './summary.js';

const [width, height] = [760, 400];
const frame = { left: 52, right: 8, top: 78, bottom: 52 };

/** Chart of the accuracy of each variant by size of picture; bars are the standard deviation between seeds. */
export function drawChart(summaries: readonly Summary[]): string {
  const tests = summaries.map((summary) => summary.tests.filter(({ asTrained }) => asTrained));
  const sizes = tests[0] ?? [];
  const y = (percent: number): number => height - frame.bottom - (percent / 100) * (height - frame.top - frame.bottom);
  const group = (width - frame.left - frame.right) / sizes.length;
  const ticks = [0, 20, 40, 60, 80, 100].map(
    (percent) =>
      `<line class="grid" x1="${frame.left}" x2="${width - frame.right}" y1="${y(percent)}" y2="${y(percent)}"/>` +
      `<text class="end" x="${frame.left - 8}" y="${y(percent)}">${percent}</text>`,
  );
  const groups = sizes.map(({ size: [rows, columns] }, g) => {
    const middle = frame.left + (g + 0.5) * group;
    const marks = tests.map((own, v) => {
      const { accuracy } = own[g] as TestSummary;
      const x = middle + (v - (tests.length - 1) / 2) * 30;
      const [from, to] = [y(accuracy.mean - accuracy.deviation), y(accuracy.mean + accuracy.deviation)];
      return (
        `<g class="v${v}"><line x1="${x}" x2="${x}" y1="${from.toFixed(1)}" y2="${to.toFixed(1)}"/>` +
        `<circle cx="${x}" cy="${y(accuracy.mean).toFixed(1)}" r="5"/></g>`
      );
    });
    const below = height - frame.bottom;
    return (
      `${marks.join('')}<text x="${middle}" y="${below + 18}">${rows} × ${columns} pixels</text>` +
      `<text x="${middle}" y="${below + 38}">${tokenCounts(summaries, g)} tokens</text>`
    );
  });
  const legend = summaries.map(({ name, merged }, v) => {
    const [column, row] = [Math.floor(v / 2), v % 2];
    return (
      `<g class="v${v}" transform="translate(${frame.left + 12 + 242 * column} ${16 + 24 * row})"><circle r="5"/>` +
      `<text class="start" x="12">${name}, ${merged ? 'merged' : 'all patches'}</text></g>`
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="accuracy" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="Accuracy by size of picture"><style>${style}</style>${ticks.join('')}` +
    `${groups.join('')}${legend.join('')}<text class="start" x="${frame.left}" y="${frame.top - 16}">accuracy, %</text></svg>\n`
  );
}

/** Tokens of a test picture with all patches or merged ones, such as '70 or 29'. */
function tokenCounts(summaries: readonly Summary[], test: number): string {
  return [...new Set(summaries.map(({ tests }) => tests[test]?.meanTokens.toFixed(0)))].join(' or ');
}

// Hollow marks: all patches; full ones: merged.
const marks = [
  ['#8a8a8a', '#fff'],
  ['#3d8bfd', '#fff'],
  ['#8a8a8a', '#8a8a8a'],
  ['#3d8bfd', '#3d8bfd'],
  ['#e8710a', '#e8710a'],
];

const style =
  '.accuracy text{font:13px system-ui,sans-serif;fill:#7a7a7a;text-anchor:middle;dominant-baseline:central}' +
  '.accuracy .end{text-anchor:end}.accuracy .start{text-anchor:start}.accuracy .grid{stroke:#8884}' +
  '.accuracy line,.accuracy circle{stroke-width:2}' +
  marks.map(([line, fill], v) => `.accuracy .v${v} *{stroke:${line};fill:${fill}}`).join('') +
  '.accuracy g text.start{stroke:none;fill:#7a7a7a}';
