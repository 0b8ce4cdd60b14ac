import { createOrtEngine } from '@dpar/engine-ort';
import { fixturePath } from '@dpar/fixtures';
import { readCheckpoint } from '@dpar/io/node';
import { createRandom, int32 } from '@dpar/tensor';
import { afterAll, expect, it } from 'vitest';
import { readVqConfig } from './config.js';
import { createVq } from './tokenizer.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());
const { config: json, parameters } = await readCheckpoint(fixturePath('vq'));
const config = readVqConfig(json);
it('is near', async () => {
  const random = createRandom(3);
  const codes = int32(
    [1, 24, 20],
    Int32Array.from({ length: 480 }, () => random.integer(64)),
  );
  const whole = createVq(engine, config, parameters);
  const images = await whole.decode(codes);
  const spread = Math.sqrt(images.data.reduce((sum, value) => sum + value * value, 0) / images.data.length);
  const enc = await whole.encode(images);
  for (const o of [
    [8, 0],
    [8, 2],
    [8, 4],
    [16, 0],
    [16, 4],
    [16, 8],
  ]) {
    const tiled = createVq(engine, config, parameters, { tilePixels: o[0]! * 4, overlapPixels: o[1]! * 4 });
    const { data } = await tiled.decode(codes);
    const squares = data.reduce((sum, value, i) => sum + (value - (images.data[i] as number)) ** 2, 0);
    const e = await tiled.encode(images);
    console.log(
      o,
      Math.sqrt(squares / data.length),
      spread,
      e.data.filter((v, i) => v === enc.data[i]).length / enc.data.length,
    );
  }
});
