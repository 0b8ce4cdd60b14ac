import {
  causalMask,
  entropyOfLogits,
  type GptConfig,
  gptStep,
  gridRotaryData,
  predictions,
  prefillStack,
  scaledTable,
} from '@dpar/nn';
import {
  type CompiledFunction,
  type Engine,
  float32,
  type HostTensor,
  named,
  type TensorFunction,
  type Tensors,
  type WeightFormat,
} from '@dpar/tensor';
import type { StackCache } from './cache.js';
import { CacheMaker } from './cache-maker.js';
import type { Label } from './options.js';
import { predictionAxes, predictionOutputs, predictionResults } from './predictions.js';
import {
  cacheInputs,
  cacheOutputs,
  embeddingRows,
  firstAngles,
  positionsOf,
  prefillAxes,
  promptEmbeddings,
  rowsOfStep,
  runInto,
  stepAxes,
  stepMatrix,
  stepOf,
  tableAt,
} from './transformer.js';

/** Result of a step of a GPT: predictions of the next token, or their entropies [R] in nats. */
export type GptResult = 'predictions' | 'entropies';

/** Options of {@link GptStage}. */
export interface GptStageOptions {
  readonly result: GptResult;
  /** True if a step may read some of the cached sequences only. */
  readonly selects: boolean;
  readonly weights?: WeightFormat;
}

/** A GPT (LlamaGen or the entropy model) that reads one position at a time. */
export class GptStage {
  private readonly compiled: CompiledFunction;
  private readonly prefilled: CompiledFunction;
  private readonly table: Float32Array;
  private readonly caches: CacheMaker;
  /** Names of the outputs of a step that are not for its cache. */
  private readonly results: readonly string[];

  constructor(
    engine: Engine,
    private readonly config: GptConfig,
    private readonly parameters: Tensors<HostTensor>,
    private readonly options: GptStageOptions,
  ) {
    const { result, selects, weights = 'float32' } = options;
    const step: TensorFunction = (ops, inputs) => {
      const { logits, ...cache } = gptStep(ops, config, inputs, stepOf(inputs));
      const outputs =
        result === 'entropies' ? { entropies: entropyOfLogits(ops, logits) } : predictionOutputs(ops, inputs, logits);
      return { ...outputs, ...cacheOutputs(ops, cache) };
    };
    const prefill: TensorFunction = (ops, inputs) => {
      const x = named(inputs, 'x');
      const mask = causalMask(ops, ops.shapeOf(x)[1] ?? 0);
      const sequence = { x, table: named(inputs, 'table'), mask };
      const { x: states, ...cache } = prefillStack(ops, inputs, 'layers', config.nLayer, sequence, config);
      const outputs = cacheOutputs(ops, cache);
      if (result !== 'entropies') return outputs;
      return { ...outputs, entropies: entropyOfLogits(ops, predictions(ops, inputs, states, config.normEps)) };
    };
    const dynamicAxes = { ...stepAxes(config.nLayer, selects), ...predictionAxes };
    // Entropies are compared with a threshold, so rounding must not depend on the batch.
    const batchInvariant = result === 'entropies';
    this.compiled = engine.compile(step, { constants: parameters, weights, dynamicAxes, batchInvariant });
    this.prefilled = engine.compile(prefill, {
      constants: parameters,
      weights,
      dynamicAxes: prefillAxes,
      batchInvariant,
    });
    this.caches = new CacheMaker(engine, config.nLayer);
    this.results = result === 'entropies' ? ['entropies'] : predictionResults;
    this.table = scaledTable(gridRotaryData(config).data, config.dim / config.nHead);
  }

  /** Creates an empty cache for a number of sequences. */
  newCache(rows: number): StackCache {
    const { nLayer, nHead, dim, blockSize, clsTokenNum } = this.config;
    const positions = blockSize + clsTokenNum;
    return this.caches.create({ layers: nLayer, rows, heads: nHead, positions, headDim: dim / nHead });
  }

  /**
   * Reads one position of some sequences.
   * @param rows Their rows in the cache, [R], ascending.
   * @param x Embeddings of what is read, [R, D]: tokens, or classes at the first position of a conditional model.
   * @param more Other inputs: those of predictions.
   */
  async read(
    cache: StackCache,
    rows: Int32Array,
    x: Float32Array,
    more: Tensors<HostTensor> = {},
  ): Promise<Tensors<HostTensor>> {
    const R = rowsOfStep(cache, rows.length);
    const inputs = {
      x: stepMatrix(x, this.config.dim, R),
      table: tableAt(this.table, positionsOf(cache, rows), cache.size.headDim, R),
      ...cacheInputs(cache, rows, this.options.selects),
      ...more,
    };
    return runInto(this.compiled, inputs, [{ cache, rows }], this.results);
  }

  /**
   * Reads the first positions of some sequences at once. Their rows of the cache are empty.
   * @param rows Their rows in the cache, [R].
   * @param x Embeddings of class and tokens, [R, S, D]
   * @returns Outputs, among them the entropies [R, S] of the tokens that follow, for an entropy model.
   */
  async prefill(cache: StackCache, rows: Int32Array, x: Float32Array): Promise<Tensors<HostTensor>> {
    const S = x.length / (rows.length * this.config.dim);
    const inputs = {
      x: float32([rows.length, S, this.config.dim], x),
      table: firstAngles(this.table, S, cache.size.headDim),
    };
    const results = this.options.result === 'entropies' ? this.results : [];
    return runInto(this.prefilled, inputs, [{ cache, rows, positions: S }], results);
  }

  /** Embeddings of tokens, [tokens, D]. */
  tokenEmbeddings(tokens: ArrayLike<number>): Float32Array {
    return embeddingRows(named(this.parameters, 'tok_embeddings.weight'), tokens).data as Float32Array;
  }

  /** Embeddings of classes and prompts, [labels, D]. */
  classEmbeddings(labels: readonly Label[]): Float32Array {
    return promptEmbeddings(named(this.parameters, 'cls_embedding.embedding_table.weight'), labels);
  }

  /** Reads one token of some sequences. Returns the entropies [R] of the tokens that follow, nats. */
  async entropies(cache: StackCache, rows: Int32Array, tokens: Int32Array): Promise<Float32Array> {
    return named(await this.read(cache, rows, this.tokenEmbeddings(tokens)), 'entropies').data as Float32Array;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.compiled, this.prefilled, this.caches].map((each) => each.dispose()));
  }
}
