import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrtEngine } from '@dpar/engine-ort';
import { createStages } from '@dpar/example-kit';
import { readCheckpoint, writeCheckpoint } from '@dpar/io/node';
import { type Engine, float32, type HostTensor, named } from '@dpar/tensor';
import { readTrainConfig } from '@dpar/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainingRecord } from './card.js';
import { packModel } from './pack.js';
import { tiny } from './testing/tiny.js';
import { makeModel } from './train.js';

let engine: Engine;
let folder: string;
let trained: string;
let packed: string;
let record: TrainingRecord;

const pack = (from: string, to: string) => packModel(engine, from, to, createStages(true), tiny);
const readJson = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'));

describe('the folder that is shipped', () => {
  beforeAll(async () => {
    engine = await createOrtEngine({ threads: 1 });
    folder = await mkdtemp(join(tmpdir(), 'dpar-emoji-'));
    [trained, packed] = [join(folder, 'trained'), join(folder, 'package', 'model')];
    await makeModel(engine, trained, createStages(true), tiny);
    record = await pack(trained, packed);
  }, 300_000);
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true });
  });

  it.each([
    ['tokenizer', 'tokenizer'],
    ['entropy', 'entropy/best'],
    ['dpar', 'head/best'],
    ['llamagen', 'llamagen/best'],
  ])('has the weights that were trained, rounded: %s', async (name, from) => {
    const source = await readCheckpoint(join(trained, from));
    const { config, parameters } = await readCheckpoint(join(packed, name));
    // The threshold of the boundary head is that of the rounded weights.
    const { boundary_head: head } = config as { boundary_head?: { threshold: number } };
    const expected = head && { boundary_head: { ...head, threshold: expect.closeTo(head.threshold, 1) } };
    expect({ ...source.config, ...expected }).toEqual({ ...config, ...expected });
    expect(Object.keys(parameters).sort()).toEqual(Object.keys(source.parameters).sort());
    for (const [key, { shape, data }] of Object.entries(source.parameters)) {
      const after = named(parameters, key);
      expect(after.shape).toEqual(shape);
      const columns = shape.length === 2 ? (shape[1] as number) : 0;
      data.forEach((value, i) => {
        const error = Math.abs((after.data[i] as number) - (value as number));
        // float16 has 11 significant bits; below 2^-14 its numbers are 2^-24 apart.
        const ofFloat16 = Math.max(Math.abs(value as number) * 2 ** -11, 2 ** -25);
        const row =
          columns > 0
            ? Array.from((data as Float32Array).subarray(i - (i % columns), i - (i % columns) + columns))
            : [];
        const ofInt8 = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 254;
        if (!(error <= (columns > 0 ? 1.001 * ofInt8 : ofFloat16))) expect.fail(`${key}[${i}]: ${error}`);
      });
    }
  });

  it('says how the weights came about', async () => {
    expect(await readJson(packed, 'training.json')).toEqual(record);
    const state = await readJson(trained, 'dpar', 'best', 'trainer.json');
    expect(record.dpar.steps).toBe(state.step);
    // Measured when training validated, on the same images.
    expect(record.dpar.loss.float32).toBeCloseTo(state.validation_loss, 4);
    expect(record.dpar.loss.shipped).toBeCloseTo(record.dpar.loss.float32, 2);
    expect(record.dpar.loss.shipped).not.toBe(record.dpar.loss.float32);
    expect(record.tokenizer.psnr.shipped).toBeCloseTo(record.tokenizer.psnr.float32, 1);
    expect(record.dpar.mean_patch_length.float32).toBeGreaterThan(1);
    const { parameters } = await readCheckpoint(join(packed, 'dpar'));
    const count = Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
    expect(record.dpar.parameters + record.head.parameters).toBe(count);
    expect(record.head.threshold).toBe((await readJson(packed, 'dpar', 'config.json')).boundary_head.threshold);
    // Measured when training validated, on the same images.
    const lines = (await readFile(join(trained, 'head', 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const metrics = JSON.parse(lines[record.head.steps - 1] as string);
    expect(record.head.correlation.float32).toBeCloseTo(metrics.validation_boundary_correlation, 5);
    expect(record.head.agreement.float32).toBeCloseTo(metrics.validation_boundary_agreement, 5);
    expect(record.head.mean_patch_length.float32).toBeCloseTo(record.dpar.mean_patch_length.float32, 1);
    expect(record.head.loss.float32).not.toBe(record.dpar.loss.float32);
    expect(record.head.loss.float32).toBeCloseTo(record.dpar.loss.float32, 0);
    expect(record.dpar.hours).toBeGreaterThan(0);
    expect(record.dpar.hours).toBeLessThan(0.1);
    expect(record.images).toEqual({ train: 151, variants: 2, validation: 9 });
  });

  it('has class names, and configurations that hold no path of the machine', async () => {
    const classes = await readJson(packed, 'classes.json');
    expect(classes).toHaveLength((await readJson(packed, 'dpar', 'config.json')).num_classes);
    expect(classes).toContain('Food & Drink');
    for (const [output, path] of [
      ['entropy', 'entropy/train.json'],
      ['dpar', 'dpar/train.json'],
      ['head', 'dpar/train-head.json'],
      ['llamagen', 'llamagen/train.json'],
    ] as const) {
      const config = await readJson(packed, path);
      expect(readTrainConfig(config)).toMatchObject({ output, data: { tokens: 'data/train' }, seed: tiny.seed });
      expect(JSON.stringify(config)).not.toContain(folder);
    }
  });

  it('stays as it is when the weights do not bear rounding', async () => {
    const broken = join(folder, 'broken');
    await cp(trained, broken, { recursive: true });
    const best = join(broken, 'head', 'best');
    const { config, parameters } = await readCheckpoint(best);
    const state = await readFile(join(best, 'trainer.json'));
    // A number beside which int8 loses all others of its row.
    const [name, weight] = Object.entries(parameters).find(([key]) => key === 'output.weight') as [string, HostTensor];
    const [, columns = 0] = weight.shape;
    const data = Float32Array.from(weight.data as Float32Array, (value, i) => (i % columns === 0 ? 30 : value));
    const more = (partial: string) => writeFile(join(partial, 'trainer.json'), state);
    await writeCheckpoint(best, config, { ...parameters, [name]: float32(weight.shape, data) }, { more });
    const { ino, mtimeMs } = await stat(join(packed, 'training.json'));
    await expect(pack(broken, packed)).rejects.toThrow('expected rounding to raise');
    expect(await stat(join(packed, 'training.json'))).toMatchObject({ ino, mtimeMs });
  });
});
