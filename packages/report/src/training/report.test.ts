import { describe, expect, it } from 'vitest';
import { pictureOf, toPng } from '../picture.js';
import { hasClass, parsePage, pointsOf, textsOf } from '../testing/parse.js';
import type { MetricsLine } from './metrics.js';
import { trainingReport } from './report.js';
import type { TrainingRun } from './run.js';
import { timeParts } from './time.js';

const line = (step: number, more: Partial<MetricsLine> = {}): MetricsLine => ({
  step,
  epoch: 0,
  loss: 5 - step / 10,
  gradient_norm: 1,
  learning_rate: 0.001,
  seconds: 0.5,
  images_per_second: 32,
  mean_patch_length: 2,
  graphs: 1,
  ...more,
});

const png = toPng(pictureOf(Uint8Array.from([255, 0, 0])));

const run = (more: Partial<TrainingRun> = {}): TrainingRun => ({
  name: 'first',
  steps: 40,
  settings: { model: { kind: 'dpar' }, optimizer: { learning_rate: 0.001, betas: [0.9, 0.95] }, batch_size: 16 },
  metrics: Array.from({ length: 20 }, (_, i) => line(i + 1, i % 10 === 9 ? { validation_loss: 4 - i / 100 } : {})),
  model: { kind: 'dpar', parameters: 1_230_000, forwardMacs: 2e9 },
  record: { state: 'running', machine: { cpu: 'a <fast> one', cores: 2 }, seconds: { samples: 3 } },
  samples: [
    { step: 10, png },
    { step: 20, png },
  ],
  ...more,
});

const nothing = /NaN|undefined|\[object|Infinity/;

describe('the report of a run', () => {
  const page = trainingReport([run()]);
  const elements = parsePage(page);

  it('needs nothing else and is well-formed', () => {
    expect(page).not.toMatch(/(src|href)=["']?(https?:)?\/\/|@import|url\(|<script/);
    expect(page).not.toMatch(nothing);
  });

  it('shows the key figures', () => {
    expect(textsOf(elements, 'div', 'tile')).toEqual([
      '20 / 40steps, not ended yet',
      expect.stringMatching(/^3\.\d+training loss, smoothed/),
      '3.810best validation loss, at step 20',
      '32.0images per second, median',
      '2.00tokens per patch',
      '10 sin training steps',
    ]);
  });

  it('draws each metric against steps and against time', () => {
    const charts = elements.filter(({ name, attributes }) => name === 'svg' && attributes.role === 'img');
    const labels = charts.map(({ attributes }) => attributes['aria-label']);
    expect(labels).toHaveLength(12);
    expect(labels).toContain('Training loss: Nats per token against Steps');
    expect(labels).toContain('Patches: Tokens per patch against Seconds of training');
    const raw = elements.filter((element) => hasClass(element, 'raw') && element.text.startsWith('loss, each step'));
    for (const { attributes } of raw) {
      const [points = []] = pointsOf(attributes.d ?? '');
      expect(points).toHaveLength(20);
      // The loss falls evenly: so does its line, and steps take the same time.
      const slopes = points.slice(1).map(([x, y], i) => (y - (points[i]?.[1] ?? 0)) / (x - (points[i]?.[0] ?? 0)));
      for (const slope of slopes) expect(slope).toBeCloseTo(slopes[0] ?? 0, 1);
      expect(slopes[0]).toBeGreaterThan(0);
    }
    expect(raw).toHaveLength(2);
    expect(elements.filter((element) => hasClass(element, 'dot') && element.text === '3.8100')).not.toEqual([]);
  });

  it('shows samples, settings, costs and the machine', () => {
    expect(textsOf(elements, 'figcaption').slice(0, 2)).toEqual(['Step 20', 'Step 10']); // before the curves
    const images = elements.filter(({ name }) => name === 'img');
    expect(images.map(({ attributes }) => attributes.src)).toEqual(
      Array(2).fill(`data:image/png;base64,${Buffer.from(png).toString('base64')}`),
    );
    const entries = textsOf(elements, 'dt').map((name, i) => [name, textsOf(elements, 'dd')[i]]);
    expect(entries).toEqual(
      expect.arrayContaining([
        ['optimizer.betas', '[0.9,0.95]'],
        ['Parameters', '1.23 M'],
        ['Training', '12.0 GFLOP per image, forward and backward'],
        ['Speed', '384 GFLOP per second, median'],
        ['So far', '3.84 TFLOP for 320 images'],
        ['cpu', 'a <fast> one'],
      ]),
    );
    expect(textsOf(elements, 'td')).toEqual(['10 s', '76.9 %', '3 s', '23.1 %', '13 s', '']);
  });

  it('shows a boundary head: its error, its correlation and its agreement', () => {
    const validated = {
      validation_loss: 3,
      validation_boundary_loss: 0.2,
      validation_boundary_correlation: 0.9444,
      validation_boundary_agreement: 0.916,
    };
    const metrics = [line(1, { boundary_loss: 0.5 }), line(2, { boundary_loss: 0.4, ...validated })];
    const joint = parsePage(trainingReport([run({ metrics })]));
    const titles = ['Error of the boundary head', 'Agreement of the boundary head'];
    expect(textsOf(joint, 'figcaption')).toEqual(expect.arrayContaining(titles));
    expect(textsOf(joint, 'div', 'tile')).toEqual(
      expect.arrayContaining([
        '0.944correlation of the entropies of the boundary head',
        '91.6 %agreement of the boundary head',
      ]),
    );
    const only = parsePage(trainingReport([run({ metrics, settings: { train: 'boundary_head' } })]));
    expect(textsOf(only, 'figcaption')).not.toContain('Error of the boundary head');
    expect(textsOf(only, 'div', 'tile').join()).toContain('training loss, smoothed, squared nats');
    const both = parsePage(trainingReport([run({ metrics }), run()]));
    expect(textsOf(both, 'td')).toEqual(expect.arrayContaining(['91.6 %', '-']));
  });

  it('has the terms, the codes and the pictures of a tokenizer', () => {
    const settings = { loss: { absolute: 1 }, model: { kind: 'vq', codebook_size: 64 } };
    const terms = { absolute: 0.2, squared: 0.1, codebook: 0.05, commitment: 0.05, discriminator: 1 };
    const of = (step: number, more = {}) =>
      line(step, {
        ...terms,
        codes_in_use: 50 + step,
        revived_codes: 3,
        wait_seconds: 0.25,
        mean_patch_length: 1,
        ...more,
      });
    const found = { validation_loss: 2, validation_psnr: 24.567, validation_ssim: 0.8125, validation_codes_in_use: 40 };
    const metrics = [of(1), of(2, found)];
    const png = toPng(pictureOf(new Uint8Array(12), 1));
    const page = trainingReport([run({ settings, metrics, samples: [{ step: 2, png }] })]);
    expect(page).not.toMatch(nothing);
    expect(page).not.toMatch(/nats/i);
    const shown = parsePage(page);
    expect(textsOf(shown, 'div', 'tile')).toEqual(
      expect.arrayContaining([
        '24.57 dBPSNR of the validation pictures',
        '52 / 64codes in use in the last steps',
        '40codes in use in the validation pictures',
        '6codes revived',
        '50.0 %of the time waiting for pictures',
      ]),
    );
    expect(textsOf(shown, 'div', 'tile').join()).toMatch(/training loss, smoothed, sum of weighted terms/);
    expect(textsOf(shown, 'figcaption')).toEqual(
      expect.arrayContaining([
        'Absolute error',
        'PSNR of validation pictures',
        'Loss of the discriminator',
        'Revived codes',
      ]),
    );
    expect(textsOf(shown, 'h2')).toContain('Reconstructions');
    expect(page).toContain('the original on the left, its reconstruction on the right');
    const both = parsePage(trainingReport([run({ settings, metrics }), run()]));
    expect(textsOf(both, 'td')).toEqual(expect.arrayContaining(['24.57 dB', '-', '50.0 %']));
    expect(textsOf(both, 'th').join()).toContain('(sum of weighted terms; nats per token)');
  });

  it('shows the weights that it starts from, and the names of the classes', () => {
    const start = {
      folder: 'base/best',
      kind: 'dpar',
      parts: [
        { name: 'layers', parameters: 2_000_000, taken: 2_000_000, notes: [] },
        { name: 'cls_embedding', parameters: 640, taken: 480, notes: ['takes 3 of 4 classes by name', 'new: <sea>'] },
      ],
    };
    const started = parsePage(trainingReport([run({ start, classes: ['cat', '<sea>'] })]));
    expect(textsOf(started, 'h2')).toContain('Starts from');
    expect(textsOf(started, 'td')).toEqual(
      expect.arrayContaining(['2.00 M', '100.0 %', '75.0 %', 'takes 3 of 4 classes by name; new: <sea>']),
    );
    expect(textsOf(started, 'dd')).toContain('2: cat, <sea>');
    expect(textsOf(elements, 'h2')).not.toContain('Starts from');
    const two = parsePage(trainingReport([run({ start }), run({ name: 'second' })]));
    expect(textsOf(two, 'h2').filter((text) => text.includes('starts from'))).toEqual(['first starts from']);
  });

  it('leaves out patches of one token each', () => {
    const metrics = [line(1, { mean_patch_length: 1 }), line(2, { mean_patch_length: 1 })];
    expect(textsOf(parsePage(trainingReport([run({ metrics })])), 'figcaption')).not.toContain('Patches');
  });

  it('can be made before the first step, and of a run that left little', () => {
    const { name, steps, settings } = run();
    const early = trainingReport([{ name, steps, settings, metrics: [] }]);
    expect(early).not.toMatch(nothing);
    expect(textsOf(parsePage(early), 'p')).toContain('No step is done yet.');
    expect(() => trainingReport([])).toThrow('expected at least one run');
  });

  it('says why a run failed, and marks where', () => {
    const record = { state: 'failed', machine: {}, message: 'loss <NaN> at step 21' } as const;
    const failed = parsePage(trainingReport([run({ record })]));
    expect(textsOf(failed, 'p', 'alarm')).toEqual(['first failed after step 20. loss <NaN> at step 21']);
    const marks = failed.filter((element) => hasClass(element, 'mark'));
    expect(marks).toHaveLength(12);
    expect(new Set(marks.map(({ attributes }) => attributes.x1))).toEqual(new Set(['406']));
    expect(elements.filter((element) => hasClass(element, 'alarm'))).toEqual([]);
  });
});

it('says that a finished run was too short to draw well, and how many steps it takes', () => {
  const record = { state: 'done', machine: {} } as const;
  const noteOf = (more: Partial<TrainingRun>) =>
    textsOf(parsePage(trainingReport([run({ record, ...more })])), 'p', 'note');
  expect(noteOf({})).toEqual([
    expect.stringMatching(/^Too short to draw well\. The model saw 320 pictures .* Raise steps to 1250 or more\.$/),
  ]);
  expect(noteOf({ metrics: [line(1250)] })).toEqual([]);
  // Runs that go on, that start from trained weights, and models that draw nothing.
  expect(noteOf({ record: { ...record, state: 'running' } })).toEqual([]);
  expect(noteOf({ start: { folder: 'a', kind: 'dpar', parts: [] } })).toEqual([]);
  expect(noteOf({ settings: { batch_size: 16, loss: {} } })).toEqual([]);
  expect(noteOf({ model: { kind: 'entropy', parameters: 1, forwardMacs: 1 } })).toEqual([]);
});

it('explains the time of a step beside its operations by where the time goes', () => {
  const times = (seconds: number) =>
    [1, 2, 3].map((step) =>
      line(step, { seconds: step === 1 ? 9 : seconds, wait_seconds: 0.01, optimizer_seconds: 0.02 }),
    );
  const dpar = run({
    name: 'DPAR',
    metrics: times(0.096),
    model: { kind: 'dpar', parameters: 1, forwardMacs: 0.77e9 },
  });
  const llamagen = run({
    name: 'LlamaGen',
    metrics: times(0.1),
    model: { kind: 'llamagen', parameters: 1, forwardMacs: 1e9 },
  });
  const elements = parsePage(trainingReport([llamagen, dpar]));
  const text = textsOf(elements, 'p').find((paragraph) => paragraph.startsWith('A step of')) ?? '';
  expect(text).toContain('A step of DPAR takes 0.96 of the time of LlamaGen (0.77 by operations).');
  // 19 ms more than the 77 ms of its operations: 0.23 of 30 ms, and the rest.
  expect(text).toContain('it would take 77.0 ms');
  expect(text).toContain('take 6.9 ms more. Forward and backward take 12 ms more');
  expect(text).toContain('more and smaller operators');
  expect(textsOf(elements, 'td')).toEqual(
    expect.arrayContaining(['73.9', '96.0', '100', '0.96', '0.77', '66.0', '70.0']),
  );
  const alike = run({
    name: 'other',
    metrics: times(0.077),
    model: { kind: 'dpar', parameters: 1, forwardMacs: 0.77e9 },
  });
  expect(trainingReport([alike, llamagen])).toContain('Time follows the operations.');
});

it('compares several runs', () => {
  const second = run({ name: 'second', settings: { ...run().settings, batch_size: 8 }, metrics: [line(1)] });
  const page = trainingReport([run(), second]);
  expect(page).not.toMatch(nothing);
  const elements = parsePage(page);
  for (const style of ['run-1', 'run-2']) {
    const losses = elements.filter((element) => hasClass(element, style) && /, loss, smoothed/.test(element.text));
    expect(losses).toHaveLength(2);
  }
  expect(textsOf(elements, 'th')).toEqual(expect.arrayContaining(['first', 'second', 'batch_size']));
  expect(textsOf(elements, 'th')).not.toContain('optimizer.betas'); // what the runs share is in the list
  expect(textsOf(elements, 'td')).toEqual(expect.arrayContaining(['16', '8', '20 / 40', '1 / 40']));
});

it('tells the parts of a step from one another, and from what took time beside the steps', () => {
  const metrics = [
    line(1, { seconds: 3, graphs: 1 }),
    line(2, { wait_seconds: 0.25 }),
    line(3, { seconds: 2, graphs: 2 }),
    line(4, { graphs: 2 }),
  ];
  const record = { state: 'done', machine: {}, seconds: { validation: 9, samples: 4.5 } } as const;
  expect(timeParts(run({ metrics, record }))).toEqual([
    { name: 'Training steps', seconds: 1.5 },
    { name: 'Validation', seconds: 9 },
    { name: 'Samples', seconds: 4.5 },
    { name: 'Compiling', seconds: 4.25 },
    { name: 'Wait', seconds: 0.25 },
  ]);
  const named = metrics.map((entry) => ({ ...entry, optimizer_seconds: 0.125 }));
  expect(timeParts(run({ metrics: named })).slice(0, 2)).toEqual([
    { name: 'Forward and backward', seconds: 1 },
    { name: 'Compiling', seconds: 4.25 },
  ]);
});
