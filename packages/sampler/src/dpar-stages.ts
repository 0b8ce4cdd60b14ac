import { type DparConfig, decoderStep, encoderStep, globalStep, patchEmbedding } from '@dpar/model';
import { gridRotaryData, scaledTable } from '@dpar/nn';
import {
  type CompiledFunction,
  type DynamicAxes,
  type Engine,
  float32,
  type HostTensor,
  int32,
  named,
  type Ops,
  type TensorFunction,
  type Tensors,
  type WeightFormat,
} from '@dpar/tensor';
import { StackCache } from './cache.js';
import type { FinishedPatches } from './open-patches.js';
import { type Predictions, predictionAxes, predictionOutputs, predictionsOf } from './predictions.js';
import { allRows, appended, cacheAxes, cacheOutputs, embeddingRows, stepOf, tableAt } from './transformer.js';

/** Splits a tensor [R, parts * D] into `parts` tensors [R, D]. */
function parts<T>(ops: Ops<T>, x: T, D: number): T[] {
  const [, width = 0] = ops.shapeOf(x);
  return ops.split(x, 1, new Array<number>(width / D).fill(D));
}

/**
 * Fewest rows of a step of the global transformer, if the cache has as many. Engines may compile anew for a handful of rows,
 * so other rows fill the step up, and their results are ignored.
 */
const fewestRows = 5;

/**
 * The steps of a DPAR model, compiled: encoder and decoder run for each token, the global transformer for each patch.
 * B images, C sequences (B, or 2 B with null rows), D width, E encoder layers.
 */
export class DparStages {
  private readonly encoder: CompiledFunction;
  private readonly global: CompiledFunction;
  private readonly decoder: CompiledFunction;
  private readonly encoderTable: Float32Array;
  private readonly decoderTable: Float32Array;

  constructor(
    engine: Engine,
    private readonly config: DparConfig,
    private readonly parameters: Tensors<HostTensor>,
    weights: WeightFormat = 'float32',
  ) {
    const { dim: D, nLocalEncoderLayers, nLayer, nLocalDecoderLayers, vocabSize } = config;
    const compile = (fn: TensorFunction, dynamicAxes: DynamicAxes): CompiledFunction =>
      engine.compile(fn, { constants: parameters, weights, dynamicAxes });
    const active = { 0: 'active' };
    this.encoder = compile(
      (ops, inputs) => {
        const { states, ...cache } = encoderStep(ops, config, inputs, stepOf(inputs));
        return { states: ops.concat(states, 1), ...cacheOutputs(ops, cache) };
      },
      { ...cacheAxes(nLocalEncoderLayers, config.encoderBlockCausal), x: { 0: 'rows' } },
    );
    this.global = compile(
      (ops, inputs) => {
        const [slotMask, x] = [named(inputs, 'slotMask'), named(inputs, 'x')];
        const [R = 0, , P = 0] = ops.shapeOf(slotMask);
        const states = parts(ops, named(inputs, 'states'), P * D).map((layer) => ops.reshape(layer, [R, P, D]));
        const patches = patchEmbedding(ops, config, inputs, states, slotMask);
        const selection = { rows: named(inputs, 'selectedRows'), places: named(inputs, 'places') };
        const step = { ...stepOf(inputs), x: ops.select(named(inputs, 'isClass'), x, patches), selection };
        const { contexts, ...cache } = globalStep(ops, config, inputs, step);
        return { contexts: ops.concat(contexts, 1), ...cacheOutputs(ops, cache) };
      },
      {
        ...cacheAxes(nLayer, true),
        places: { 0: 'rows' },
        x: active,
        isClass: active,
        states: active,
        slotMask: active,
        table: active,
        selectedRows: active,
      },
    );
    this.decoder = compile(
      (ops, inputs) => {
        const contexts = parts(ops, named(inputs, 'contexts'), D);
        const { logits, ...cache } = decoderStep(ops, config, inputs, stepOf(inputs), contexts);
        // Only tokens of the vocabulary are drawn, never the end-of-image token.
        const drawn = ops.slice(logits, 1, 0, vocabSize);
        return { ...predictionOutputs(ops, inputs, drawn), ...cacheOutputs(ops, cache) };
      },
      {
        ...cacheAxes(nLocalDecoderLayers, false),
        ...predictionAxes,
        x: { 0: 'rows' },
        contexts: { 0: 'rows' },
      },
    );
    const headDim = D / config.nHead;
    this.encoderTable = scaledTable(gridRotaryData({ ...config, clsTokenNum: 0 }).data, headDim);
    this.decoderTable = scaledTable(gridRotaryData(config).data, headDim);
  }

  /** First input of the decoder, [D]. */
  get startEmbedding(): Float32Array {
    return named(this.parameters, 'decoder_start_embedding.weight').data as Float32Array;
  }

  /** Creates an empty cache of a number of sequences for one of the three transformers. */
  newCache(part: 'encoder' | 'global' | 'decoder', rows: number): StackCache {
    const { nLocalEncoderLayers, nLayer, nLocalDecoderLayers, nHead, blockSize, dim } = this.config;
    const layers = { encoder: nLocalEncoderLayers, global: nLayer, decoder: nLocalDecoderLayers }[part];
    const positions = part === 'encoder' ? blockSize : blockSize + 1;
    const ragged = part === 'global' || (part === 'encoder' && this.config.encoderBlockCausal);
    return new StackCache({ layers, rows, heads: nHead, positions, headDim: dim / nHead, ragged });
  }

  /**
   * Reads one token of each image.
   * @param patchStarts Position of the first token of each token's patch, [B].
   * @returns Encoder states [B, E, D].
   */
  async readTokens(cache: StackCache, tokens: Int32Array, patchStarts: Int32Array): Promise<Float32Array> {
    const outputs = await this.encoder.run({
      x: embeddingRows(named(this.parameters, 'tok_embeddings.weight'), tokens),
      table: tableAt(this.encoderTable, cache.lengths[0] as number, cache.size.headDim),
      ...cache.inputs(this.config.encoderBlockCausal ? patchStarts : undefined),
    });
    cache.append(appended(outputs), allRows(tokens.length));
    return named(outputs, 'states').data as Float32Array;
  }

  /**
   * Starts the global transformer with class labels [C].
   * @param slots Slots P of the patches that follow.
   * @returns Decoder contexts [C, decoder layers, D].
   */
  readClasses(cache: StackCache, labels: Int32Array, slots: number): Promise<Float32Array> {
    const C = labels.length;
    const { nLocalEncoderLayers: E, dim: D } = this.config;
    return this.stepGlobal(cache, allRows(C), {
      x: embeddingRows(named(this.parameters, 'cls_embedding.embedding_table.weight'), labels).data as Float32Array,
      isClass: new Uint8Array(C).fill(1),
      states: new Float32Array(C * E * slots * D),
      slotMask: new Uint8Array(C * slots).fill(1),
      // The class position has the angles (0, 0).
      table: new Float32Array(C * cache.size.headDim),
    });
  }

  /**
   * Reads finished patches.
   * @returns Decoder contexts [R or more, decoder layers, D]. Only the first R rows are valid.
   */
  readPatches(cache: StackCache, patches: FinishedPatches): Promise<Float32Array> {
    const R = patches.rows.length;
    const { rows, ...inputs } = patches;
    return this.stepGlobal(cache, rows, {
      ...inputs,
      table: scaledTable(inputs.table, cache.size.headDim),
      x: new Float32Array(R * this.config.dim),
      isClass: new Uint8Array(R),
    });
  }

  /**
   * Predicts the next token of each image.
   * @param x Encoder states of the token before, or start embeddings, [C, D]
   * @param contexts [C, decoder layers, D]
   * @param more Inputs of predictions.
   */
  async predict(
    cache: StackCache,
    x: Float32Array,
    contexts: HostTensor,
    more: Tensors<HostTensor>,
  ): Promise<Predictions> {
    const { dim: D } = this.config;
    const C = x.length / D;
    const outputs = await this.decoder.run({
      x: float32([C, D], x),
      contexts,
      table: tableAt(this.decoderTable, cache.lengths[0] as number, cache.size.headDim),
      ...cache.inputs(),
      ...more,
    });
    cache.append(appended(outputs), allRows(C));
    return predictionsOf(outputs);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.encoder, this.global, this.decoder].map((stage) => stage.dispose()));
  }

  /** Runs one step of the global transformer for some of the cached sequences. @param rows Their numbers, [R]. */
  private async stepGlobal(
    cache: StackCache,
    rows: Int32Array,
    inputs: { readonly [K in 'x' | 'states' | 'table']: Float32Array } & {
      readonly [K in 'isClass' | 'slotMask']: Uint8Array;
    },
  ): Promise<Float32Array> {
    const { dim: D, nLocalEncoderLayers: E } = this.config;
    const { rows: C, headDim } = cache.size;
    const P = inputs.slotMask.length / rows.length;
    const R = Math.max(rows.length, Math.min(C, fewestRows));
    const selected = resized(rows, R);
    const places = new Int32Array(C);
    rows.forEach((row, i) => {
      places[row] = i;
    });
    const outputs = await this.global.run({
      x: float32([R, D], resized(inputs.x, R * D)),
      isClass: { dtype: 'bool', shape: [R, 1], data: resized(inputs.isClass, R) },
      states: float32([R, E * P * D], resized(inputs.states, R * E * P * D)),
      slotMask: { dtype: 'bool', shape: [R, 1, P], data: resized(inputs.slotMask, R * P) },
      table: float32([R, 1, headDim / 2, 2], resized(inputs.table, R * headDim)),
      selectedRows: int32([R], selected),
      places: int32([C], places),
      ...cache.inputs(),
    });
    cache.append(appended(outputs), rows);
    return named(outputs, 'contexts').data as Float32Array;
  }
}

/** The array itself, or a longer copy with zeros at the end. */
function resized<A extends Int32Array | Uint8Array | Float32Array>(data: A, length: number): A {
  if (data.length === length) return data;
  const longer = new (data.constructor as new (length: number) => A)(length);
  longer.set(data);
  return longer;
}
