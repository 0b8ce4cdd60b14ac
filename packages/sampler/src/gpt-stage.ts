import { entropyOfLogits, type GptConfig, gptStep, gridRotaryData } from '@dpar/nn';
import {
  type CompiledFunction,
  type Engine,
  float32,
  type HostTensor,
  int32,
  named,
  type TensorFunction,
  type Tensors,
} from '@dpar/tensor';
import { cacheOutputs, cachesOf, StackCache } from './cache.js';
import { tableRow } from './table-row.js';

/** A GPT (LlamaGen or the entropy model) that reads one position after the other, for a fixed number of sequences. */
export class GptStage {
  private readonly compiled: CompiledFunction;
  private readonly table: Float32Array;

  /** @param result What a step gives: logits [R, V], or entropies [R] in nats. */
  constructor(
    engine: Engine,
    private readonly config: GptConfig,
    parameters: Tensors<HostTensor>,
    result: 'logits' | 'entropies',
  ) {
    const step: TensorFunction = (ops, inputs) => {
      const read = 'labels' in inputs ? { labels: named(inputs, 'labels') } : { tokens: named(inputs, 'tokens') };
      const { logits, ...cache } = gptStep(ops, config, inputs, read, {
        table: named(inputs, 'table'),
        lengths: named(inputs, 'lengths'),
        caches: cachesOf(inputs),
      });
      return { result: result === 'logits' ? logits : entropyOfLogits(ops, logits), ...cacheOutputs(cache) };
    };
    this.compiled = engine.compile(step, { constants: parameters });
    this.table = gridRotaryData(config).data;
  }

  /** An empty cache for so many sequences. */
  newCache(rows: number): StackCache {
    const { nLayer, nHead, dim, blockSize, clsTokenNum } = this.config;
    const positions = blockSize + clsTokenNum;
    return new StackCache({ layers: nLayer, rows, heads: nHead, positions, headDim: dim / nHead });
  }

  /**
   * Reads one position of each sequence.
   * @param kind Whether `ids` [R] are tokens or (first position of a conditional model) class labels.
   * @param position The position that is read, the same for all sequences.
   */
  async read(cache: StackCache, kind: 'tokens' | 'labels', ids: Int32Array, position: number): Promise<Float32Array> {
    const headDim = this.config.dim / this.config.nHead;
    const outputs = await this.compiled.run({
      [kind]: int32([ids.length], ids),
      table: float32([1, 1, headDim / 2, 2], tableRow(this.table, position, headDim)),
      lengths: int32([ids.length], cache.lengths),
      ...cache.tensors,
    });
    cache.append(
      outputs,
      ids.map((_, row) => row),
    );
    return named(outputs, 'result').data as Float32Array;
  }

  async dispose(): Promise<void> {
    await this.compiled.dispose();
  }
}
