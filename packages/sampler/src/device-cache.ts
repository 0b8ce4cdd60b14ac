import {
  type CompiledFunction,
  type DeviceTensor,
  type Engine,
  float32,
  type HostTensor,
  int32,
  named,
  type Ops,
  type Tensors,
} from '@dpar/tensor';
import { type CacheSize, cacheName, type NewPositions, type RowRange, StackCache } from './cache.js';

/** Inputs of {@link written}, beside the caches. C cached sequences, R new rows, S positions, L positions of room. */
interface Written<T> {
  /** [R, layers, H, S, headDim] */
  readonly newKeys: T;
  /** [R, layers, H, S, headDim] */
  readonly newValues: T;
  /** bool [C, 1, L, 1]: positions that change. */
  readonly changes: T;
  /** int32 [C, 1]: the new row of each sequence. With several positions, int32 [C, L]: row * S + position of each position. */
  readonly sources: T;
}

const parts = ['keys', 'values'] as const;

/** Functions that change caches in the memory of an engine, compiled once for all caches of some stages. */
export class DeviceCacheWriter {
  private readonly writeOne: CompiledFunction;
  private readonly writeSeveral: CompiledFunction;
  private readonly widen: CompiledFunction;

  /** @param layers Largest number of layers of a cache. */
  constructor(engine: Engine, layers: number) {
    const cache = { 0: 'sequences', 2: 'positions' };
    const added = { 0: 'rows' };
    const names = Array.from({ length: layers }, (_, layer) => parts.map((part) => cacheName(part, layer))).flat();
    this.writeOne = engine.compile(written, {
      dynamicAxes: {
        ...Object.fromEntries(names.map((name) => [name, cache])),
        newKeys: added,
        newValues: added,
        changes: cache,
        sources: { 0: 'sequences' },
      },
    });
    this.writeSeveral = engine.compile(written);
    this.widen = engine.compile(function widenCaches(ops, { wider, ...caches }) {
      const [, , room = 0] = ops.shapeOf(wider as NonNullable<typeof wider>);
      return Object.fromEntries(
        Object.entries(caches).map(([name, x]) => [name, ops.pad(x, 2, 0, room - (ops.shapeOf(x)[2] ?? 0))]),
      );
    });
  }

  /** Caches with more room: [C, H, room, headDim]. */
  async widened(caches: Tensors<HostTensor | DeviceTensor>, room: number): Promise<Tensors<DeviceTensor>> {
    // The room is the size of an input, on which signatures depend.
    return this.widen.runOnDevice({ ...caches, wider: float32([1, 1, room, 1]) });
  }

  async written(
    caches: Tensors<HostTensor | DeviceTensor>,
    inputs: Written<HostTensor | DeviceTensor>,
    positions: number,
  ): Promise<Tensors<DeviceTensor>> {
    return (positions === 1 ? this.writeOne : this.writeSeveral).runOnDevice({ ...caches, ...inputs });
  }

  async dispose(): Promise<void> {
    await Promise.all([this.writeOne, this.writeSeveral, this.widen].map((each) => each.dispose()));
  }
}

/** Caches with new positions. */
function written<T>(ops: Ops<T>, inputs: Tensors<T>): Record<string, T> {
  const [changes, sources] = [named(inputs, 'changes'), named(inputs, 'sources')];
  const [C = 0, H = 0, , headDim = 0] = ops.shapeOf(named(inputs, cacheName('keys', 0)));
  const caches: Record<string, T> = {};
  for (const part of parts) {
    const added = named(inputs, part === 'keys' ? 'newKeys' : 'newValues');
    let layers = 0;
    while (inputs[cacheName(part, layers)] !== undefined) layers++;
    const width = layers * H * headDim;
    const size = ops.shapeOf(added).reduce((product, each) => product * each, 1);
    const [R = 1] = ops.shapeOf(added);
    const S = size / (R * width);
    const rows = ops.transpose(ops.reshape(added, [R, layers * H, S, headDim]), [0, 2, 1, 3]);
    const taken = ops.takeRows(ops.reshape(rows, [R * S, width]), sources); // [C, 1 or L, width]
    const places = ops.shapeOf(sources)[1] ?? 1;
    const heads = ops.transpose(ops.reshape(taken, [C, places, layers * H, headDim]), [0, 2, 1, 3]);
    ops.split(heads, 1, new Array<number>(layers).fill(H)).forEach((layer, i) => {
      const name = cacheName(part, i);
      caches[name] = ops.select(changes, layer, named(inputs, name));
    });
  }
  return caches;
}

/**
 * Cache in the memory of an engine. A step changes a position of each sequence by writing all tensors anew, because tensors of
 * an engine do not change. Only numbers of positions come from the host.
 */
export class DeviceCache extends StackCache<DeviceTensor> {
  readonly isOnDevice = true;
  private tensors: Tensors<HostTensor | DeviceTensor>;

  constructor(
    size: CacheSize,
    private readonly writer: DeviceCacheWriter,
  ) {
    super(size, new Float32Array(size.rows * size.positions));
    // The first step copies these to the engine.
    const empty = float32([size.rows, size.heads, this.room, size.headDim]);
    const names = Array.from({ length: size.layers }, (_, layer) => parts.map((part) => cacheName(part, layer))).flat();
    this.tensors = Object.fromEntries(names.map((name) => [name, empty]));
  }

  override inputs(): Tensors<HostTensor | DeviceTensor> {
    return { ...this.tensors, mask: this.maskOf(this.rangeOf()) };
  }

  /** All rows, because a part of a tensor would be copied. */
  override rangeOf(): RowRange {
    return { first: 0, count: this.size.rows };
  }

  override async append(
    { keys: newKeys, values: newValues }: NewPositions<DeviceTensor>,
    rows: ArrayLike<number>,
    positions = 1,
  ): Promise<void> {
    const room = this.roomWith(rows, positions);
    if (room > this.room) {
      this.replace(await this.writer.widened(this.tensors, room));
      this.setRoom(room);
    }
    const C = this.size.rows;
    const L = this.room;
    const changes = new Uint8Array(C * L);
    const sources = new Int32Array(positions === 1 ? C : C * L);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      const begin = row * L + (this.lengths[row] as number);
      changes.fill(1, begin, begin + positions);
      if (positions === 1) sources[row] = i;
      else for (let s = 0; s < positions; s++) sources[begin + s] = i * positions + s;
    }
    const inputs = {
      newKeys,
      newValues,
      changes: { dtype: 'bool', shape: [C, 1, L, 1], data: changes },
      sources: int32([C, sources.length / C], sources),
    } as const;
    this.replace(await this.writer.written(this.tensors, inputs, positions));
    this.advance(rows, positions);
  }

  override dispose(): void {
    this.replace({});
  }

  /** `append` has made the tensors wider. */
  protected override resize(): void {}

  /** All of it: an empty cache is soon full again. */
  protected override roomToKeep(): number {
    return this.room;
  }

  private replace(tensors: Tensors<DeviceTensor>): void {
    const before = this.tensors;
    this.tensors = tensors;
    for (const tensor of Object.values(before)) if (!('data' in tensor)) tensor.dispose();
  }
}
