import { entropyOfLogits, type GptConfig, gptStep, gridRotaryData, scaledTable } from '@dpar/nn';
import {
  type CompiledFunction,
  type Engine,
  type HostTensor,
  named,
  type TensorFunction,
  type Tensors,
  type WeightFormat,
} from '@dpar/tensor';
import { StackCache } from './cache.js';
import { predictionAxes, predictionOutputs } from './predictions.js';
import {
  appended,
  cacheInputs,
  cacheOutputs,
  embeddingRows,
  positionsOf,
  stepAxes,
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
  private readonly table: Float32Array;

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
    const dynamicAxes = { ...stepAxes(config.nLayer, selects), ...predictionAxes };
    // Entropies are compared with a threshold, so rounding must not depend on the batch.
    const batchInvariant = result === 'entropies';
    this.compiled = engine.compile(step, { constants: parameters, weights, dynamicAxes, batchInvariant });
    this.table = scaledTable(gridRotaryData(config).data, config.dim / config.nHead);
  }

  /** Creates an empty cache for a number of sequences. */
  newCache(rows: number): StackCache {
    const { nLayer, nHead, dim, blockSize, clsTokenNum } = this.config;
    const positions = blockSize + clsTokenNum;
    return new StackCache({ layers: nLayer, rows, heads: nHead, positions, headDim: dim / nHead });
  }

  /**
   * Reads one position of some sequences.
   * @param rows Their rows in the cache, [R], ascending.
   * @param kind Kind of `ids` [R]: tokens, or class labels at the first position of a conditional model.
   * @param more Other inputs: those of predictions.
   */
  async read(
    cache: StackCache,
    rows: Int32Array,
    kind: 'tokens' | 'labels',
    ids: Int32Array,
    more: Tensors<HostTensor> = {},
  ): Promise<Tensors<HostTensor>> {
    const embeddings = kind === 'tokens' ? 'tok_embeddings.weight' : 'cls_embedding.embedding_table.weight';
    const outputs = await this.compiled.run({
      x: embeddingRows(named(this.parameters, embeddings), ids),
      table: tableAt(this.table, positionsOf(cache, rows), cache.size.headDim),
      ...cacheInputs(cache, rows, this.options.selects),
      ...more,
    });
    cache.append(appended(outputs), rows);
    return outputs;
  }

  /** Reads one token of some sequences. Returns the entropies [R] of the tokens that follow, nats. */
  async entropies(cache: StackCache, rows: Int32Array, tokens: Int32Array): Promise<Float32Array> {
    return named(await this.read(cache, rows, 'tokens', tokens), 'entropies').data as Float32Array;
  }

  async dispose(): Promise<void> {
    await this.compiled.dispose();
  }
}
