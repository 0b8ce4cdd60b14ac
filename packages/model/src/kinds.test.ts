import { architectureOf } from '@dpar/nn';
import { describe, expect, it } from 'vitest';
import { dparKind } from './dpar-kind.js';
import { imageModelKinds } from './kinds.js';
import { llamaGenKind } from './llamagen.js';
import { dparPreset, llamaGenPreset, presets } from './presets.js';

describe.each(imageModelKinds.map((kind) => [kind.name, kind] as const))('presets of the kind %s', (_, kind) => {
  it.each(Object.keys(kind.presets))('%s is read, written and read again', (preset) => {
    const { config } = architectureOf(kind, { preset });
    expect(kind.readConfig(JSON.parse(JSON.stringify(kind.writeConfig(config))))).toEqual(config);
    expect(kind.writeConfig(config)).toMatchObject({ kind: kind.name });
  });
});

describe('architectureOf', () => {
  it('reads a preset', () => {
    expect(architectureOf(dparKind, { preset: 'B' })).toEqual({ kind: dparKind, config: dparPreset(presets.B) });
    expect(architectureOf(llamaGenKind, { kind: 'llamagen', preset: 'nano', block_size: 64 })).toEqual({
      kind: llamaGenKind,
      config: llamaGenPreset(presets.nano, { gridSize: 8 }),
    });
  });

  it('changes keys of a preset, nested ones one by one', () => {
    const { config } = architectureOf(dparKind, { preset: 'B', n_layer: 2, patching: { threshold: 1.5 } });
    const usual = dparPreset(presets.B);
    expect(config).toEqual({ ...usual, nLayer: 2, patching: { ...usual.patching, threshold: 1.5 } });
  });

  it('derives the tokens in a row from the tokens of an image, without a preset too', () => {
    const sizes = { dim: 32, n_layer: 1, n_head: 2, n_local_encoder_layers: 1, n_local_decoder_layers: 1 };
    const { config } = architectureOf(dparKind, { ...sizes, block_size: 64, patching: { max_patch_length: 3 } });
    expect(config.patching).toEqual({
      mode: 'entropy_row_boundary',
      threshold: null,
      maxPatchLength: 3,
      rowLength: 8,
    });
    expect(architectureOf(dparKind, { preset: 'nano', block_size: 576 }).config.patching.rowLength).toBe(24);
  });

  it('refuses an unknown preset and wrong keys with the given value', () => {
    expect(() => architectureOf(dparKind, { preset: 'Q' })).toThrow(
      /'preset' of a dpar model to be one of nano, .*XXXL, got "Q"\./,
    );
    expect(() => architectureOf(dparKind, { preset: ['B'] })).toThrow('got ["B"].');
    expect(() => architectureOf(dparKind, { preset: 'B', patching: { threshold: 'high' } })).toThrow(
      'expected \'patching.threshold\' to be a number or null, got "high".',
    );
    expect(() => architectureOf(llamaGenKind, { n_layer: 2 })).toThrow(
      "llamaGenKind.readConfig: expected 'dim' to be a whole number >= 1, got no such key.",
    );
  });
});
