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
import { allRows, appended, cacheAxes, cacheOutputs, embeddingRows, stepOf, tableAt } from './transformer.js';

/** Result of a step of a GPT: predictions of the next token, or their entropies [C] in nats. */
export type GptResult = 'predictions' | 'entropies';

/** A GPT (LlamaGen or the entropy model) that reads one position at a time. */
export class GptStage {
  private readonly compiled: CompiledFunction;
  private readonly table: Float32Array;

  constructor(
    engine: Engine,
    private readonly config: GptConfig,
    private readonly parameters: Tensors<HostTensor>,
    result: GptResult,
    weights: WeightFormat = 'float32',
  ) {
    const step: TensorFunction = (ops, inputs) => {
      const { logits, ...cache } = gptStep(ops, config, inputs, stepOf(inputs));
      const outputs =
        result === 'entropies' ? { entropies: entropyOfLogits(ops, logits) } : predictionOutputs(ops, inputs, logits);
      return { ...outputs, ...cacheOutputs(ops, cache) };
    };
    const dynamicAxes = { ...cacheAxes(config.nLayer, false), ...predictionAxes, x: { 0: 'rows' } };
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
   * Reads one position of each sequence.
   * @param kind Kind of `ids` [C]: tokens, or class labels at the first position of a conditional model.
   * @param more Other inputs: those of predictions.
   */
  async read(
    cache: StackCache,
    kind: 'tokens' | 'labels',
    ids: Int32Array,
    more: Tensors<HostTensor> = {},
  ): Promise<Tensors<HostTensor>> {
    const embeddings = kind === 'tokens' ? 'tok_embeddings.weight' : 'cls_embedding.embedding_table.weight';
    const outputs = await this.compiled.run({
      x: embeddingRows(named(this.parameters, embeddings), ids),
      // All sequences are at the same position.
      table: tableAt(this.table, cache.lengths[0] as number, cache.size.headDim),
      ...cache.inputs(),
      ...more,
    });
    cache.append(appended(outputs), allRows(ids.length));
    return outputs;
  }

  async dispose(): Promise<void> {
    await this.compiled.dispose();
  }
}
