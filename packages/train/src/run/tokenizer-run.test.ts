import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { loadModel, saveModel } from '@dpar/model/node';
import { createReferenceEngine } from '@dpar/tensor';
import { bytesFromImages, createTokenizer, peakSignalToNoiseRatio, tokenizerKinds } from '@dpar/tokenizer';
import { beforeEach, describe, expect, it } from 'vitest';
import { picturesToImages } from '../batches/pictures.js';
import { metricsOf } from '../testing/tiny-run.js';
import { tinyTokenizer, tinyTokenizerRun, tinyTokenizers } from '../testing/tiny-tokenizer.js';
import { createTokenizerTrainer, picturesToShow } from './create-tokenizer-trainer.js';
import { tokenizerFromSettings } from './model-settings.js';
import { type TrainOptions, train } from './train.js';
import { readTrainConfig, type TokenizerTrainConfig, tokenizerConfig, trainConfigKeys } from './train-config.js';

let folder = '';
beforeEach(async () => {
  folder = await temporaryFolder();
});

/** Trains until the end, or a step. @returns The notes. */
async function trainTo(config: TokenizerTrainConfig, until = Number.POSITIVE_INFINITY, options: TrainOptions = {}) {
  const notes: string[] = [];
  const steps = train(createReferenceEngine(), config, { ...options, onNote: (text) => notes.push(text) });
  for await (const { step } of steps) if (step === until) break;
  return notes;
}

describe('a run of a tokenizer', () => {
  it('writes its files, among them a tokenizer with the reported PSNR', async () => {
    const config = await tinyTokenizerRun(folder);
    expect(await trainTo(config)).toEqual([]);
    const { output, data } = config;
    expect(await readdir(output)).toEqual(['best', 'checkpoints', 'last', 'metrics.jsonl', 'train.json']);
    expect(await readdir(join(output, 'checkpoints'))).toEqual(['step-000004', 'step-000006']);
    expect(JSON.parse(await readFile(join(output, 'train.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(config)));
    const lines = (await metricsOf(output)) as Record<string, number>[];
    expect(lines).toHaveLength(6);
    for (const [i, line] of lines.entries()) {
      const names = Object.keys(line);
      const terms = ['absolute', 'squared', 'codebook', 'commitment', 'entropy', 'codes_in_use', 'revived_codes'];
      expect(names).toEqual(expect.arrayContaining(terms));
      expect(names.includes('discriminator')).toBe(i >= 3);
      expect(names.includes('validation_psnr')).toBe(i === 2 || i === 5);
    }

    const tokenizer = createTokenizer(
      createReferenceEngine(),
      await loadModel(join(output, 'last'), { kinds: tokenizerKinds }),
    );
    const held = await picturesToShow(config, 100);
    expect(held.images.length).toBeGreaterThan(0);
    expect(held.images.length).toBeLessThan(12);
    const decoded = bytesFromImages(await tokenizer.decode(await tokenizer.encode(picturesToImages(held))));
    const reported = lines.at(-1)?.validation_psnr as number;
    expect(Math.abs(peakSignalToNoiseRatio(held.pixels, decoded) - reported)).toBeLessThan(0.02); // bytes are rounded
    expect(data.validation_share).toBe(0.3);
  });

  it('ends with the same bytes if it resumes before or after its discriminator joined', async () => {
    const whole = await tinyTokenizerRun(folder);
    await trainTo(whole);
    for (const step of [2, 5]) {
      const config = { ...whole, output: join(folder, `from-${step}`) };
      await trainTo(config, step);
      const threads = { ...config, data: { ...config.data, threads: 2, prefetch_batches: 0 } }; // these may change
      const notes = await trainTo(threads, undefined, { resume: true });
      expect(notes.at(-1)).toMatch(new RegExp(`^resumes from step ${step} in`));
      for (const file of ['model', 'optimizer', 'average'].map((name) => `${name}.safetensors`)) {
        const [again, expected] = await Promise.all(
          [config, whole].map(({ output }) => readFile(join(output, 'last', file))),
        );
        expect(expected && again?.equals(expected), file).toBe(true);
      }
      expect(await metricsOf(config.output)).toEqual(await metricsOf(whole.output));
    }
  });

  it('refuses to resume with other pictures or settings', async () => {
    const config = await tinyTokenizerRun(folder);
    await trainTo(config, 2);
    const { discriminator } = config;
    const wrong: [object, RegExp][] = [
      [{ discriminator: { ...discriminator, start: 5 } }, /'discriminator.start' 5 in place of 3/],
      [{ revive_after: 0 }, /'revive_after' 0 in place of 2/],
      [{ loss: { ...config.loss, squared: 2 } }, /'loss.squared' 2 in place of 1/],
    ];
    for (const [changes, message] of wrong) {
      await expect(
        trainTo({ ...config, ...changes } as TokenizerTrainConfig, undefined, { resume: true }),
      ).rejects.toThrow(message);
    }
    await writeFile(join(config.data.images, '3.png'), 'another size');
    await expect(trainTo(config, undefined, { resume: true })).rejects.toThrow(
      /'data.images' "sha256:.*" in place of "sha256:/,
    );
  });

  it('leaves out a damaged picture and says so', async () => {
    const config = await tinyTokenizerRun(folder);
    await writeFile(join(config.data.images, '3.png'), 'no picture');
    const notes = await trainTo(config);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^left out '3\.png': /);
    expect(await metricsOf(config.output)).toHaveLength(6);
  });

  it('starts from the weights of another tokenizer, and keeps its codebook', async () => {
    await saveModel(join(folder, 'base'), tinyTokenizer('vq', {}, 9));
    const changes = { init_from: join(folder, 'base'), discriminator: null, revive_after: 0, steps: 1 };
    const config = await tinyTokenizerRun(folder, { ...changes, optimizer: { learning_rate: 1e-37 } });
    await trainTo(config);
    const trained = await loadModel(join(config.output, 'last'), { kinds: tokenizerKinds });
    // A learning rate of almost nothing changes only zeros, by as little.
    for (const [name, { data }] of Object.entries(tinyTokenizer('vq', {}, 9).parameters)) {
      const changes = data.map((value, i) => value - (trained.parameters[name]?.data[i] as number));
      expect(Math.max(...changes.map(Math.abs)), name).toBeLessThan(1e-36);
    }
    for (const [other, message] of [
      [{ codebook_l2_norm: false }, /got codebook_l2_norm true instead of false/],
      [{ norm_groups: 4 }, /got norm_groups 2 instead of 4/],
    ] as const) {
      const wrong = { ...config, model: { ...config.model, ...other }, output: join(folder, 'wrong') };
      await expect(trainTo(wrong)).rejects.toThrow(message);
    }
  });

  it("starts from LlamaGen's official form of weights", async () => {
    const { kind, config } = tokenizerFromSettings({
      kind: 'vq',
      ch: 32,
      ch_mult: [1, 2, 2],
      num_res_blocks: 2,
      z_channels: 32,
      codebook_size: 64,
      codebook_embed_dim: 8,
      image_size: 16,
      norm_groups: 32,
    });
    const settings = await tinyTokenizerRun(folder, {
      model: kind.writeConfig(config),
      init_from: fixturePath('vq'),
      discriminator: null,
      steps: 1,
    });
    const trainer = await createTokenizerTrainer(createReferenceEngine(), settings);
    const { parameters } = await loadModel(fixturePath('vq'), { kinds: tokenizerKinds });
    expect(Object.keys(trainer.parameters).sort()).toEqual(Object.keys(parameters).sort());
    for (const name of ['encoder.conv_in.weight', 'quantize.embedding.weight', 'decoder.mid.1.q.bias']) {
      expect(trainer.parameters[name]).toEqual(parameters[name]);
    }
    await trainer.dispose();
  });
});

describe('the configuration of a tokenizer', () => {
  const base = { model: tinyTokenizers.vq, data: { images: 'photos' }, steps: 10, output: 'run' };

  it.each<readonly [string, object, RegExp]>([
    ['an unknown key', { revive: 3 }, /unknown key 'revive'/],
    ['a key of another model', { data: { images: 'photos', tokens: 'tokens' } }, /unknown key 'data\.tokens'/],
    [
      'two validations',
      { data: { images: 'photos', validation: 'held', validation_share: 0.1 } },
      /expected either 'data.validation' or 'data.validation_share', got both/,
    ],
    ['scales in the wrong order', { data: { images: 'photos', scales: [1, 0.5] } }, /'data.scales' .* got \[1,0.5\]/],
    [
      'a colour that is none',
      { data: { images: 'photos', background: 'sky' } },
      /'data.background' to be an opaque colour, such as white/,
    ],
    [
      'no size of pictures',
      { model: { ...tinyTokenizers.vq, image_size: undefined } },
      /'model.image_size', .* such key/,
    ],
    [
      'a discriminator that never joins',
      { discriminator: { start: 10 } },
      /'discriminator.start' below the 10 of 'steps'/,
    ],
    [
      'rFID without validation',
      { features: { network: 'inception.pth' } },
      /expected validation pictures for 'features', got neither/,
    ],
    ['a kind that is none', { model: { kind: 'vqgan' } }, /'model.kind' to be .*"vq" or "patch-vq", got "vqgan"/],
  ])('refuses %s', (_, changes, message) => {
    expect(() => readTrainConfig({ ...base, ...changes })).toThrow(message);
  });

  it('names the keys of folders that are missing or hold no pictures', async () => {
    const config = await tinyTokenizerRun(folder);
    const failing = (data: object) => trainTo({ ...config, data: { ...config.data, ...data } });
    const none = join(folder, 'none');
    await expect(failing({ images: none })).rejects.toThrow(
      `data.images: expected a folder of pictures at '${none}', got`,
    );
    const file = join(config.data.images, '0.png');
    await expect(failing({ images: file })).rejects.toThrow(/^data\.images: .* got a file\. Correct the path\.$/);
    await expect(failing({ validation: none, validation_share: 0 })).rejects.toThrow(
      /^data\.validation: .*no such folder/,
    );
    const empty = await temporaryFolder();
    await expect(failing({ images: empty })).rejects.toThrow(
      /^data\.images: expected images in .* got an empty folder/,
    );
    expect(await readdir(config.output)).toEqual([]);
  });

  it('asks for the network of rFID', async () => {
    const config = await tinyTokenizerRun(folder, { features: { network: 'inception.pth' } });
    await expect(trainTo(config)).rejects.toThrow(
      "expected the option 'features', the network in 'inception.pth', got none",
    );
  });

  it('has presets, and takes changes of any key', () => {
    const preset = { ...base, model: { kind: 'vq', preset: 'VQ-16' } };
    const config = tokenizerConfig('test', readTrainConfig(preset, ['model.image_size=64', 'discriminator.start=5']));
    expect(tokenizerFromSettings(config.model).config).toMatchObject({
      ch: 128,
      chMult: [1, 1, 2, 2, 4],
      imageSize: 64,
    });
    expect(config.discriminator).toMatchObject({ start: 5, weight: 0.5, layers: 2 });
    const patches = { ...base, model: tinyTokenizers['patch-vq'] };
    expect(readTrainConfig(patches, ['model.patch_size=2']).model).toMatchObject({ patch_size: 2 });
  });

  it.each(['vq', 'patch-vq'])('describes each key of %s, with its default', (kind) => {
    const keys = new Map(trainConfigKeys(kind).map(({ key, description }) => [key, description]));
    for (const [key, description] of keys) expect(description, key).not.toBe('');
    expect(keys.get('model.image_size')).toMatch(/^Width and height .*in pixels/);
    expect(keys.get('loss.commitment')).toContain('(default: 0.25)');
    expect(keys.get('discriminator.width')).toContain('(default: 64)');
    expect(keys.get('optimizer.betas')).toContain('(default: [0.9,0.99])');
  });
});
