import {
  additiveMask,
  type DecodeResult,
  type DecodeStep,
  floats,
  type GraphInput,
  type GridConfig,
  gridRotaryData,
  integers,
  scaledTable,
} from '@dpar/nn';
import { float32, named, type Ops, type Tensors } from '@dpar/tensor';

/** Sizes of the caches of a transformer. */
export interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
}

const kinds = ['key', 'value'] as const;
const past = (layer: number, kind: string): string => `past_key_values.${layer}.${kind}`;
const present = (layer: number, kind: string): string => `present.${layer}.${kind}`;

/** Inputs of a step for its caches. @param most Positions of a whole image. */
export function cacheInputs({ layers, heads, headDim }: CacheShape, most: number): Record<string, GraphInput> {
  const inputs: Record<string, GraphInput> = {
    positions: integers(
      ['batch'],
      'positions of each row that are cached so far: 0 at the first step. The step writes this position',
    ),
  };
  const meaning =
    `cached keys or values of one layer: room for cache_positions positions, at most ${most} are needed. ` +
    'Zeros at first, then the output present.* of the step before';
  for (let layer = 0; layer < layers; layer++) {
    for (const kind of kinds) inputs[past(layer, kind)] = floats(['batch', heads, 'cache_positions', headDim], meaning);
  }
  return inputs;
}

/** Outputs of a step for its caches. */
export function cacheOutputs({ layers }: CacheShape): Record<string, string> {
  const outputs: Record<string, string> = {};
  for (let layer = 0; layer < layers; layer++) {
    for (const kind of kinds) outputs[present(layer, kind)] = 'the cache with the new position, for the next step';
  }
  return outputs;
}

/** Caches of a step, with the positions of its rows. R rows, L positions of room. */
interface Caches<T> extends Omit<DecodeStep<T>, 'x'> {
  /** int32 [R] */
  readonly positions: T;
}

/**
 * Caches of a step.
 * @param table Rotary angles of each row's position, [R, headDim], scaled
 * @param first First visible position of each row, int32 [R]; by default 0.
 */
export function cachesOf<T>(ops: Ops<T>, inputs: Tensors<T>, shape: CacheShape, table: T, first?: T): Caches<T> {
  const { layers, headDim } = shape;
  const positions = named(inputs, 'positions');
  const [R = 0, , L = 0] = ops.shapeOf(named(inputs, past(0, 'key')));
  const column = (x: T): T => ops.reshape(x, [R, 1, 1, 1]);
  const places = ops.reshape(ops.range(L), [1, 1, 1, L]);
  const written = ops.less(places, column(positions)); // [R, 1, 1, L]
  const seen = first === undefined ? written : ops.and(written, ops.lessEqual(column(first), places));
  return {
    positions,
    table: ops.reshape(table, [R, 1, headDim / 2, 2]),
    mask: additiveMask(ops, seen),
    caches: Array.from({ length: layers }, (_, layer) => ({
      keys: named(inputs, past(layer, 'key')),
      values: named(inputs, past(layer, 'value')),
    })),
  };
}

/** Scaled rows of a rotary table at some positions, [R, headDim]. */
export function gridAngles<T>(ops: Ops<T>, config: GridConfig, positions: T): T {
  const headDim = config.dim / config.nHead;
  const { shape, data } = gridRotaryData(config);
  return ops.takeRows(ops.constant(float32([shape[1] ?? 0, headDim], scaledTable(data, headDim))), positions);
}

/**
 * Caches with the new position of a step.
 * @param active bool [R]: rows whose caches change; by default all.
 */
export function presentCaches<T>(
  ops: Ops<T>,
  { caches, positions }: Caches<T>,
  { keys, values }: Pick<DecodeResult<T>, 'keys' | 'values'>,
  active?: T,
): Record<string, T> {
  const outputs: Record<string, T> = {};
  caches.forEach((cache, layer) => {
    const [R = 0, H = 0, L = 0, headDim = 0] = ops.shapeOf(cache.keys);
    const places = ops.reshape(ops.range(L), [1, 1, L, 1]);
    const here = ops.equal(places, ops.reshape(positions, [R, 1, 1, 1])); // [R, 1, L, 1]
    const written = active === undefined ? here : ops.and(here, ops.reshape(active, [R, 1, 1, 1]));
    const put = (added: T, before: T): T => ops.select(written, ops.reshape(added, [R, H, 1, headDim]), before);
    outputs[present(layer, 'key')] = put(keys[layer] as T, cache.keys);
    outputs[present(layer, 'value')] = put(values[layer] as T, cache.values);
  });
  return outputs;
}
