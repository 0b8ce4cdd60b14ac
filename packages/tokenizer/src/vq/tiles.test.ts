import { createOrtEngine } from '@dpar/engine-ort';
import { fixturePath } from '@dpar/fixtures';
import { readCheckpoint } from '@dpar/io/node';
import { createRandom, int32 } from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import type { TokenizerOptions } from '../tokenizer-kind.js';
import { vqKind } from './tokenizer.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());
const { config: json, parameters } = await readCheckpoint(fixturePath('vq'));
const config = vqKind.readConfig(json);

const random = createRandom(3);
const grid = int32(
  [1, 24, 20],
  Int32Array.from({ length: 480 }, () => random.integer(64)),
);

describe('images in tiles', { timeout: 30_000 }, () => {
  it('are near the untiled ones, the nearer the larger the tiles, and nearer with overlap', async () => {
    const whole = vqKind.create(engine, config, parameters);
    const images = await whole.decode(grid);
    const codes = await whole.encode(images);
    const power = images.data.reduce((sum, value) => sum + value * value, 0);

    /** Root mean square of what differs, as a share of that of the image, and the share of codes that are the same. */
    const compare = async (options: TokenizerOptions) => {
      const tiled = vqKind.create(engine, config, parameters, options);
      const { data } = await tiled.decode(grid);
      const difference = data.reduce((sum, value, i) => sum + (value - (images.data[i] as number)) ** 2, 0);
      const again = await tiled.encode(images);
      const same = again.data.reduce((sum, code, i) => sum + Number(code === codes.data[i]), 0);
      await tiled.dispose();
      return { error: Math.sqrt(difference / power), same: same / codes.data.length };
    };
    const apart = await compare({ tilePixels: 32, overlapPixels: 0 });
    const small = await compare({ tilePixels: 32, overlapPixels: 16 });
    const large = await compare({ tilePixels: 64 });
    const one = await compare({ tilePixels: 96 });
    // Measured: 0.50, 0.31 and 0.11 of random codes and weights; 0.54, 0.65 and 0.84 of the codes.
    expect(small.error).toBeLessThan(0.75 * apart.error);
    expect(large.error).toBeLessThan(0.5 * small.error);
    expect(large.error).toBeLessThan(0.15);
    expect(small.same).toBeGreaterThan(apart.same);
    expect(large.same).toBeGreaterThan(0.8);
    expect(one).toEqual({ error: 0, same: 1 });
  });
});
