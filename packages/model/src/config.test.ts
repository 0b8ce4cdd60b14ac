import { describe, expect, it } from 'vitest';
import { dparKind } from './dpar-kind.js';
import { llamaGenKind } from './llamagen.js';
import { dparPreset, llamaGenPreset, presets } from './presets.js';

describe('config.json', () => {
  it('is written and read back', () => {
    for (const size of Object.values(presets)) {
      const config = dparPreset(size, { gridSize: 24 });
      expect(dparKind.readConfig(JSON.parse(JSON.stringify(dparKind.writeConfig(config))))).toEqual(config);
      const llamaGen = llamaGenPreset(size);
      expect(llamaGenKind.readConfig(JSON.parse(JSON.stringify(llamaGenKind.writeConfig(llamaGen))))).toEqual(llamaGen);
    }
  });

  it('has the official keys', () => {
    expect(dparKind.writeConfig(dparPreset(presets.B))).toMatchObject({
      kind: 'dpar',
      n_local_encoder_layers: 1,
      n_local_decoder_layers: 3,
      cls_token_num: 1,
      predict_eoi_token: false,
      embedding_type: 'dynamic_4d',
      patching: { mode: 'entropy_row_boundary', threshold: 7.8, max_patch_length: 4, row_length: 16 },
    });
  });

  const json = dparKind.writeConfig(dparPreset(presets.B));
  it.each([
    [{ ...json, dim: undefined }, /'dim' to be a whole number >= 1, got no such key/],
    [{ ...json, n_layer: 2.5 }, /'n_layer'.*got 2\.5/],
    [{ ...json, embedding_type: '4d' }, /'embedding_type' to be one of "dynamic_4d".*got "4d"/],
    // Heads of 88 numbers: 16 parts are needed, 4 for the grid alone.
    [{ ...json, dim: 176, n_head: 2 }, /'dim' and 'n_head'.*'dynamic_4d', got 176 \/ 2 = 88\. .*multiple of 16/],
    [{ ...json, dim: 30, n_head: 2, embedding_type: null }, /'2d', got 30 \/ 2 = 15/],
    [{ ...json, block_size: 250 }, /'block_size' to be a square number.*got 250/],
    [{ ...json, patching: { mode: 'static', row_length: 16 } }, /max_patch_length/],
    [{ ...json, patching: { row_length: 7 } }, /'row_length' to divide/],
    [[], /a JSON object/],
  ])('refuses what is wrong: %#', (wrong, message) => {
    expect(() => dparKind.readConfig(JSON.parse(JSON.stringify(wrong)))).toThrow(message);
  });
});
