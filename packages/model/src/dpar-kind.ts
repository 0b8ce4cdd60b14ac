import {
  classNumbers,
  hasGptBlocks,
  type ImageBatch,
  type ImageModelKind,
  imageTokens,
  integers,
  type Training,
  writeConfig,
} from '@dpar/nn';
import { padPatchLengths, patchingModes, patchLengths, writePatchLengths } from '@dpar/patchify';
import { DparError, type HostTensorOf, named, type Ops, type Tensors } from '@dpar/tensor';
import { boundaryEntropies, boundaryHeadOf, isReadByHead } from './boundary-head.js';
import { type DparConfig, dparFields, readDparConfig } from './config.js';
import { type DparInputs, dpar } from './dpar.js';
import { inputsOfLengths } from './inputs-of-lengths.js';
import { encoderStates } from './local-encoder.js';
import { dparMatmulMacs } from './macs.js';
import { patchingOptions } from './patching-options.js';
import { dparInputs, patchSlots } from './prepare.js';
import { dparPreset, presetsOf } from './presets.js';
import { dparSpecs } from './specs.js';

/** DPAR as a kind of model: a large transformer over patches between small ones over tokens. */
export const dparKind: ImageModelKind<DparConfig> = {
  name: 'dpar',
  title: 'DPAR',
  fields: dparFields,
  presets: presetsOf((size, options) => writeConfig(dparPreset(size, options))),
  hasPatches: true,
  hasClasses: true,
  dynamicAxes: { globalTable: { 1: 'patches' }, slotToken: { 1: 'patches' }, slotMask: { 1: 'patches' } },
  outputNames: ({ boundaryHead }) => ({
    logits: 'logits',
    loss: 'loss',
    encoderTokens: 'local_encoder.tokens',
    encoderPatches: 'local_encoder.patches',
    global: 'global',
    decoder: 'local_decoder',
    ...(boundaryHead && { boundaryEntropies: 'boundary_entropies' }),
  }),
  entropySource: {
    check: (caller, config) => {
      boundaryHeadOf(caller, config);
    },
    reads: isReadByHead,
    entropies: (ops, config, tensors) =>
      boundaryEntropies(ops, config, tensors, encoderStates(ops, config, tensors, named(tensors, 'tokens'))),
  },
  derived({ block_size: T = 256, boundary_head: head }) {
    const row = Math.sqrt(Number(T));
    const patching = { row_length: row };
    return head === undefined ? { patching } : { patching, boundary_head: { neighbours: neighboursOf(row) } };
  },
  readConfig: readDparConfig,
  writeConfig: (config) => ({ kind: 'dpar', ...writeConfig(config) }),
  specs: dparSpecs,
  recognise: (names) =>
    names.some((name) => /^(local_encoder|local_decoder|decoder_start_embedding)\./.test(name)) &&
    (hasGptBlocks(names) || names.some((name) => name.startsWith('local_encoder.layers.'))),
  predictedTokens: ({ blockSize, predictEoiToken }) => blockSize + (predictEoiToken ? 1 : 0),
  needsEntropies: ({ patching }) => patchingModes[patching.mode].needsEntropies,
  outputs: <T>(ops: Ops<T>, config: DparConfig, tensors: Tensors<T>, training?: Training<T>) =>
    // Not a copy, which would compute the entropies of the boundary head.
    dpar(ops, config, tensors, inputsOf(tensors), training) as unknown as Tensors<T>,
  inputs(config, batch, { bucketRatio } = {}) {
    const { tokens, labels, patchLengths: given } = batch;
    if (given !== undefined) return dparInputs(config, tokens, labels, given);
    const buckets =
      bucketRatio === undefined ? undefined : { max: dparKind.predictedTokens(config), ratio: bucketRatio };
    return dparInputs(config, tokens, labels, padPatchLengths(lengthsOf(config, batch), buckets));
  },
  patchLengths: (config, batch) => padPatchLengths(lengthsOf(config, batch)),
  patchCounts(config, images, entropies) {
    const scratch = new Int32Array(dparKind.predictedTokens(config));
    const patching = patchingOptions(config);
    return Int32Array.from(patchSources(config, images, entropies), (source) =>
      writePatchLengths(scratch, source, patching),
    );
  },
  globalPositions(_, inputs) {
    const [B = 0, M = 0, P = 0] = named(inputs, 'slotMask').shape;
    const { data: tokenOfSlot } = named(inputs, 'slotToken');
    let patches = 0;
    // The tokens of a patch fill its slots from the first on; the first slot of a padded patch is empty.
    for (let slot = 0; slot < tokenOfSlot.length; slot += P) if ((tokenOfSlot[slot] as number) >= 0) patches++;
    return { patches, positions: B * M };
  },
  teacherForced(config) {
    const { blockSize: T, vocabSize, predictEoiToken, boundaryHead } = config;
    const [N, V] = predictEoiToken ? [T + 1, vocabSize + 1] : [T, vocabSize];
    const endOfImage = predictEoiToken ? ', the end-of-image token is a patch of its own' : '';
    return {
      description: 'DPAR: one teacher-forced pass.',
      inputs: {
        tokens: imageTokens(T),
        labels: integers(['batch'], classNumbers(config)),
        patch_lengths: integers(
          ['batch', 'patches'],
          `tokens in each patch, 1 to ${patchSlots(config)}, zeros after the last patch; each row sums to ${N}${endOfImage}`,
        ),
      },
      outputs: {
        logits: `[batch, ${N}, ${V}]: position i predicts token i from the class, finished patches and tokens 0..i - 1`,
        loss: 'mean cross-entropy over all images and tokens, nats, scalar',
        ...(boundaryHead && {
          boundary_entropies: `[batch, ${T - 1}]: entropies of the boundary head, nats; entry j belongs to token j + 1`,
        }),
      },
      fn: (ops, x) => {
        const inputs = inputsOfLengths(ops, config, named(x, 'tokens'), named(x, 'labels'), named(x, 'patch_lengths'));
        const { logits, loss, boundaryEntropies } = dpar(ops, config, x, inputs);
        return { logits, loss, ...(boundaryEntropies && { boundary_entropies: boundaryEntropies }) };
      },
    };
  },
  matmulMacs: dparMatmulMacs,
};

/** Distances to three tokens before a token in its row, and to five around the one above it, in rows of `row` tokens. */
function neighboursOf(row: number): number[] {
  const distances = [1, 2, 3, row - 2, row - 1, row, row + 1, row + 2];
  const inside = distances.filter((distance) => distance >= 1 && distance < row ** 2);
  return [...new Set(inside)].sort((a, b) => a - b);
}

/** Patch lengths of each image of a batch. */
function lengthsOf(config: DparConfig, { tokens, entropies }: ImageBatch): Int32Array[] {
  const patching = patchingOptions(config);
  return patchSources(config, tokens.shape[0] ?? 0, entropies).map((source) => patchLengths(source, patching));
}

/** Source of each image's patch lengths: its entropies, or the number of tokens. */
function patchSources(
  config: DparConfig,
  images: number,
  entropies: HostTensorOf<'float32'> | undefined,
): (Float32Array | number)[] {
  const T = config.blockSize;
  if (!dparKind.needsEntropies(config)) return Array.from({ length: images }, () => T);
  if (entropies !== undefined) {
    return Array.from({ length: images }, (_, i) => entropies.data.subarray(i * (T - 1), (i + 1) * (T - 1)));
  }
  throw new DparError(
    'dparKind: expected entropies beside the tokens, since patches follow from them, got undefined. ' +
      "Compute them with an entropy model: 'dpar entropy', or 'entropiesOfSet' of @dpar/train.",
  );
}

function inputsOf<T>(tensors: Tensors<T>): DparInputs<T> {
  return {
    tokens: named(tensors, 'tokens'),
    labels: named(tensors, 'labels'),
    globalTable: named(tensors, 'globalTable'),
    slotToken: named(tensors, 'slotToken'),
    tokenSlot: named(tensors, 'tokenSlot'),
    slotMask: named(tensors, 'slotMask'),
  };
}
