import { createOrtEngine } from '@dpar/engine-ort';
import { createReferenceEngine, float32, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { bytesFromImages, createTokenizer, defaultLossWeights, discriminatorSpecs } from '@dpar/tokenizer';
import { describe, expect, it } from 'vitest';
import { picturesToImages } from '../batches/pictures.js';
import { constantSchedule } from '../optimizer/schedule.js';
import { tinyPictures, tinyTokenizer } from '../testing/tiny-tokenizer.js';
import type { StepMetrics } from './metrics.js';
import { TokenizerTrainer, type TokenizerTrainerOptions } from './tokenizer-trainer.js';

const discriminator = { width: 8, layers: 1 };
const adversarial = { discriminator, weight: 0.5, adaptive: true, start: 3 };

function tinyTrainer(changes: Partial<TokenizerTrainerOptions> = {}): TokenizerTrainer {
  return new TokenizerTrainer({
    engine: createReferenceEngine(),
    model: tinyTokenizer('vq'),
    data: tinyPictures(6, 3, 2),
    steps: 4,
    batchSize: 3,
    seed: 5,
    loss: { weights: defaultLossWeights },
    ...changes,
  });
}

async function metricsOf(trainer: TokenizerTrainer): Promise<StepMetrics[]> {
  const all: StepMetrics[] = [];
  for await (const metrics of trainer.run()) all.push(metrics);
  return all;
}

/** Values that do not depend on time. */
const timeless = (metrics: readonly StepMetrics[]) =>
  metrics.map((line) => Object.fromEntries(Object.entries(line).filter(([name]) => !/seconds|PerSecond/i.test(name))));

describe('TokenizerTrainer', () => {
  it.each(['vq', 'patch-vq'] as const)('lets a tiny %s learn a few pictures', async (kind) => {
    const engine = await createOrtEngine({ threads: 1 });
    const steps = kind === 'vq' ? 150 : 60;
    const validation = tinyPictures(6, 4);
    const schedule = constantSchedule(0.01);
    const trainer = tinyTrainer({ engine, model: tinyTokenizer(kind), steps, schedule, validation });
    const metrics = await metricsOf(trainer);
    const [first, last] = [metrics[0] as StepMetrics, metrics.at(-1) as StepMetrics];
    expect(metrics).toHaveLength(steps);
    expect(last.loss).toBeLessThan((kind === 'vq' ? 0.6 : 0.8) * first.loss);
    expect(last.absolute).toBeLessThan(first.absolute as number);
    expect(last.codesInUse).toBeGreaterThan(2);
    expect(last.validationLoss).toBeLessThan(first.loss);

    // The reported PSNR is that of the tokenizer that others load.
    const tokenizer = createTokenizer(engine, trainer.model);
    const images = picturesToImages(await tinyPictures(6, 6).batch(0));
    const codes = await tokenizer.encode(images);
    const decoded = await tokenizer.decode(codes);
    const errors = decoded.data.map((value, i) => Math.min(1, Math.max(-1, value)) - (images.data[i] as number));
    const mean = errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length;
    expect(last.validationPsnr).toBeCloseTo(10 * Math.log10(4 / mean), 3);
    expect(last.validationCodesInUse).toBe(new Set(codes.data).size);
    expect(last.validationSsim).toBeNaN(); // 8 pixels are fewer than the window
    await tokenizer.dispose();
    await trainer.dispose();
    await engine.dispose();
  });

  it('gives the same bits each time, with a discriminator, an average and revived codes', async () => {
    const run = async () => {
      const trainer = tinyTrainer({ adversarial, averageDecay: 0.9, reviveAfter: 2, steps: 6 });
      const metrics = timeless(await metricsOf(trainer));
      return { metrics, parameters: trainer.parameters, average: trainer.average, state: trainer.state() };
    };
    const [first, second] = [await run(), await run()];
    expect(first).toEqual(second);
    const { metrics } = first;
    expect(metrics.map(({ discriminator }) => discriminator !== undefined)).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(metrics.some(({ revivedCodes }) => Number(revivedCodes) > 0)).toBe(true);
  });

  it('starts with codes of the first pictures, unless it keeps those that it has', async () => {
    const book = (trainer: TokenizerTrainer) => named(trainer.parameters, 'quantize.embedding.weight').data.slice();
    const still = { steps: 1, schedule: constantSchedule(0), reviveAfter: 0 };
    const made = tinyTrainer(still);
    const before = book(made);
    await metricsOf(made);
    expect(book(made)).not.toEqual(before);
    const kept = tinyTrainer({ ...still, keepsCodebook: true });
    await metricsOf(kept);
    expect(book(kept)).toEqual(before);

    // A patch VQ starts with means of patches; its decoder, with their embeddings.
    const patches = tinyTrainer({ ...still, model: tinyTokenizer('patch-vq') });
    const [{ commitment } = {} as StepMetrics] = await metricsOf(patches);
    expect(commitment).toBeLessThan(0.2);
    const codes = named(patches.parameters, 'codebook.weight').data as Float32Array;
    expect(named(patches.parameters, 'decoder.embedding.weight').data).toEqual(codes.map((value) => 1.5 * value));
  });

  it('clips gradients, and keeps an average', async () => {
    const run = async (changes: Partial<TokenizerTrainerOptions>) => {
      const optimizer = { betas: [0, 0.999] as [number, number], epsilon: 1 };
      const trainer = tinyTrainer({
        steps: 1,
        optimizer,
        schedule: constantSchedule(1e-3),
        reviveAfter: 0,
        ...changes,
      });
      const [metrics] = await metricsOf(trainer);
      return { metrics: metrics as StepMetrics, trainer };
    };
    const free = await run({ maxGradientNorm: 1e9 });
    const clipped = await run({ maxGradientNorm: 1e-3 });
    expect(clipped.metrics.gradientNorm).toBe(free.metrics.gradientNorm);
    const first = (trainer: TokenizerTrainer): number =>
      Math.hypot(
        ...Object.entries(trainer.state()).flatMap(([name, { data }]) => (/^exp_avg\./.test(name) ? [...data] : [])),
      );
    expect(first(free.trainer)).toBeCloseTo(free.metrics.gradientNorm, 4);
    expect(first(clipped.trainer)).toBeCloseTo(1e-3, 6);

    const averaged = await run({ averageDecay: 1 });
    const start = tinyTokenizer('vq').parameters;
    const same = (a: Tensors<HostTensor>, b: Tensors<HostTensor>) =>
      expect(named(a, 'encoder.conv_in.weight')).toEqual(named(b, 'encoder.conv_in.weight'));
    same(averaged.trainer.average as Tensors<HostTensor>, start); // a decay of 1 keeps the start
    const moved = await run({ averageDecay: 0 });
    same(moved.trainer.average as Tensors<HostTensor>, moved.trainer.parameters);
  });

  it('refuses a loss that is not finite, and leaves the parameters', async () => {
    const model = tinyTokenizer('vq');
    (named(model.parameters, 'encoder.conv_in.weight').data as Float32Array)[0] = Number.NaN;
    const trainer = tinyTrainer({ model, keepsCodebook: true });
    const before = structuredClone(trainer.parameters);
    await expect(metricsOf(trainer)).rejects.toThrow(
      /expected a finite loss and gradient norm, got NaN.* at step 1\. Lower/,
    );
    expect(trainer.parameters).toEqual(before);
    expect(trainer.step).toBe(0);
  });

  it('measures rFID with a feature network', async () => {
    const seen: number[] = [];
    const features = {
      name: 'corner',
      resize: 'none',
      identity: 'corner',
      extract: async (images: readonly { data: Uint8Array }[]) => {
        seen.push(images.length);
        const data = Float32Array.from(images, (image) => image.data[0] as number);
        return { pool: { data, rows: images.length, columns: 1 } };
      },
      dispose: async () => {},
    };
    const validation = tinyPictures(5, 2);
    const trainer = tinyTrainer({ steps: 2, validateEvery: 1, features, validation });
    const found = (await metricsOf(trainer)).map(({ validationFid }) => validationFid as number);
    expect(seen).toEqual([2, 2, 2, 2, 1, 1, 2, 2, 1]); // the originals only once

    // The squared Frechet distance of two normal distributions of one dimension.
    const tokenizer = createTokenizer(createReferenceEngine(), trainer.model);
    const { pixels } = await tinyPictures(5, 5).batch(0);
    const images = picturesToImages({ images: new Int32Array(5), pixels });
    const decoded = bytesFromImages(await tokenizer.decode(await tokenizer.encode(images)));
    const statistics = (bytes: Uint8Array) => {
      const values = Array.from({ length: 5 }, (_, i) => bytes[192 * i] as number);
      const mean = values.reduce((sum, value) => sum + value, 0) / 5;
      return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4) };
    };
    const [a, b] = [statistics(pixels), statistics(decoded)];
    const expected = (a.mean - b.mean) ** 2 + (a.deviation - b.deviation) ** 2;
    expect(Math.abs((found[1] as number) / expected - 1)).toBeLessThan(1e-5);
  });

  it('refuses options that it does not know, and parameters of another model', () => {
    expect(() => tinyTrainer({ reviveafter: 3 } as object)).toThrow("'reviveAfter'");
    expect(() => tinyTrainer({ batchSize: 0 })).toThrow("expected 'batchSize' to be a whole number from 1, got 0");
    expect(() => tinyTrainer({ schedule: 0.1 as never })).toThrow('Pass constantSchedule(0.1)');
    const model = tinyTokenizer('vq');
    const parameters = { ...model.parameters, 'quantize.embedding.weight': float32([2, 2]) };
    expect(() => tinyTrainer({ model: { ...model, parameters } })).toThrow(
      'quantize.embedding.weight is float32[2, 2]',
    );
    const untrained = { ...model, kind: { ...model.kind, training: undefined } } as never;
    expect(() => tinyTrainer({ model: untrained })).toThrow(
      'expected a kind of tokenizer that can be trained, got "vq"',
    );
  });

  it('has the state of its discriminator in its own state', () => {
    const names = Object.keys(tinyTrainer({ adversarial }).state());
    for (const name of Object.keys(discriminatorSpecs(discriminator))) {
      expect(names).toEqual(expect.arrayContaining([name, `exp_avg.${name}`, `exp_avg_sq.${name}`]));
    }
    expect(names).toContain('code_used_at');
  });
});
