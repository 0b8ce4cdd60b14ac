import { countParameters } from '@dpar/nn';
import { architectureFromSettings, readTrainConfig } from '@dpar/train';
import { describe, expect, it } from 'vitest';
import { type LearningResult, learningPage, spreadCurve, verdict } from './report.js';
import { kinds, learningRun } from './settings.js';

it('compares models of the same number of parameters, within 1 %', () => {
  const counts = kinds.map((name) => {
    const { model } = readTrainConfig(learningRun(name, 'runs', 0, 9, 2.5));
    const { kind, config } = architectureFromSettings(model);
    return countParameters(kind.specs(config));
  });
  expect((counts[0] as number) / (counts[1] as number)).toBeCloseTo(1, 2);
});

describe('spreadCurve', () => {
  it('gives mean, standard deviation and range', () => {
    const runs = [3, 4, 5].map((loss) => [{ step: 2, seconds: loss, teraFlop: 1, loss }]);
    expect(spreadCurve(runs)).toEqual([
      { step: 2, seconds: 4, teraFlop: 1, loss: 4, deviation: 1, lowest: 3, highest: 5 },
    ]);
  });
});

describe('the verdict', () => {
  const result = (loss: number, gigaFlopPerImage: number): LearningResult => ({
    parameters: 6e5,
    gigaFlopPerImage,
    stepSeconds: 0.1,
    points: [{ step: 10, seconds: 1, teraFlop: 1, loss, deviation: 0.01, lowest: loss, highest: loss }],
  });

  it('tells lower, higher and equal losses apart', () => {
    const models = (loss: number) => ({ dpar: result(loss, 0.8), llamagen: result(2, 1) });
    expect(verdict(models(1.9))).toContain("lower than LlamaGen's by 0.100");
    expect(verdict(models(2.1))).toContain('does not show');
    expect(verdict(models(2.001))).toContain('within the spread, at 20 % fewer operations (the entropy model');
    const page = learningPage({ machine: 'm', engine: 'e', command: 'c', models: models(1.9) });
    expect(page).toContain('1.900 ± 0.010');
    expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(3);
  });
});
