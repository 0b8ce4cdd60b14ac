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

/** A transformer that decodes with cached keys and values: sizes of its caches. */
export interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
}

const kinds = ['key', 'value'] as const;
const past = (layer: number, kind: string): string => `past_key_values.${layer}.${kind}`;
const present = (layer: number, kind: string): string => `present.${layer}.${kind}`;

/** Inputs of a step beside what it reads: positions and caches. */
export function cacheInputs({ layers, heads, headDim }: CacheShape, most: number): Record<string, GraphInput> {
  const caches = Array.from({ length: layers }, (_, layer) => kinds.map((kind) => past(layer, kind))).flat();
  const meaning =
    `cached ${'keys or values'} of one layer: room for cache_positions positions, at most ${most} are needed. ` +
    'Zeros at first, then the output present.* of the step before';
  return {
    positions: integers(
      ['batch'],
      'positions of each row that are cached so far: 0 at the first step. The step writes this position',
    ),
    ...Object.fromEntries(caches.map((name) => [name, floats(['batch', heads, 'cache_positions', headDim], meaning)])),
  };
}

/** Outputs of a step beside its results. */
export function cacheOutputs({ layers }: CacheShape): Record<string, string> {
  const names = Array.from({ length: layers }, (_, layer) => kinds.map((kind) => present(layer, kind))).flat();
  return Object.fromEntries(names.map((name) => [name, 'the cache with the new position, for the next step']));
}

/** What a step knows of the caches. R rows, L positions of room. */
interface Caches<T> extends Omit<DecodeStep<T>, 'x'> {
  /** int32 [R] */
  readonly positions: T;
}

/**
 * The caches of a step.
 * @param table Rotary angles of each row's position, [R, headDim], not scaled yet
 * @param first First position that each row sees, int32 [R]; by default all do see all.
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

/** The rows of a rotary table that are at some positions, [R, headDim], scaled as steps take them. */
export function gridAngles<T>(ops: Ops<T>, config: GridConfig, positions: T): T {
  const headDim = config.dim / config.nHead;
  const { shape, data } = gridRotaryData(config);
  return ops.takeRows(ops.constant(float32([shape[1] ?? 0, headDim], scaledTable(data, headDim))), positions);
}

/**
 * Caches with the position that a step computed.
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
