import { type DparConfig, decoderStep, encoderStep, globalStep, patchEmbedding, type StepInputs } from '@dpar/model';
import { gridRotaryData } from '@dpar/nn';
import {
  type CompiledFunction,
  type Engine,
  float32,
  type HostTensor,
  int32,
  named,
  type Ops,
  type TensorFunction,
  type Tensors,
} from '@dpar/tensor';
import { cacheOutputs, cachesOf, StackCache } from './cache.js';
import { tableRow } from './table-row.js';

function stepInputs<T>(inputs: Tensors<T>): StepInputs<T> {
  return {
    table: named(inputs, 'table'),
    lengths: named(inputs, 'lengths'),
    ...('starts' in inputs && { starts: named(inputs, 'starts') }),
    caches: cachesOf(inputs),
  };
}

/** Step inputs with the caches [C, H, L, headDim] of those sequences only that take part: `rows` [R]. */
function selectedInputs<T>(ops: Ops<T>, inputs: Tensors<T>): StepInputs<T> {
  const step = stepInputs(inputs);
  const rows = named(inputs, 'rows');
  const caches = step.caches.map(({ keys, values }) => ({
    keys: ops.takeRows(keys, rows),
    values: ops.takeRows(values, rows),
  }));
  return { ...step, caches };
}

/** `values` as tensors `prefix.0`, `prefix.1`, ... */
function numbered<T>(prefix: string, values: readonly T[]): Record<string, T> {
  return Object.fromEntries(values.map((value, i) => [`${prefix}.${i}`, value]));
}

/** The tensors `prefix.0`, `prefix.1`, ... */
function numberedOf<T>(tensors: Tensors<T>, prefix: string, count: number): T[] {
  return Array.from({ length: count }, (_, i) => named(tensors, `${prefix}.${i}`));
}

/** What the encoder and the global transformer give, in host memory: one array per encoder or decoder layer. */
export type Layers = readonly Float32Array[];

/** A finished patch, or several: the inputs of {@link DparStages.readPatches}. */
export interface FinishedPatches {
  /** Cache rows [R] of the sequences whose patch ended. */
  readonly rows: Int32Array;
  /** Encoder states of the patch's tokens, one array [R, P, D] per encoder layer. */
  readonly states: Layers;
  /** bool [R, P] */
  readonly slotMask: Uint8Array;
  /** Rotary angles of each patch, [R, headDim]. */
  readonly table: Float32Array;
}

/** The steps of a DPAR model, compiled: encoder and decoder run for each token, the global transformer for each patch. */
export class DparStages {
  private readonly encoder: CompiledFunction;
  private readonly classes: CompiledFunction;
  private readonly global: CompiledFunction;
  private readonly decoder: CompiledFunction;
  private readonly encoderTable: Float32Array;
  private readonly decoderTable: Float32Array;
  /** The decoder's first input, [D]. */
  readonly startEmbedding: Float32Array;

  constructor(
    engine: Engine,
    readonly config: DparConfig,
    parameters: Tensors<HostTensor>,
  ) {
    const { nLocalEncoderLayers, nLocalDecoderLayers, vocabSize, dim } = config;
    const compile = (step: TensorFunction) => engine.compile(step, { constants: parameters });
    this.encoder = compile((ops, inputs) => {
      const { states, ...cache } = encoderStep(ops, config, inputs, named(inputs, 'tokens'), stepInputs(inputs));
      return { ...numbered('states', states), ...cacheOutputs(cache) };
    });
    this.classes = compile((ops, inputs) => {
      const labels = named(inputs, 'labels');
      const embedded = ops.takeRows(named(inputs, 'cls_embedding.embedding_table.weight'), labels);
      const x = ops.reshape(embedded, [-1, 1, dim]);
      const { contexts, ...cache } = globalStep(ops, config, inputs, { ...stepInputs(inputs), x });
      return { ...numbered('contexts', contexts), ...cacheOutputs(cache) };
    });
    this.global = compile((ops, inputs) => {
      const states = numberedOf(inputs, 'states', nLocalEncoderLayers);
      const x = patchEmbedding(ops, config, inputs, states, named(inputs, 'slotMask'));
      const { contexts, ...cache } = globalStep(ops, config, inputs, { ...selectedInputs(ops, inputs), x });
      return { ...numbered('contexts', contexts), ...cacheOutputs(cache) };
    });
    this.decoder = compile((ops, inputs) => {
      const contexts = numberedOf(inputs, 'contexts', nLocalDecoderLayers);
      const step = { ...stepInputs(inputs), x: named(inputs, 'x') };
      const { logits, ...cache } = decoderStep(ops, config, inputs, step, contexts);
      // Only tokens of the vocabulary are drawn, never the end-of-image token.
      return { logits: ops.slice(logits, 1, 0, vocabSize), ...cacheOutputs(cache) };
    });
    this.startEmbedding = named(parameters, 'decoder_start_embedding.weight').data as Float32Array;
    this.encoderTable = gridRotaryData({ ...config, clsTokenNum: 0 }).data;
    this.decoderTable = gridRotaryData(config).data;
  }

  private get headDim(): number {
    return this.config.dim / this.config.nHead;
  }

  /** An empty cache of so many sequences for one of the three transformers. */
  newCache(part: 'encoder' | 'global' | 'decoder', rows: number): StackCache {
    const { nLocalEncoderLayers, nLayer, nLocalDecoderLayers, nHead, blockSize } = this.config;
    const layers = { encoder: nLocalEncoderLayers, global: nLayer, decoder: nLocalDecoderLayers }[part];
    const positions = part === 'encoder' ? blockSize : blockSize + 1;
    return new StackCache({ layers, rows, heads: nHead, positions, headDim: this.headDim });
  }

  /**
   * Reads one token of each sequence.
   * @param patchStarts Position of the first token of each token's patch, [B].
   * @returns Encoder states, one array [B, D] per layer.
   */
  async readTokens(cache: StackCache, tokens: Int32Array, position: number, patchStarts: Int32Array): Promise<Layers> {
    const outputs = await this.encoder.run({
      tokens: int32([tokens.length], tokens),
      ...(this.config.encoderBlockCausal && { starts: int32([tokens.length], patchStarts) }),
      ...this.position(cache, this.encoderTable, position),
    });
    cache.append(outputs, allRows(tokens.length));
    return this.layers(outputs, 'states', this.config.nLocalEncoderLayers);
  }

  /** Starts the global transformer with class labels [R]. @returns Decoder contexts, one array [R, D] per layer. */
  async readClasses(cache: StackCache, labels: Int32Array): Promise<Layers> {
    const outputs = await this.classes.run({
      labels: int32([labels.length], labels),
      // The class position has the angles (0, 0).
      table: float32([1, 1, this.headDim / 2, 2]),
      lengths: int32([labels.length], cache.lengths),
      ...cache.tensors,
    });
    cache.append(outputs, allRows(labels.length));
    return this.layers(outputs, 'contexts', this.config.nLocalDecoderLayers);
  }

  /**
   * Reads finished patches.
   * @param padTo Patches are padded to this number, so that few sizes need to be compiled.
   * @returns Decoder contexts, one array [padTo, D] per layer; the first R rows have meaning.
   */
  async readPatches(cache: StackCache, patches: FinishedPatches, padTo: number): Promise<Layers> {
    const P = patches.slotMask.length / patches.rows.length;
    const R = padTo;
    const rows = resized(patches.rows, R);
    const slotMask = resized(patches.slotMask, R * P);
    const table = resized(patches.table, R * this.headDim);
    const states = patches.states.map((layer) => resized(layer, R * P * this.config.dim));
    const outputs = await this.global.run({
      rows: int32([R], rows),
      ...numbered(
        'states',
        states.map((data) => float32([R, P, this.config.dim], data)),
      ),
      slotMask: { dtype: 'bool', shape: [R, 1, P], data: slotMask },
      table: float32([R, 1, this.headDim / 2, 2], table),
      lengths: int32(
        [R],
        rows.map((row) => cache.lengths[row] as number),
      ),
      ...cache.tensors,
    });
    cache.append(outputs, patches.rows);
    return this.layers(outputs, 'contexts', this.config.nLocalDecoderLayers);
  }

  /**
   * Predicts the token at `position` of each sequence.
   * @param x Encoder states of the token before, or start embeddings, [R, D]
   * @param contexts One array [R, D] per decoder layer
   * @returns Logits [R, V].
   */
  async predict(cache: StackCache, x: Float32Array, contexts: Layers, position: number): Promise<Float32Array> {
    const { dim } = this.config;
    const R = x.length / dim;
    const outputs = await this.decoder.run({
      x: float32([R, 1, dim], x),
      ...numbered(
        'contexts',
        contexts.map((data) => float32([R, 1, dim], data)),
      ),
      ...this.position(cache, this.decoderTable, position),
    });
    cache.append(outputs, allRows(R));
    return named(outputs, 'logits').data as Float32Array;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.encoder, this.classes, this.global, this.decoder].map((stage) => stage.dispose()));
  }

  private position(cache: StackCache, table: Float32Array, position: number): Record<string, HostTensor> {
    return {
      table: float32([1, 1, this.headDim / 2, 2], tableRow(table, position, this.headDim)),
      lengths: int32([cache.lengths.length], cache.lengths),
      ...cache.tensors,
    };
  }

  private layers(outputs: Tensors<HostTensor>, prefix: string, count: number): Layers {
    return numberedOf(outputs, prefix, count).map((tensor) => tensor.data as Float32Array);
  }
}

function allRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}

/** The array itself, or a longer copy with zeros at the end. */
function resized<A extends Int32Array | Uint8Array | Float32Array>(data: A, length: number): A {
  if (data.length === length) return data;
  const longer = new (data.constructor as new (length: number) => A)(length);
  longer.set(data);
  return longer;
}
