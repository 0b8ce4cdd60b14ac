import { type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import {
  type DparConfig,
  dpar,
  dparInputs,
  dparKind,
  type LlamaGenConfig,
  llamaGen,
  llamaGenKind,
  patchingOptions,
} from '@dpar/model';
import { entropySourceOf, type ImageModel, initializeParameters, type ParameterSpecs } from '@dpar/nn';
import { padPatchLengths, patchLengths } from '@dpar/patchify';
import {
  createRandom,
  type Engine,
  type HostTensor,
  type HostTensorOf,
  int32,
  named,
  type Tensors,
} from '@dpar/tensor';
import type { GeneratedTokens } from '../finished-images.js';
import { guidanceAt, isGuided } from '../guidance.js';
import { type SampleOptions, wordsOf } from '../options.js';

/** Models small enough to be run many times: 4 x 4 tokens of 12 codes, 3 classes. */
export const tiny = { dim: 32, n_layer: 1, n_head: 2, multiple_of: 16, vocab_size: 12, block_size: 16, num_classes: 3 };

/** Initial weights, with an output layer that makes predictions differ. */
export function weightsOf(specs: ParameterSpecs, seed: number): Record<string, HostTensor> {
  const parameters = initializeParameters(specs, seed);
  createRandom(seed, 99).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.5 });
  return parameters;
}

/** A tiny DPAR with some of its settings changed. */
export function tinyDpar(changes: object = {}): ImageModel<DparConfig> {
  const config = dparKind.readConfig({
    ...tiny,
    n_local_encoder_layers: 1,
    n_local_decoder_layers: 2,
    cls_token_num: 1,
    embedding_type: 'dynamic_4d',
    patching: { threshold: 1.2, max_patch_length: 3, row_length: 4 },
    ...changes,
  });
  return { kind: dparKind, config, parameters: weightsOf(dparKind.specs(config), 1) };
}

/** The entropy model that goes with {@link tinyDpar}. */
export function tinyEntropyModel(changes: object = {}): ImageModel<EntropyModelConfig> {
  const config = entropyKind.readConfig({ ...tiny, ...changes });
  return { kind: entropyKind, config, parameters: weightsOf(entropyKind.specs(config), 2) };
}

/** A tiny LlamaGen. */
export function tinyLlamaGen(changes: object = {}): ImageModel<LlamaGenConfig> {
  const config = llamaGenKind.readConfig({ ...tiny, n_layer: 2, cls_token_num: 1, ...changes });
  return { kind: llamaGenKind, config, parameters: weightsOf(llamaGenKind.specs(config), 1) };
}

/** Guided logits of all positions, one array [B, V] for each, from one pass without caches over finished images. */
export async function uncachedDpar(
  engine: Engine,
  { config: trained, parameters }: ImageModel<DparConfig>,
  { tokens, patchLengths: lengths }: GeneratedTokens,
  options: SampleOptions,
): Promise<Float32Array[]> {
  const { maxPatchLength = trained.patching.maxPatchLength } = options;
  const config = { ...trained, patching: { ...trained.patching, maxPatchLength } };
  const { blockSize: T } = config;
  const labels = rowLabels(options, config.numClasses);
  const copies = isGuided(options) ? [...lengths, ...lengths] : lengths;
  const inputs = dparInputs(
    config,
    int32([labels.shape[0] as number, T], isGuided(options) ? [...tokens, ...tokens] : tokens),
    labels,
    padPatchLengths(copies.map((image) => (config.predictEoiToken ? Int32Array.of(...image, 1) : image))),
  );
  const forward = engine.compile((ops, x) => ({
    logits: dpar(ops, config, x, {
      tokens: named(x, 'tokens'),
      labels: named(x, 'labels'),
      globalTable: named(x, 'globalTable'),
      slotToken: named(x, 'slotToken'),
      tokenSlot: named(x, 'tokenSlot'),
      slotMask: named(x, 'slotMask'),
    }).logits,
  }));
  const outputs = await forward.run({ ...parameters, ...(inputs as Tensors<HostTensor>) });
  await forward.dispose();
  return guidedLogits(named(outputs, 'logits'), config.vocabSize, T, options);
}

/** As {@link uncachedDpar}, for LlamaGen. */
export async function uncachedLlamaGen(
  engine: Engine,
  { config, parameters }: ImageModel<LlamaGenConfig>,
  { tokens }: GeneratedTokens,
  options: SampleOptions,
): Promise<Float32Array[]> {
  const labels = rowLabels(options, config.numClasses);
  const forward = engine.compile((ops, x) => ({
    logits: llamaGen(ops, config, x, named(x, 'tokens'), named(x, 'labels')).logits,
  }));
  const outputs = await forward.run({
    ...parameters,
    tokens: int32([labels.shape[0] as number, config.blockSize], isGuided(options) ? [...tokens, ...tokens] : tokens),
    labels,
  });
  await forward.dispose();
  return guidedLogits(named(outputs, 'logits'), config.vocabSize, config.blockSize, options);
}

/** Patch lengths of finished images, from the entropies of an entropy model or a boundary head all at once. */
export async function offlinePatches(
  engine: Engine,
  source: ImageModel,
  { config }: ImageModel<DparConfig>,
  { tokens }: GeneratedTokens,
  { threshold, maxPatchLength }: SampleOptions,
): Promise<Int32Array[]> {
  const { blockSize: T } = config;
  const B = tokens.length / T;
  const { entropies: entropiesOf } = entropySourceOf('offlinePatches', source);
  const compiled = engine.compile((ops, x) => ({ entropies: entropiesOf(ops, source.config, x) }));
  const { entropies } = await compiled.run({ ...source.parameters, tokens: int32([B, T], tokens) });
  await compiled.dispose();
  const patching = {
    ...patchingOptions(config),
    endOfImage: false,
    threshold: threshold ?? config.patching.threshold,
    maxPatchLength: maxPatchLength ?? config.patching.maxPatchLength,
  };
  return Array.from({ length: B }, (_, image) =>
    patchLengths((entropies?.data ?? []).slice(image * (T - 1), (image + 1) * (T - 1)), patching),
  );
}

/** Numbers of a prompt, a multiple of the words that tests use. */
const promptLength = 6;

/**
 * Labels of the rows, [rows, W]: those of the images, then as many null classes if guided. Each word is repeated up to the length, so
 * that the mean stays the same.
 */
function rowLabels(options: SampleOptions, nullClass: number): HostTensorOf<'int32'> {
  const labels = Array.from(options.labels, (label) => wordsOf(label));
  const rows = isGuided(options) ? [...labels, ...labels.map(() => [nullClass])] : labels;
  const repeated = rows.flatMap((words) => words.flatMap((word) => new Array(promptLength / words.length).fill(word)));
  return int32([rows.length, promptLength], repeated);
}

/** @param logits [rows, N, V']: for each position, the first V of V' count. */
function guidedLogits(logits: HostTensor, V: number, T: number, options: SampleOptions): Float32Array[] {
  const [, N = 0, width = 0] = logits.shape;
  const B = options.labels.length;
  return Array.from({ length: T }, (_, position) => {
    const at = (row: number, token: number) => logits.data[(row * N + position) * width + token] as number;
    const scale = guidanceAt(options, position, T);
    return Float32Array.from({ length: B * V }, (_, i) => {
      const [image, token] = [Math.floor(i / V), i % V];
      const conditional = at(image, token);
      if (!isGuided(options)) return conditional;
      const unconditional = at(B + image, token);
      return unconditional + scale * (conditional - unconditional);
    });
  });
}
