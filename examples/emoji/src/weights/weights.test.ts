import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { emojiFolder, loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createStages } from '@dpar/example-kit';
import { loadEmoji } from '@dpar/example-kit/emoji';
import type { Picture } from '@dpar/report';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPretrained } from '../pretrained/draw.js';
import { type TrainingRecord, withCard } from './card.js';
import { evaluateModel } from './evaluate.js';

let engine: Awaited<ReturnType<typeof createOrtEngine>>;
let record: TrainingRecord;

beforeAll(async () => {
  engine = await createOrtEngine();
  record = JSON.parse(await readFile(join(emojiFolder, 'training.json'), 'utf8'));
});
afterAll(() => engine.dispose());

describe('the model that @dpar/emoji ships', () => {
  it('is as good on the validation images as its figures say', async () => {
    const model = await loadEmojiModel();
    const { classes, validation } = await loadEmoji(undefined, { update() {} });
    expect(model.classes).toEqual(classes);
    const quality = await evaluateModel(engine, model, validation);
    const within = (actual: number, expected: number, share: number) =>
      expect(Math.abs(actual / expected - 1)).toBeLessThan(share);
    within(quality.dparLoss, record.dpar.loss.shipped, 0.01);
    within(quality.llamagenLoss, record.llamagen.loss.shipped, 0.01);
    within(quality.entropyLoss, record.entropy.loss.shipped, 0.01);
    within(quality.meanPatchLength, record.dpar.mean_patch_length.shipped, 0.01);
    within(quality.head.loss, record.head.loss.shipped, 0.01);
    within(quality.head.meanPatchLength, record.head.mean_patch_length.shipped, 0.01);
    expect(model.dpar.config.boundaryHead?.threshold).toBeCloseTo(quality.head.threshold, 2);
    within(quality.head.correlation, record.head.correlation.shipped, 0.01);
    within(quality.head.agreement, record.head.agreement.shipped, 0.01);
    within(quality.psnr, record.tokenizer.psnr.shipped, 0.01);
    expect(quality.dparLoss).toBeLessThan(0.6 * Math.log(record.tokenizer.codes));
    expect(quality.head.loss).toBeLessThan(quality.dparLoss + 0.004);
    expect(quality.head.agreement).toBeGreaterThan(0.93);
  });

  it('has the figures in its README', async () => {
    const readme = await readFile(join(emojiFolder, '..', 'README.md'), 'utf8');
    expect(readme).toBe(withCard(readme, record));
    expect(() => withCard('# Another text', record)).toThrow('expected the lines');
  });

  it('draws the same images with the same seed, and more without changing those', async () => {
    const stages = createStages(true);
    const draw = (perClass: number, seed: number) => drawPretrained(engine, { perClass, seed }, stages);
    const { grid, images, classes, meanPatchLength } = await draw(1, 3);
    expect([grid.width, grid.height]).toEqual([9 * 68 - 4, 64]);
    expect([images, classes.length]).toEqual([9, 9]);
    expect(meanPatchLength).toBeGreaterThan(1);
    expect(meanPatchLength).toBeLessThanOrEqual(4);
    const more = await draw(2, 3);
    expect(more.grid.height).toBe(2 * 68 - 4);
    const isSame = (other: Picture) => Buffer.compare(other.data.subarray(0, grid.data.length), grid.data) === 0;
    expect(isSame(more.grid)).toBe(true);
    expect(isSame((await draw(1, 4)).grid)).toBe(false);
  });
});
