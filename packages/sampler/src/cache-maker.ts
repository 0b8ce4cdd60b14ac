import type { Engine } from '@dpar/tensor';
import type { CacheSize, StackCache } from './cache.js';
import { DeviceCache, DeviceCacheWriter } from './device-cache.js';
import { HostCache } from './host-cache.js';

/** Makes caches in the memory that an engine computes in: that of the host, or its own. */
export class CacheMaker {
  private readonly writer: DeviceCacheWriter | undefined;
  private readonly shared: boolean;

  /** @param layers Largest number of layers of a cache. */
  constructor(engine: Engine, layers: number) {
    this.writer = engine.hasDeviceMemory ? new DeviceCacheWriter(engine, layers) : undefined;
    this.shared = engine.sharesMemory === true;
  }

  /** Creates an empty cache. */
  create(size: CacheSize): StackCache {
    return this.writer ? new DeviceCache(size, this.writer) : new HostCache(size, { shared: this.shared });
  }

  /** Frees the functions that write caches. */
  async dispose(): Promise<void> {
    await this.writer?.dispose();
  }
}
