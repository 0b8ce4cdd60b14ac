import { entropyKind, entropyModelPresets } from '@dpar/entropy';
import { dparKind, dparPreset, llamaGenKind, llamaGenPreset, presets } from '@dpar/model';
import type { ParameterSpecs } from '@dpar/nn';
import { patchVqKind } from '@dpar/tokenizer';
import { describe, expect, it } from 'vitest';
import { inferConfig } from './infer-config.js';

const shapesOf = (specs: ParameterSpecs) => new Map(Object.entries(specs).map(([name, { shape }]) => [name, shape]));

describe('inferConfig', () => {
  it.each(Object.entries(presets))(
    'tells LlamaGen of size %s with the arguments of its training script',
    (name, preset) => {
      const config = llamaGenPreset(preset, { gridSize: 24 });
      const args = {
        gpt_model: `GPT-${name}`,
        image_size: 384,
        downsample_size: 16,
        num_classes: 1000,
        vocab_size: 16384,
      };
      const inferred = inferConfig(shapesOf(llamaGenKind.specs(config)), {}, { args });
      expect(inferred.config).toEqual(llamaGenKind.writeConfig(config));
      expect(inferred.assumed[0]).toMatch(`n_head ${preset.nHead} (preset `);
    },
  );

  it.each(Object.entries(presets))('tells DPAR of size %s but for its patches', (_, preset) => {
    const config = dparPreset(preset);
    const { embedding_type, patching } = dparKind.writeConfig(config);
    const inferred = inferConfig(
      shapesOf(dparKind.specs(config)),
      { block_size: 256, patching },
      { args: { embedding_type } },
    );
    expect(inferred.config).toEqual(dparKind.writeConfig(config));
  });

  it('tells the token that ends an image', () => {
    const config = { ...dparPreset(presets.B), predictEoiToken: true };
    const given = { block_size: 256, embedding_type: null, patching: { mode: 'token' } };
    const { config: inferred } = inferConfig(shapesOf(dparKind.specs(config)), given);
    expect(inferred).toMatchObject({ predict_eoi_token: true, vocab_size: 16384, embedding_type: null });
    expect(inferred.patching).toEqual({ mode: 'token', threshold: null, max_patch_length: null, row_length: 16 });
  });

  it.each(Object.entries(entropyModelPresets))('tells the entropy model of size %s', (_, preset) => {
    const { dim, nLayer: n_layer, nHead: n_head } = preset;
    const config = entropyKind.readConfig({ dim, n_layer, n_head });
    const inferred = inferConfig(shapesOf(entropyKind.specs(config)), { block_size: 256 });
    expect(entropyKind.readConfig(inferred.config)).toEqual(config);
    expect(inferred.config.kind).toBe('entropy');
  });

  it('asks for all keys of a patch VQ tokenizer', () => {
    const config = { imageSize: 8, patchSize: 4, codebookSize: 16, hiddenDim: 6 };
    const shapes = shapesOf(patchVqKind.specs(config));
    expect(() => inferConfig(shapes, { image_size: 8 })).toThrow(
      'expected patch_size, codebook_size, hidden_dim of this patch-vq model, which cannot be inferred from its shapes, ' +
        'got none. Pass them with --config FILE, or as in --set patch_size=4.',
    );
    const { kind: _, ...keys } = patchVqKind.writeConfig(config);
    expect(inferConfig(shapes, keys).config).toEqual({ ...keys, kind: 'patch-vq' });
  });

  it('prefers what is given to what a script was called with, and both to presets', () => {
    const shapes = shapesOf(llamaGenKind.specs(llamaGenPreset(presets.B)));
    const heads = (given: object, args: object): unknown =>
      inferConfig(shapes, { block_size: 256, ...given }, { args: { ...args } }).config.n_head;
    expect([heads({ n_head: 3 }, { n_head: 6 }), heads({}, { n_head: 6 }), heads({}, {})]).toEqual([3, 6, 12]);
  });
});
