import type { Summary } from './summary.js';

const [width, height] = [720, 380];
const frame = { left: 56, right: 16, top: 16, bottom: 48 };

/** Accuracy over the number of tokens, a line for each variant through the sizes that it was tested at. */
export function drawChart(summaries: readonly Summary[]): string {
  const lines = summaries.map((summary) => summary.tests.filter(({ asTrained }) => asTrained));
  const most = Math.max(...lines.flat().map(({ meanTokens }) => meanTokens)) * 1.08;
  const x = (tokens: number): number => frame.left + (tokens / most) * (width - frame.left - frame.right);
  const y = (percent: number): number => height - frame.bottom - (percent / 100) * (height - frame.top - frame.bottom);
  const ticks = [0, 20, 40, 60, 80, 100].map(
    (percent) =>
      `<line class="grid" x1="${frame.left}" x2="${width - frame.right}" y1="${y(percent)}" y2="${y(percent)}"/>` +
      `<text class="y" x="${frame.left - 8}" y="${y(percent)}">${percent}</text>`,
  );
  for (let tokens = 0; tokens < most; tokens += 50) {
    ticks.push(`<text class="x" x="${x(tokens)}" y="${height - frame.bottom + 18}">${tokens}</text>`);
  }
  const drawn = lines.map((tests, i) => {
    const points = tests.map(({ accuracy, meanTokens }) => ({ ...accuracy, x: x(meanTokens), y: y(accuracy.mean) }));
    const path = points.map((point) => `${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(' ');
    const marks = points.map(
      ({ x, mean, deviation, ...point }) =>
        `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${y(mean - deviation).toFixed(1)}" ` +
        `y2="${y(mean + deviation).toFixed(1)}"/><circle cx="${x.toFixed(1)}" cy="${point.y.toFixed(1)}" r="4.5"/>`,
    );
    return `<g class="v${i}"><polyline points="${path}"/>${marks.join('')}</g>`;
  });
  const legend = summaries.map(
    ({ name, merged }, i) =>
      `<g class="v${i}" transform="translate(${width - 292} ${height - frame.bottom - 112 + 21 * i})">` +
      `<circle cx="0" cy="0" r="4.5"/><text class="name" x="12">${name}, ${merged ? 'merged patches' : 'all patches'}</text></g>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
    'aria-label="Accuracy over the number of tokens of a picture">' +
    `<style>${style}</style>${ticks.join('')}${drawn.join('')}${legend.join('')}` +
    `<text class="x" x="${width / 2}" y="${height - 8}">tokens of a picture</text>` +
    `<text class="x" transform="translate(14 ${height / 2 - 20}) rotate(-90)">right, %</text></svg>\n`
  );
}

const hues = ['#8a8a8a', '#3d8bfd', '#8a8a8a', '#3d8bfd', '#e8710a'];

const style =
  'text{font:13px system-ui,sans-serif;fill:#7a7a7a;dominant-baseline:central}.x{text-anchor:middle}' +
  '.y{text-anchor:end}.grid{stroke:#8884}polyline{fill:none;stroke-width:1.5}line{stroke-width:1.5}' +
  hues
    .map((hue, i) => {
      // Hollow marks and dashes: all patches.
      const all =
        i < 2 ? `.v${i} circle{fill:#fff}.v${i} polyline{stroke-dasharray:5 4}` : `.v${i} circle{fill:${hue}}`;
      return `.v${i}{stroke:${hue}}.v${i} text{stroke:none}${all}.v${i} circle{stroke-width:2}`;
    })
    .join('');
