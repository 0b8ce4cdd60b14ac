import { initializeParameters } from '@dpar/nn';
import { createRandom, float32, type HostTensor, int32, named, referenceOps as ops } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { boundaryEntropies, boundaryPatching, boundaryStep } from './boundary-head.js';
import type { DparConfig } from './config.js';
import { dparKind } from './dpar-kind.js';

const base = {
  dim: 8,
  n_layer: 1,
  n_head: 2,
  multiple_of: 16,
  vocab_size: 10,
  block_size: 16,
  num_classes: 3,
  n_local_encoder_layers: 1,
  n_local_decoder_layers: 1,
  patching: { threshold: 0.5, max_patch_length: 3, row_length: 4 },
};

const configOf = (changes: object): DparConfig => dparKind.readConfig({ ...base, ...changes });

const head = { hidden_width: 6, hidden_layers: 2, neighbours: [1, 3, 4, 5] };

describe('boundaryEntropies', () => {
  it.each([
    ['one hidden layer', { ...head, hidden_layers: 1 }, {}],
    ['two hidden layers', head, {}],
    ['a neighbour far away', { ...head, neighbours: [1, 15] }, {}],
    ['an end-of-image token', head, { predict_eoi_token: true }],
  ])('gives at once what boundaryStep gives token by token, with %s', (_, boundaryHead, changes) => {
    const config = configOf({ ...changes, boundary_head: boundaryHead });
    const parameters = initializeParameters(dparKind.specs(config), 3);
    createRandom(5).fillNormal(named(parameters, 'boundary_head.positions.weight').data as Float32Array);
    const length = config.predictEoiToken ? 16 : 15;
    const states = float32([2, length, 8], createRandom(4).fillNormal(new Float32Array(2 * length * 8)));
    const whole = boundaryEntropies<HostTensor>(ops, config, parameters, states);
    expect(whole.shape).toEqual([2, 15]);
    for (let token = 1; token < 16; token++) {
      const neighbours = boundaryHead.neighbours.map((distance) =>
        token < distance ? float32([2, 8]) : ops.reshape(ops.slice(states, 1, token - distance, 1), [2, 8]),
      );
      const positions = int32([2], [token - 1, token - 1]);
      const step = boundaryStep<HostTensor>(ops, config, parameters, ops.concat(neighbours, -1), positions);
      expect(step.shape).toEqual([2]);
      for (const image of [0, 1]) expect(step.data[image]).toBeCloseTo(whole.data[image * 15 + token - 1] as number, 6);
    }
  });

  it('needs a head', () => {
    expect(() => boundaryPatching(configOf({}))).toThrow(
      "boundaryPatching: expected a model with a boundary head, got one without 'boundary_head'",
    );
  });
});

describe('the threshold of a boundary head', () => {
  it('takes the place of that of the patching rule', () => {
    expect(boundaryPatching(configOf({ boundary_head: { ...head, threshold: 0.7 } })).threshold).toBe(0.7);
    expect(boundaryPatching(configOf({ boundary_head: head })).threshold).toBe(0.5);
  });
});

describe('boundary_head in config.json', () => {
  it('is read and written', () => {
    const config = configOf({ boundary_head: head });
    expect(config.boundaryHead).toEqual({ hiddenWidth: 6, hiddenLayers: 2, neighbours: [1, 3, 4, 5], threshold: null });
    expect(configOf(dparKind.writeConfig(config))).toEqual(config);
    expect(dparKind.writeConfig(configOf({}))).not.toHaveProperty('boundary_head');
  });

  it.each([
    [
      { encoder_block_causal: true },
      /no 'boundary_head' with 'encoder_block_causal', whose states depend on the patches/,
    ],
    [{ patching: { ...base.patching, mode: 'static' } }, /no 'boundary_head' with patching mode 'static'/],
    [{ boundary_head: { ...head, neighbours: [1, 16] } }, /ascending distances from 1 to 15, got \[1, 16\]/],
    [{ boundary_head: { ...head, neighbours: [1, 1] } }, /ascending distances from 1 to 15, got \[1, 1\]/],
    [{ boundary_head: { ...head, neighbours: [] } }, /ascending distances from 1 to 15, got \[\]/],
    [
      { boundary_head: { ...head, neighbours: [0] } },
      /'boundary_head.neighbours' to be a list of numbers, each a whole/,
    ],
    [{ boundary_head: { ...head, width: 3 } }, /unknown key 'boundary_head.width'/],
  ])('is refused where it cannot be: %j', (changes, message) => {
    expect(() => configOf({ boundary_head: head, ...changes })).toThrow(message);
  });
});
