import { beforeAll, describe, expect, it } from 'vitest';
import { type Results, runExperiment } from './experiment.js';
import { toPage } from './report/page.js';
import { summarize } from './report/summary.js';
import { comparison } from './report/table.js';
import { quickSettings, variants } from './variants.js';

let results: Results;

beforeAll(async () => {
  results = await runExperiment(quickSettings, 'a command', () => {});
});

describe('the whole example, quickly', () => {
  it('trains and tests every variant with every seed', () => {
    expect(results.variants.map(({ variant }) => variant)).toEqual(variants);
    for (const { variant, runs } of results.variants) {
      expect(runs.map(({ seed }) => seed)).toEqual(quickSettings.seeds);
      for (const { tests, finalLoss, cpuSeconds } of runs) {
        expect(finalLoss).toBeGreaterThan(1);
        expect(finalLoss).toBeLessThan(5);
        expect(cpuSeconds).toBeGreaterThan(0);
        for (const { size, asTrained, meanTokens, accuracy } of tests) {
          const patches = (size[0] * size[1]) / 16;
          if (variant.merged && asTrained) expect(meanTokens).toBeLessThan(patches / 2);
          else expect(meanTokens).toBe(patches);
          expect(accuracy).toBeGreaterThanOrEqual(0);
          expect(accuracy).toBeLessThan(0.7); // four steps teach little
        }
        expect(tests.some(({ asTrained }) => !asTrained)).toBe(variant.merged);
      }
    }
  });

  it('agrees between engines', () => {
    expect(Object.keys(results.engineDifferences)).toHaveLength(4);
    expect(Math.max(...Object.values(results.engineDifferences))).toBeLessThan(5e-7);
  });

  it('tells means and deviations over seeds', () => {
    const { runs } = results.variants[4] ?? { runs: [] };
    const [a = 0, b = 0] = runs.map(({ cpuSeconds }) => cpuSeconds);
    const summary = summarize({ variant: variants[4] as never, runs });
    expect(summary.cpuSeconds.mean).toBeCloseTo((a + b) / 2, 9);
    expect(summary.cpuSeconds.deviation).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 9);
  });

  it('writes one page that needs nothing else', () => {
    const page = toPage(results, '<svg id="picture"></svg>');
    expect(page).toContain('<svg id="picture">');
    expect(page.match(/(src|href)=["']?|@import|url\(/)).toBeNull();
    expect(page.match(/.{0,40}(NaN|undefined|\[object).{0,40}/)).toBeNull();
    const { head, body } = comparison(results.variants.map(summarize));
    expect(body).toHaveLength(5);
    for (const row of body) expect(row).toHaveLength(head.length);
    for (const cell of body.flat()) expect(page).toContain(`<td>${cell}</td>`);
  });
});
