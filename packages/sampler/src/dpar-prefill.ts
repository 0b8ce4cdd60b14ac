import { boundaryEntropies, type DparConfig, decoderPrefill, encoderPrefill, globalPrefill } from '@dpar/model';
import { causalMask, embedding, masked, scaledTable } from '@dpar/nn';
import {
  bool,
  type CompiledFunction,
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
import { embeddedPatches, type GlobalInputs, type TokenTables, tokenTables } from './dpar-stages.js';
import { cacheOutputs, consecutive, firstAngles, runInto } from './transformer.js';

/** Options of {@link DparPrefill}. */
export interface DparPrefillOptions {
  readonly predictsEntropies: boolean;
  readonly weights: WeightFormat;
}

/** Patches of the given tokens of one image. K tokens, M positions of the global transformer: the class and finished patches. */
export interface PrefillPatches {
  /** Inputs of the M positions, each as for one row. */
  readonly inputs: GlobalInputs;
  /** Position of the global transformer whose context each of the K tokens gets, [K]. */
  readonly contextOfToken: Int32Array;
  /** Embeddings of the classes of the rows of the image, [R, D]. */
  readonly classes: Float32Array;
}

/** Reads the given first tokens of one image at once: encoder, then global transformer and decoder. D width, E encoder layers. */
export class DparPrefill {
  private readonly encoder: CompiledFunction;
  private readonly rest: CompiledFunction;
  private readonly tables: TokenTables;
  private readonly predictsEntropies: boolean;

  constructor(
    engine: Engine,
    private readonly config: DparConfig,
    parameters: Tensors<HostTensor>,
    { predictsEntropies, weights }: DparPrefillOptions,
  ) {
    this.predictsEntropies = predictsEntropies;
    const encoder: TensorFunction = (ops, inputs) => {
      const tokens = named(inputs, 'tokens');
      const S = ops.shapeOf(tokens)[1] ?? 0;
      const x = embedding(ops, named(inputs, 'tok_embeddings.weight'), tokens);
      const sequence = { x, table: named(inputs, 'table'), mask: named(inputs, 'mask') };
      const { states, ...cache } = encoderPrefill(ops, config, inputs, sequence);
      const outputs = { states: ops.concat(states, -1), ...cacheOutputs(ops, cache) };
      if (!predictsEntropies) return outputs;
      return {
        ...outputs,
        entropies: boundaryEntropies(ops, config, inputs, states.at(-1) as (typeof states)[number], S),
      };
    };
    const length = 'length';
    this.encoder = engine.compile(encoder, {
      constants: parameters,
      weights,
      dynamicAxes: { tokens: { 1: length }, table: { 1: length }, mask: { 2: length, 3: length } },
      batchInvariant: predictsEntropies,
    });
    const patches = 'patches';
    this.rest = engine.compile((ops, inputs) => globalAndDecoder(ops, config, inputs), {
      constants: parameters,
      weights,
      dynamicAxes: {
        slotMask: { 0: patches },
        states: { 0: patches },
        isClass: { 0: patches },
        globalTable: { 1: patches },
        x: { 1: length },
        table: { 1: length },
        contextRows: { 1: length },
      },
    });
    this.tables = tokenTables(config);
  }

  /**
   * Reads the first S tokens of an image.
   * @param place Its row of the encoder's cache.
   * @param starts Position of the first token of each token's patch, [S], for an encoder that sees only it; else undefined.
   * @returns Encoder states [S, E, D], and the entropies [S] of the tokens that follow if the boundary head predicts them.
   */
  async readTokens(
    cache: StackCache,
    place: number,
    tokens: Int32Array,
    starts: Int32Array | undefined,
  ): Promise<{ states: Float32Array; entropies: Float32Array | undefined }> {
    const S = tokens.length;
    const mask = float32([1, 1, S, S], new Float32Array(S * S).fill(masked));
    for (let row = 0; row < S; row++) mask.data.fill(0, row * S + (starts?.[row] ?? 0), row * S + row + 1);
    const inputs = {
      tokens: int32([1, S], tokens),
      table: firstAngles(this.tables.encoder, S, cache.size.headDim),
      mask,
    };
    const results = this.predictsEntropies ? ['states', 'entropies'] : ['states'];
    const outputs = await runInto(this.encoder, inputs, [{ cache, rows: [place], positions: S }], results);
    return {
      states: named(outputs, 'states').data as Float32Array,
      entropies: outputs.entropies?.data as Float32Array | undefined,
    };
  }

  /**
   * Runs the global transformer for class and finished patches of an image, and the decoder for its K given tokens.
   * @param rows Rows [R] of both caches.
   * @param x Inputs of the decoder, [K, D]: the start embedding, and the encoder states of all given tokens but the last.
   * @returns Contexts after the last patch, [R, decoder layers, D].
   */
  async readPatches(
    caches: { readonly global: StackCache; readonly decoder: StackCache },
    rows: Int32Array,
    x: Float32Array,
    { inputs, contextOfToken, classes }: PrefillPatches,
  ): Promise<Float32Array> {
    const { dim: D, nLocalEncoderLayers: E } = this.config;
    const { headDim } = caches.global.size;
    const M = inputs.isClass.length;
    const P = inputs.slotMask.length / M;
    const [R, K] = [rows.length, contextOfToken.length];
    const contextRows = Int32Array.from(
      { length: R * K },
      (_, i) => Math.floor(i / K) * M + (contextOfToken[i % K] as number),
    );
    const all = {
      classes: float32([R, D], classes),
      isClass: bool([M, 1], inputs.isClass),
      states: float32([M, E * P * D], inputs.states),
      slotMask: bool([M, 1, P], inputs.slotMask),
      globalTable: float32([1, M, headDim / 2, 2], scaledTable(inputs.table, headDim)),
      x: float32([1, K, D], x),
      table: firstAngles(this.tables.decoder, K, headDim),
      contextRows: int32([R, K], contextRows),
      lastRows: int32(
        [R],
        consecutive(0, R).map((row) => row * M + M - 1),
      ),
    };
    const writes = [
      { cache: caches.global, rows, positions: M, names: ['globalKeys', 'globalValues'] },
      { cache: caches.decoder, rows, positions: K, names: ['decoderKeys', 'decoderValues'] },
    ] as const;
    const outputs = await runInto(this.rest, all, writes, ['contexts']);
    return named(outputs, 'contexts').data as Float32Array;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.encoder.dispose(), this.rest.dispose()]);
  }
}

/** Global transformer and decoder: contexts after the last patch, and the keys and values of both. */
function globalAndDecoder<T>(ops: Ops<T>, config: DparConfig, inputs: Tensors<T>): Record<string, T> {
  const D = config.dim;
  const [M = 0] = ops.shapeOf(named(inputs, 'slotMask'));
  const [R = 0, K = 0] = ops.shapeOf(named(inputs, 'contextRows'));
  const patches = ops.reshape(embeddedPatches(ops, config, inputs), [1, M, D]);
  const isClass = ops.reshape(named(inputs, 'isClass'), [1, M, 1]);
  const sequence = ops.select(isClass, ops.reshape(named(inputs, 'classes'), [R, 1, D]), patches); // [R, M, D]
  const global = globalPrefill(ops, config, inputs, {
    x: sequence,
    table: named(inputs, 'globalTable'),
    mask: causalMask(ops, M),
  });
  const contexts = global.contexts.map((context) => ops.reshape(context, [R * M, D]));
  const decoder = decoderPrefill(
    ops,
    config,
    inputs,
    {
      x: ops.broadcast(named(inputs, 'x'), [R, K, D]),
      table: named(inputs, 'table'),
      mask: causalMask(ops, K),
    },
    contexts.map((context) => ops.takeRows(context, named(inputs, 'contextRows'))),
  );
  return {
    contexts: ops.concat(
      contexts.map((context) => ops.takeRows(context, named(inputs, 'lastRows'))),
      1,
    ),
    globalKeys: ops.concat(global.keys, 1),
    globalValues: ops.concat(global.values, 1),
    decoderKeys: ops.concat(decoder.keys, 1),
    decoderValues: ops.concat(decoder.values, 1),
  };
}
