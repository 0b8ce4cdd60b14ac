import { expect, it } from 'vitest';
import { barChart, type Chart, lineChart, type Series } from './chart.js';
import { hasClass, parsePage, pointsOf, textsOf } from './testing/parse.js';

const draw = (series: readonly Series[], more: Partial<Pick<Chart, 'xFrom' | 'fitFrom' | 'marks'>> = {}) =>
  parsePage(
    `<!doctype html><title>t</title>${lineChart({ title: 'A < B', xLabel: 'Steps', yLabel: 'Loss', series, ...more })}`,
  );

const pathOf = (elements: ReturnType<typeof draw>, style: string) =>
  pointsOf(elements.find((element) => element.name === 'path' && hasClass(element, style))?.attributes.d ?? '');

it('draws points in proportion to their values', () => {
  const elements = draw([
    {
      name: 'a',
      style: 'a',
      points: [
        [0, 0],
        [50, 2],
        [100, 4],
      ],
    },
  ]);
  const [piece = []] = pathOf(elements, 'a');
  // Bottom left of the axes, their middle, top right: y runs down.
  expect(piece[0]?.[1]).toBe(238);
  expect(piece[2]).toEqual([406, 12]);
  expect(piece[1]?.[0]).toBeCloseTo(((piece[0]?.[0] ?? 0) + 406) / 2, 0);
  expect(piece[1]?.[1]).toBe(125);
  expect(textsOf(elements, 'figcaption')).toEqual(['A < B']);
  expect(textsOf(elements, 'text', 'tick')).toEqual(expect.arrayContaining(['0', '4', '100']));
  expect(textsOf(elements, 'text', 'label')).toEqual(['Steps', 'Loss']);
});

it('interrupts a line at values that are not finite', () => {
  const points = [1, 2, Number.NaN, 4, Number.POSITIVE_INFINITY].map((y, x): [number, number] => [x, y]);
  const elements = draw([{ name: 'a', style: 'a', points, dots: true }]);
  expect(pathOf(elements, 'a').map((piece) => piece.length)).toEqual([2, 1]);
  expect(elements.filter(({ name }) => name === 'circle')).toHaveLength(3);
});

it('fits the y axis to what comes after the start', () => {
  const points: [number, number][] = [
    [0, 1000],
    [10, 2],
    [20, 1],
  ];
  const elements = draw([{ name: 'a', style: 'a', points }], { fitFrom: 5 });
  const [piece = []] = pathOf(elements, 'a');
  expect(piece[0]?.[1]).toBeLessThan(-1000); // far above the drawing, which cuts it off
  expect(piece.slice(1).map(([, y]) => y)).toEqual([12, 238]);
});

it('draws charts of one value, of equal values and of none', () => {
  const one = draw([{ name: 'a', style: 'a', points: [[1, 3.24159]] }]);
  expect(one.filter(({ name }) => name === 'circle')).toHaveLength(1);
  const equal = draw([
    {
      name: 'a',
      style: 'a',
      points: [
        [1, 7],
        [2, 7],
      ],
    },
  ]);
  expect(
    pathOf(equal, 'a')
      .flat()
      .map(([, y]) => y),
  ).toEqual([125, 125]);
  for (const text of textsOf(one, 'text', 'tick')) expect(text.length).toBeLessThan(8);
  expect(JSON.stringify(draw([{ name: 'a', style: 'a', points: [] }]))).not.toMatch(/NaN|Infinity|undefined/);
});

it('begins the x axis where it is told to', () => {
  const points: [number, number][] = [
    [10, 0],
    [15, 1],
    [20, 4],
  ];
  const series = [{ name: 'a', style: 'a', points }];
  const from = draw(series, { xFrom: 10 });
  const [[first, middle, last] = []] = pathOf(from, 'a');
  const ticks = textsOf(from, 'text', 'tick');
  expect(ticks).toEqual(expect.arrayContaining(['10', '20']));
  expect(ticks).not.toContain('5');
  expect(last).toEqual([406, 12]);
  expect(middle?.[0]).toBeCloseTo(((first?.[0] ?? 0) + 406) / 2, 0);
  const [[fromZero, middleOfZero] = []] = pathOf(draw(series), 'a');
  // With an axis from 0 the points fill its right half only.
  expect(fromZero?.[0]).toBeCloseTo(middle?.[0] ?? 0, 0);
  expect(middleOfZero?.[0]).toBeGreaterThan(middle?.[0] ?? 0);
});

it('draws an axis of one place', () => {
  const drawn = draw([{ name: 'a', style: 'a', points: [[3, 1]] }], { xFrom: 3 });
  expect(JSON.stringify(drawn)).not.toMatch(/NaN|Infinity/);
  expect(drawn.filter(({ name }) => name === 'circle')).toHaveLength(1);
});

it('draws a cloud of points in any order', () => {
  const points: [number, number][] = [
    [100, 4],
    [0, 0],
    [50, Number.NaN],
    [50, 2],
  ];
  const elements = draw([{ name: 'all', style: 'a', joined: false, points }]);
  const cloud = elements.find((element) => hasClass(element, 'cloud'));
  expect(cloud?.text).toBe('all');
  expect(elements.filter((element) => hasClass(element, 'line'))).toEqual([]);
  expect(elements.filter(({ name }) => name === 'circle')).toEqual([]);
  // A dot is a line of no length; the point that is not finite has none.
  const [, zero = ''] = /M([\d.]+) 238h0/.exec(cloud?.attributes.d ?? '') ?? [];
  const middle = Number(((Number(zero) + 406) / 2).toFixed(1));
  expect(cloud?.attributes.d).toMatch(new RegExp(`^M406 12h0M${zero} 238h0M[\\d.]+ 125h0$`));
  expect(Number(/M([\d.]+) 125h0/.exec(cloud?.attributes.d ?? '')?.[1])).toBeCloseTo(middle, 0);
});

it('marks places of x', () => {
  const points: [number, number][] = [
    [0, 1],
    [10, 2],
  ];
  const elements = draw([{ name: 'a', style: 'a', points }], { marks: [{ x: 10, name: 'the end' }] });
  const mark = elements.find((element) => hasClass(element, 'mark'));
  expect([mark?.attributes.x1, mark?.text]).toEqual(['406', 'the end']);
});

it('draws bars as high as their values', () => {
  const bars = barChart('Lengths', 'Tokens', [
    { name: '1', value: 0.5 },
    { name: '2', value: 0.25 },
  ]);
  const elements = parsePage(`<!doctype html><title>t</title>${bars}`);
  const heights = elements.filter(({ name }) => name === 'rect').map(({ attributes }) => Number(attributes.height));
  expect(heights).toEqual([212, 106]);
  expect(textsOf(elements, 'text', 'tick')).toEqual(['50.0 %', '1', '25.0 %', '2']);
});

it('takes series with more than it draws, but no misspelt option', () => {
  const series = { name: 'a', style: 'a', points: [[0, 1] as const], run: 'first' };
  expect(() => draw([series])).not.toThrow();
  const misspelt = { ...series, dot: true };
  expect(() => draw([misspelt])).toThrow("unknown option 'chart.series[0].dot'. Did you mean");
});
