import { initializeParameters } from '@dpar/nn';
import { createRandom, createReferenceEngine, type HostTensor, int32, named, referenceOps as ops } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import type { DparConfig } from './config.js';
import { dpar } from './dpar.js';
import { dparKind } from './dpar-kind.js';
import { encoderStates } from './local-encoder.js';
import { dparMacs, dparMatmulMacs } from './macs.js';
import { dparMemory } from './memory.js';
import { dparInputs } from './prepare.js';

const base = {
  dim: 16,
  n_layer: 1,
  n_head: 1,
  multiple_of: 16,
  vocab_size: 10,
  block_size: 16,
  num_classes: 3,
  n_local_encoder_layers: 2,
  n_local_decoder_layers: 1,
  embedding_type: 'dynamic_4d',
  patching: { threshold: 0.5, max_patch_length: 4, row_length: 4 },
};
const head = { hidden_width: 6, hidden_layers: 2, neighbours: [1, 3, 4, 5] };
const configOf = (changes: object): DparConfig => dparKind.readConfig({ ...base, ...changes });

/** A model and a batch of two images with patches of one row each. */
function exampleOf(changes: object) {
  const config = configOf(changes);
  const parameters = initializeParameters(dparKind.specs(config), 3);
  const random = createRandom(5);
  const tokens = int32(
    [2, 16],
    Array.from({ length: 32 }, () => random.integer(10)),
  );
  const lengths = config.predictEoiToken ? [4, 4, 4, 4, 1] : [4, 4, 4, 4];
  const patches = int32([2, lengths.length], [...lengths, ...lengths]);
  return { config, parameters, tokens, inputs: dparInputs(config, tokens, int32([2], [0, 3]), patches) };
}

describe('a model with a boundary head', () => {
  it.each([[{}], [{ predict_eoi_token: true }]])(
    'computes the same states and entropies without patches: %j',
    (more) => {
      const { config, parameters, tokens, inputs } = exampleOf({ ...more, boundary_head: head });
      const outputs = dpar<HostTensor>(ops, config, parameters, inputs);
      expect(encoderStates<HostTensor>(ops, config, parameters, tokens)).toEqual(outputs.encoderTokens);
      const read = Object.entries(parameters).filter(([name]) => dparKind.entropySource?.reads(name));
      const entropies = dparKind.entropySource?.entropies<HostTensor>(ops, config, {
        ...Object.fromEntries(read),
        tokens,
      });
      expect(entropies).toEqual(outputs.boundaryEntropies);
      expect(entropies?.shape).toEqual([2, 15]);
      expect(dparKind.outputNames(config).boundaryEntropies).toBe('boundary_entropies');
    },
  );

  it('computes them when they are read, once', () => {
    const { config, parameters, inputs } = exampleOf({ boundary_head: head });
    const { 'boundary_head.output.weight': _, ...others } = parameters;
    const without = dpar<HostTensor>(ops, config, others, inputs);
    expect(named({ loss: without.loss }, 'loss').data[0]).toBeGreaterThan(0);
    expect(() => without.boundaryEntropies).toThrow('boundary_head.output.weight');
    const outputs = dpar<HostTensor>(ops, config, parameters, inputs);
    expect(outputs.boundaryEntropies).toBe(outputs.boundaryEntropies);
  });

  it('counts its products, its parameters and their memory', () => {
    const [plain, more] = [configOf({}), configOf({ boundary_head: head })];
    const products = 64 * 6 + 6 * 6 + 6;
    expect(dparMatmulMacs(more, 6) - dparMatmulMacs(plain, 6)).toBe(15 * products);
    expect(dparMemory(more, 2, 6).weights - dparMemory(plain, 2, 6).weights).toBe(4 * (products + 15 * 6 + 6 + 6 + 1));
    expect(dparMacs(more, 6)).toBe(dparMacs(plain, 6)); // as Table S1 counts
  });

  it('is described with its entropies for export', async () => {
    const { config, parameters, tokens } = exampleOf({ boundary_head: head });
    const { fn, outputs } = dparKind.teacherForced(config);
    expect(outputs.boundary_entropies).toMatch(/^\[batch, 15\]: entropies of the boundary head/);
    const inputs = { tokens, labels: int32([2], [0, 3]), patch_lengths: int32([2, 4], Array(8).fill(4)) };
    const results = await createReferenceEngine()
      .compile(fn)
      .run({ ...parameters, ...inputs });
    expect(named(results, 'boundary_entropies').shape).toEqual([2, 15]);
  });
});

it('a model without a boundary head computes no entropies', () => {
  const { config, parameters, inputs } = exampleOf({});
  expect(dpar<HostTensor>(ops, config, parameters, inputs)).not.toHaveProperty('boundaryEntropies');
  expect(dparKind.outputNames(config)).not.toHaveProperty('boundaryEntropies');
  expect(dparKind.teacherForced(config).outputs).not.toHaveProperty('boundary_entropies');
  expect(() => dparKind.entropySource?.check('test', config)).toThrow('test: expected a model with a boundary head');
});

it('encoder states of tokens that see only their own patch need the patches', () => {
  const { config, parameters, tokens } = exampleOf({ encoder_block_causal: true });
  expect(() => encoderStates<HostTensor>(ops, config, parameters, tokens)).toThrow(
    "encoderStates: expected a model whose encoder tokens see all tokens before them, got 'encoder_block_causal'",
  );
});
