import { expect, it } from 'vitest';
import { parseMetrics } from './metrics.js';

it('reads what is whole, at any moment of a run', () => {
  const lines = ['{"step":1,"loss":2.5,"note":"x"}', '{"step":2,"loss":null}', '{"step":3,"loss":2.25}'];
  const whole = `${lines.join('\n')}\n`;
  const parsed = [
    { step: 1, loss: 2.5 },
    { step: 2, loss: Number.NaN },
    { step: 3, loss: 2.25 },
  ];
  expect(parseMetrics(whole)).toEqual(parsed);
  for (let end = 0; end <= whole.length; end++) {
    const ended = whole
      .slice(0, end)
      .split('\n')
      .filter((line) => lines.includes(line)).length;
    expect(parseMetrics(whole.slice(0, end))).toEqual(parsed.slice(0, ended));
  }
  expect(parseMetrics('{"step":1}\n{"st{"step":2}\n[1]\n7\nnull\n{"loss":1}\n')).toEqual([{ step: 1 }]);
});

it('takes the later lines where a run went on from an earlier step', () => {
  const text = [1, 2, 3, 2, 3, 4].map((step, i) => JSON.stringify({ step, loss: i })).join('\n');
  expect(parseMetrics(text)).toEqual([
    { step: 1, loss: 0 },
    { step: 2, loss: 3 },
    { step: 3, loss: 4 },
    { step: 4, loss: 5 },
  ]);
});
