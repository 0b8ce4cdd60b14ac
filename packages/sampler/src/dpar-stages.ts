import { boundaryStep, type DparConfig, decoderStep, encoderStep, globalStep, patchEmbedding } from '@dpar/model';
import { gridRotaryData, scaledTable } from '@dpar/nn';
import {
  bool,
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
import type { StackCache } from './cache.js';
import { CacheMaker } from './cache-maker.js';
import type { Label } from './options.js';
import {
  type Predictions,
  predictionAxes,
  predictionOutputs,
  predictionResults,
  predictionsOf,
} from './predictions.js';
import {
  cacheInputs,
  cacheOutputs,
  embeddingRows,
  filledUp,
  positionsOf,
  promptEmbeddings,
  rowsOfStep,
  runInto,
  splitColumns,
  stepAxes,
  stepMatrix,
  stepOf,
  stepRows,
  tableAt,
} from './transformer.js';

/** Options of {@link DparStages}. */
export interface DparStagesOptions {
  /** True if a step may read some of the cached sequences only. */
  readonly selects: boolean;
  /** True if the encoder's steps predict entropies with the boundary head. */
  readonly predictsEntropies: boolean;
  readonly weights?: WeightFormat;
}

/** Input of the global transformer for some sequences: for each its class, or a finished patch. R rows, P slots, E layers. */
export interface GlobalInputs {
  /** Class embeddings, [R, D]; zeros for a patch. */
  readonly classes: Float32Array;
  /** [R], 1 for a class. */
  readonly isClass: Uint8Array;
  /** Encoder states of the tokens of a patch, [R, E, P, D]. */
  readonly states: Float32Array;
  /** [R, P]: slots that hold a token. The first one is marked for a class. */
  readonly slotMask: Uint8Array;
  /** Rotary angles of each patch, [R, headDim]. The class position has the angles (0, 0). */
  readonly table: Float32Array;
}

/** Scaled rotary tables of tokens, [positions, headDim]. The decoder's begins with the class position. */
export interface TokenTables {
  readonly encoder: Float32Array;
  readonly decoder: Float32Array;
}

/** Tables of the encoder and the decoder. */
export function tokenTables(config: DparConfig): TokenTables {
  const headDim = config.dim / config.nHead;
  return {
    encoder: scaledTable(gridRotaryData({ ...config, clsTokenNum: 0 }).data, headDim),
    decoder: scaledTable(gridRotaryData(config).data, headDim),
  };
}

/** Results of {@link DparStages.readTokens}. */
export interface ReadTokens {
  /** Encoder states [R, E, D]. */
  readonly states: Float32Array;
  /** Entropies of the tokens that follow, [R] in nats, from the boundary head; undefined without it. */
  readonly entropies: Float32Array | undefined;
}

/**
 * The steps of a DPAR model, compiled: encoder and decoder run for each token, the global transformer for each patch.
 * R rows of a step, D width, E encoder layers.
 */
export class DparStages {
  private readonly encoder: CompiledFunction;
  private readonly global: CompiledFunction;
  private readonly decoder: CompiledFunction;
  private readonly tables: TokenTables;
  private readonly caches: CacheMaker;

  constructor(
    engine: Engine,
    private readonly config: DparConfig,
    private readonly parameters: Tensors<HostTensor>,
    private readonly options: DparStagesOptions,
  ) {
    const { dim: D, nLocalEncoderLayers, nLayer, nLocalDecoderLayers, vocabSize } = config;
    const { selects, predictsEntropies, weights = 'float32' } = options;
    const compile = (fn: TensorFunction, dynamicAxes: DynamicAxes, batchInvariant = false): CompiledFunction =>
      engine.compile(fn, { constants: parameters, weights, dynamicAxes, batchInvariant });
    this.encoder = compile(
      (ops, inputs) => {
        const { states, ...cache } = encoderStep(ops, config, inputs, stepOf(inputs));
        const outputs = { states: ops.concat(states, 1), ...cacheOutputs(ops, cache) };
        return predictsEntropies ? { ...outputs, entropies: predictedEntropies(ops, config, inputs, states) } : outputs;
      },
      { ...stepAxes(nLocalEncoderLayers, selects), neighbours: stepRows, tokenPositions: stepRows },
      // Entropies are compared with a threshold, so rounding must not depend on the batch.
      predictsEntropies,
    );
    this.global = compile(
      (ops, inputs) => {
        const patches = embeddedPatches(ops, config, inputs);
        const step = { ...stepOf(inputs), x: ops.select(named(inputs, 'isClass'), named(inputs, 'x'), patches) };
        const { contexts, ...cache } = globalStep(ops, config, inputs, step);
        return { contexts: ops.concat(contexts, 1), ...cacheOutputs(ops, cache) };
      },
      { ...stepAxes(nLayer, selects), isClass: stepRows, states: stepRows, slotMask: stepRows },
    );
    this.decoder = compile(
      (ops, inputs) => {
        const contexts = splitColumns(ops, named(inputs, 'contexts'), D);
        const { logits, ...cache } = decoderStep(ops, config, inputs, stepOf(inputs), contexts);
        // Only tokens of the vocabulary are drawn, never the end-of-image token.
        const drawn = ops.slice(logits, 1, 0, vocabSize);
        return { ...predictionOutputs(ops, inputs, drawn), ...cacheOutputs(ops, cache) };
      },
      { ...stepAxes(nLocalDecoderLayers, selects), ...predictionAxes, contexts: stepRows },
    );
    this.caches = new CacheMaker(engine, Math.max(nLocalEncoderLayers, nLayer, nLocalDecoderLayers));
    this.tables = tokenTables(config);
  }

  /** First input of the decoder, [D]. */
  get startEmbedding(): Float32Array {
    return named(this.parameters, 'decoder_start_embedding.weight').data as Float32Array;
  }

  /** Embeddings of classes and prompts, [labels, D]. */
  classEmbeddings(labels: readonly Label[]): Float32Array {
    return promptEmbeddings(named(this.parameters, 'cls_embedding.embedding_table.weight'), labels);
  }

  /** Creates an empty cache of a number of sequences for one of the three transformers. */
  newCache(part: 'encoder' | 'global' | 'decoder', rows: number): StackCache {
    const { nLocalEncoderLayers, nLayer, nLocalDecoderLayers, nHead, blockSize, dim } = this.config;
    const layers = { encoder: nLocalEncoderLayers, global: nLayer, decoder: nLocalDecoderLayers }[part];
    const positions = part === 'encoder' ? blockSize : blockSize + 1;
    return this.caches.create({ layers, rows, heads: nHead, positions, headDim: dim / nHead });
  }

  /**
   * Reads one token of some images.
   * @param rows Rows [R] of the cache, ascending.
   * @param tokens [R]
   * @param neighbours States of the tokens that the boundary head reads beside the newest one, [R, neighbours, D], if it is
   * used.
   */
  async readTokens(
    cache: StackCache,
    rows: Int32Array,
    tokens: Int32Array,
    neighbours: Float32Array | undefined,
  ): Promise<ReadTokens> {
    const D = this.config.dim;
    const R = rowsOfStep(cache, rows.length);
    const positions = positionsOf(cache, rows);
    const embedded = embeddingRows(named(this.parameters, 'tok_embeddings.weight'), tokens).data as Float32Array;
    const inputs = {
      x: stepMatrix(embedded, D, R),
      table: tableAt(this.tables.encoder, positions, cache.size.headDim, R),
      ...(neighbours && {
        ...(neighbours.length > 0 && { neighbours: stepMatrix(neighbours, neighbours.length / rows.length, R) }),
        tokenPositions: int32([R], filledUp(positions, R)),
      }),
      ...cacheInputs(cache, rows, this.options.selects),
    };
    const results = this.options.predictsEntropies ? ['states', 'entropies'] : ['states'];
    const outputs = await runInto(this.encoder, inputs, [{ cache, rows }], results);
    return {
      states: named(outputs, 'states').data as Float32Array,
      entropies: outputs.entropies?.data as Float32Array | undefined,
    };
  }

  /**
   * Runs the global transformer for some sequences.
   * @param rows Rows [R] of the cache, ascending.
   * @returns Decoder contexts [R or more, decoder layers, D]. Only the first R rows are valid.
   */
  async readGlobal(cache: StackCache, rows: Int32Array, inputs: GlobalInputs): Promise<Float32Array> {
    const { dim: D, nLocalEncoderLayers: E } = this.config;
    const { headDim } = cache.size;
    const P = inputs.slotMask.length / rows.length;
    const R = rowsOfStep(cache, rows.length);
    const all = {
      x: stepMatrix(inputs.classes, D, R),
      isClass: bool([R, 1], filledUp(inputs.isClass, R)),
      states: stepMatrix(inputs.states, E * P * D, R),
      slotMask: bool([R, 1, P], filledUp(inputs.slotMask, R * P)),
      table: float32([R, 1, headDim / 2, 2], filledUp(scaledTable(inputs.table, headDim), R * headDim)),
      ...cacheInputs(cache, rows, this.options.selects),
    };
    const outputs = await runInto(this.global, all, [{ cache, rows }], ['contexts']);
    return named(outputs, 'contexts').data as Float32Array;
  }

  /**
   * Predicts the next token of some images.
   * @param rows Rows [R] of the cache, ascending.
   * @param x Encoder states of the token before, or start embeddings, [R, D]
   * @param contexts [R, decoder layers, D]
   * @param images Images N of these rows.
   * @param more Inputs of predictions.
   */
  async predict(
    cache: StackCache,
    rows: Int32Array,
    x: Float32Array,
    contexts: Float32Array,
    images: number,
    more: Tensors<HostTensor>,
  ): Promise<Predictions> {
    const { dim: D, nLocalDecoderLayers } = this.config;
    const R = rowsOfStep(cache, rows.length);
    const inputs = {
      x: stepMatrix(x, D, R),
      contexts: stepMatrix(contexts, nLocalDecoderLayers * D, R),
      table: tableAt(this.tables.decoder, positionsOf(cache, rows), cache.size.headDim, R),
      ...cacheInputs(cache, rows, this.options.selects),
      ...more,
    };
    const outputs = await runInto(this.decoder, inputs, [{ cache, rows }], predictionResults);
    return predictionsOf(outputs, images);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.encoder, this.global, this.decoder, this.caches].map((each) => each.dispose()));
  }
}

/** Embeddings [R, D] of the patches of `states` [R, E P D] and `slotMask` [R, 1, P] among the inputs. */
export function embeddedPatches<T>(ops: Ops<T>, config: DparConfig, inputs: Tensors<T>): T {
  const slotMask = named(inputs, 'slotMask');
  const [R = 0, , P = 0] = ops.shapeOf(slotMask);
  const layers = splitColumns(ops, named(inputs, 'states'), P * config.dim);
  const states = layers.map((layer) => ops.reshape(layer, [R, P, config.dim]));
  return patchEmbedding(ops, config, inputs, states, slotMask);
}

/** Entropies [R] of the boundary head, from the states of the newest token and those of its neighbours. */
function predictedEntropies<T>(ops: Ops<T>, config: DparConfig, inputs: Tensors<T>, states: readonly T[]): T {
  const { neighbours: earlier } = inputs;
  // Distances ascend, so that the newest token is the first of them, if it is among them.
  const newest = config.boundaryHead?.neighbours[0] === 1 ? [states.at(-1) as T] : [];
  const read = ops.concat([...newest, ...(earlier === undefined ? [] : [earlier])], 1);
  return boundaryStep(ops, config, inputs, read, named(inputs, 'tokenPositions'));
}
