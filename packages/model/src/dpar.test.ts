import { initializeParameters } from '@dpar/nn';
import { padPatchLengths, patchLengths } from '@dpar/patchify';
import { createRandom, createReferenceEngine, type HostTensor, int32, named, type Tensors } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DparConfig } from './config.js';
import { dpar } from './dpar.js';
import { dparKind } from './dpar-kind.js';
import { patchingOptions } from './patching-options.js';
import { dparInputs } from './prepare.js';

const engine = createReferenceEngine();

function configOf(changes: object): DparConfig {
  return dparKind.readConfig({
    dim: 32,
    n_layer: 1,
    n_head: 2,
    multiple_of: 16,
    vocab_size: 10,
    block_size: 16,
    num_classes: 3,
    cls_token_num: 1,
    n_local_encoder_layers: 1,
    n_local_decoder_layers: 1,
    embedding_type: 'dynamic_4d',
    patching: { threshold: 0.5, max_patch_length: 3, row_length: 4 },
    ...changes,
  });
}

function weights(config: DparConfig): Record<string, HostTensor> {
  const parameters = initializeParameters(dparKind.specs(config), 1);
  createRandom(2).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.3 });
  return parameters;
}

async function run(
  config: DparConfig,
  parameters: Tensors<HostTensor>,
  tokens: number[],
  lengths: Int32Array,
  padTo?: number,
) {
  const patches = padPatchLengths([lengths], padTo);
  const inputs = dparInputs(config, int32([1, 16], tokens), int32([1], [1]), patches);
  const compiled = engine.compile((ops, x) => ({
    ...dpar(ops, config, x, {
      tokens: named(x, 'tokens'),
      labels: named(x, 'labels'),
      globalTable: named(x, 'globalTable'),
      slotToken: named(x, 'slotToken'),
      tokenSlot: named(x, 'tokenSlot'),
      slotMask: named(x, 'slotMask'),
    }),
  }));
  return compiled.run({ ...parameters, ...(inputs as Tensors<HostTensor>) });
}

const tokensAndEntropies = fc.record({
  tokens: fc.array(fc.nat(9), { minLength: 16, maxLength: 16 }),
  entropies: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 15, maxLength: 15 }),
  changed: fc.nat(15),
});

describe.each([
  ['as in the paper', {}],
  ['block-causal encoder, two layers', { encoder_block_causal: true, n_local_encoder_layers: 2 }],
  ['end-of-image token', { predict_eoi_token: true, embedding_type: null }],
])('DPAR, %s', (_name, changes) => {
  const config = configOf(changes);
  const parameters = weights(config);
  const width = config.predictEoiToken ? 11 : 10;

  it('predicts a token from the tokens before it only', async () => {
    await fc.assert(
      fc.asyncProperty(tokensAndEntropies, async ({ tokens, entropies, changed }) => {
        const lengths = patchLengths(entropies, patchingOptions(config));
        const other = tokens.map((token, i) => (i >= changed ? (token + 1) % 10 : token));
        const [a, b] = [await run(config, parameters, tokens, lengths), await run(config, parameters, other, lengths)];
        const known = (changed + 1) * width; // predictions of tokens 0..changed
        expect(named(a, 'logits').data.slice(0, known)).toEqual(named(b, 'logits').data.slice(0, known));
        if (changed < 15) expect(named(a, 'logits').data).not.toEqual(named(b, 'logits').data);
      }),
      { numRuns: 12 },
    );
  });

  it('does not see padding', async () => {
    await fc.assert(
      fc.asyncProperty(tokensAndEntropies, async ({ tokens, entropies }) => {
        const lengths = patchLengths(entropies, patchingOptions(config));
        const plain = await run(config, parameters, tokens, lengths);
        const padded = await run(config, parameters, tokens, lengths, 17);
        expect(padded.logits).toEqual(plain.logits);
        expect(named(plain, 'logits').data.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 8 },
    );
  });
});

describe('block-causal encoder', () => {
  it('keeps encoder states of a patch apart from those before it', async () => {
    const tokens = Array.from({ length: 16 }, (_, i) => i % 10);
    const lengths = Int32Array.of(1, 3, 2, 2, 3, 1, 3, 1);
    const other = [9, ...tokens.slice(1)];
    for (const blockCausal of [true, false]) {
      const config = configOf({ encoder_block_causal: blockCausal });
      const parameters = weights(config);
      const [a, b] = [await run(config, parameters, tokens, lengths), await run(config, parameters, other, lengths)];
      const later = (outputs: Tensors<HostTensor>) => named(outputs, 'encoderTokens').data.slice(32);
      if (blockCausal) expect(later(a)).toEqual(later(b));
      else expect(later(a)).not.toEqual(later(b));
    }
  });
});

describe('end-of-image token', () => {
  it('is predicted after the last token, from all of them, and counts in the loss', async () => {
    const config = configOf({ predict_eoi_token: true });
    const parameters = weights(config);
    expect(named(parameters, 'output.weight').shape).toEqual([11, 32]);
    const tokens = Array.from({ length: 16 }, (_, i) => i % 10);
    const lengths = patchLengths(new Float32Array(15).fill(1), patchingOptions(config));
    expect(lengths.at(-1)).toBe(1);
    const { logits, loss } = await run(config, parameters, tokens, lengths);
    expect(logits?.shape).toEqual([1, 17, 11]);
    const data = named({ logits: logits as HostTensor }, 'logits').data;
    const nats = [...tokens, 10].map((target, i) => {
      const row = Array.from(data.slice(i * 11, (i + 1) * 11));
      return Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - (row[target] ?? 0);
    });
    expect(loss?.data[0]).toBeCloseTo(nats.reduce((sum, value) => sum + value, 0) / 17, 5);
  });
});

describe('dparInputs', () => {
  it('refuses sizes that do not go together', () => {
    const config = configOf({});
    const patches = padPatchLengths([Int32Array.of(1, 3, 2, 2, 3, 1, 3, 1)]);
    expect(() => dparInputs(config, int32([1, 9]), int32([1]), patches)).toThrow(/int32\[B, 16\], got int32\[1, 9\]/);
    expect(() => dparInputs(config, int32([1, 16]), int32([2]), patches)).toThrow(/labels int32\[1\]/);
  });
});
