import { entropyKind, entropyModelPresets } from '@dpar/entropy';
import { dparKind, dparPreset, llamaGenKind, llamaGenPreset, presets } from '@dpar/model';
import { type ParameterSpecs, parameterProblems } from '@dpar/nn';
import { createRandom, type TensorType } from '@dpar/tensor';
import { vqKind, vqPresets } from '@dpar/tokenizer';
import { describe, expect, it } from 'vitest';
import { inferConfig } from './infer-config.js';
import { checkKeys, withPlaceholders } from './inferred-config.js';
import { recognise, type Shapes, specsOf } from './kinds.js';

const shapesOf = (specs: ParameterSpecs): Map<string, readonly number[]> =>
  new Map(Object.entries(specs).map(([name, { shape }]) => [name, shape]));

/** Problems of parameters that do not fit their model. */
function problemsOf(shapes: Shapes): string {
  const types: Record<string, TensorType> = Object.fromEntries(
    Array.from(shapes, ([name, shape]) => [name, { dtype: 'float32', shape }]),
  );
  return parameterProblems(specsOf(withPlaceholders(inferConfig(shapes, {}))), types).join('; ');
}

const sizes = ['B', 'L', 'XL', 'XXL', 'XXXL'] as const;
const models: [string, string, ParameterSpecs][] = [
  ...sizes.map((name): [string, string, ParameterSpecs] => [
    `DPAR ${name}`,
    'dpar',
    dparKind.specs(dparPreset(presets[name])),
  ]),
  ...sizes.map((name): [string, string, ParameterSpecs] => [
    `LlamaGen ${name}`,
    'llamagen',
    llamaGenKind.specs(llamaGenPreset(presets[name])),
  ]),
  ...Object.entries(entropyModelPresets).map(
    ([name, { dim, nLayer: n_layer, nHead: n_head }]): [string, string, ParameterSpecs] => [
      `entropy model ${name}`,
      'entropy',
      entropyKind.specs(entropyKind.readConfig({ dim, n_layer, n_head })),
    ],
  ),
  ...Object.entries(vqPresets).map(([name, config]): [string, string, ParameterSpecs] => [
    name,
    'vq',
    vqKind.specs(config),
  ]),
];

describe('parameters of a model, of which only names and shapes are there', () => {
  it.each(models)('are recognised: %s', (_, kind, specs) => {
    expect(recognise(shapesOf(specs)).name).toBe(kind);
    expect(problemsOf(shapesOf(specs))).toBe('');
  });

  it.each(models)('all that is missing, extra or of another shape is listed: %s', (title, kind, specs) => {
    const random = createRandom(11, title.length);
    // All layers go on being seen, and most sizes; the class table is what makes a model one of classes.
    const names = Object.keys(specs).filter((name) => !name.startsWith('cls_embedding.'));
    for (let round = 0; round < 3; round++) {
      const shapes = shapesOf(specs);
      const missing = new Set<string>();
      const misshapen = new Set<string>();
      for (let i = 0; i < 12; i++) missing.add(names[random.integer(names.length)] as string);
      for (let i = 0; i < 5; i++) misshapen.add(names[random.integer(names.length)] as string);
      for (const name of missing) shapes.delete(name);
      for (const name of misshapen) if (!missing.has(name)) shapes.set(name, [3, 5, 7]);
      const extra = Array.from({ length: 10 }, (_, i) => `extra.${i}.weight`);
      for (const name of extra) shapes.set(name, [2]);
      // A whole block or level that is away leaves no trace; what makes it one is not taken away here.
      expect(recognise(shapes).name).toBe(kind);
      const message = problemsOf(shapes);
      const shown = (name: string): string => `[${specs[name]?.shape.join(', ')}]`;
      for (const name of missing) expect(message).toContain(`missing ${name} ${shown(name)}`);
      for (const name of misshapen) {
        if (!missing.has(name))
          expect(message).toContain(`${name} is float32[3, 5, 7] instead of float32${shown(name)}`);
      }
      for (const name of extra) expect(message).toContain(`unknown ${name}`);
      expect(message.split('; ')).toHaveLength(new Set([...missing, ...misshapen, ...extra]).size);
    }
  });

  it('are not those of a model of another kind', () => {
    const llama = ['tok_embeddings.weight', 'layers.0.attention.wq.weight', 'output.weight'];
    const text = ['tok_embeddings.weight', 'layers.0.attention.wqkv.weight', 'cls_embedding.cap_proj.fc1.weight'];
    for (const names of [llama, text, ['encoder.layer.0.attention.self.query.weight'], []]) {
      const shapes = new Map(names.map((name) => [name, [4, 4]]));
      expect(() => recognise(shapes)).toThrow('Other models are not supported');
      expect(recognise(shapes, 'llamagen').name).toBe('llamagen');
    }
  });
});

describe('inferConfig', () => {
  it.each(sizes)("tells LlamaGen %s of the file's name or the rotary table", (size) => {
    for (const [gridSize, pixels] of [
      [16, 256],
      [24, 384],
    ] as const) {
      const config = llamaGenPreset(presets[size], { gridSize });
      const shapes = shapesOf(llamaGenKind.specs(config));
      const named = inferConfig(shapes, {}, { file: `/models/c2i_${size}_${pixels}.pt` });
      checkKeys(named);
      expect(named.config).toMatchObject({ kind: 'llamagen', dim: config.dim, block_size: gridSize ** 2 });
      expect(named.config).toMatchObject({ n_layer: config.nLayer, n_head: config.nHead, num_classes: 1000 });
      expect(named.assumed).toContain(`block_size ${gridSize ** 2} (the file's name)`);
      const headPairs = config.dim / config.nHead / 2;
      const told = inferConfig(shapes, {}, { rotaryTable: [gridSize ** 2 + 1, headPairs, 2] });
      expect(told.config).toEqual(named.config);
      expect(told.assumed).toEqual(['rope_base 10000 (usual)', 'norm_eps 0.00001 (usual)']);
    }
  });

  it('asks for what nothing tells', () => {
    const shapes = shapesOf(llamaGenKind.specs(llamaGenPreset(presets.B)));
    for (const file of ['c2i_B.pt', 'B_256.pt', 'c2i_B_250.pt', 'c2i_B_256/model.pt']) {
      expect(() => checkKeys(inferConfig(shapes, {}, { file }))).toThrow('expected block_size of this llamagen model');
    }
    expect(inferConfig(shapes, {}, { rotaryTable: [258, 32, 2] }).missing).toEqual(['block_size']);
  });

  it.each(Object.entries(vqPresets))('tells %s whole', (_, config) => {
    const { config: inferred, assumed } = inferConfig(shapesOf(vqKind.specs(config)), {});
    expect(inferred).toEqual(vqKind.writeConfig(config));
    expect(assumed).toEqual(['codebook_l2_norm true (usual)', 'image_size 256 (usual)']);
  });

  it('lists parameters before keys', () => {
    const config = dparPreset(presets.nano);
    const shapes = shapesOf(dparKind.specs(config));
    shapes.delete('layers.1.attention.wqkv.weight');
    expect(problemsOf(shapes)).toBe('missing layers.1.attention.wqkv.weight [384, 128]');
    const { n_head, block_size, embedding_type, patching } = dparKind.writeConfig(config);
    expect(problemsOf(shapesOf(dparKind.specs(config)))).toBe('');
    expect(inferConfig(shapes, { n_head, block_size, embedding_type, patching }).missing).toEqual([]);
  });
});
