import { writeSafetensors } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { formatType, named } from '@dpar/tensor';
import { vqKind } from '@dpar/tokenizer';
import type { Result } from './command.js';
import type { Context } from './context.js';
import { CommandError } from './errors.js';
import { countOf } from './table.js';
import { readTensors } from './tokens.js';

/**
 * One pass of LlamaGen's tokenizer: reads `image` [B, 3, H, W], writes `latent` [B, D, h, w] (before the nearest codes are
 * looked up), `codes` [B, T] and `decoded` [B, 3, H, W].
 * @throws CommandError if the input has no images.
 */
export async function vqForward(checkpoint: string, input: string, output: string, context: Context): Promise<Result> {
  const { config, parameters } = await loadModel(checkpoint, { kinds: [vqKind] });
  const { image } = await readTensors(input);
  if (image?.dtype !== 'float32' || image.shape.length !== 4) {
    const got = image === undefined ? 'none' : formatType(image);
    throw new CommandError(
      `expected 'image' of type float32[B, 3, H, W] in '${input}', got ${got}. Pass another file.`,
    );
  }
  const engine = await context.engine();
  const [images = 0] = image.shape;
  context.note(`forward: ${countOf(images, 'image')}, vq tokenizer, ${engine.name}`);
  const begin = performance.now();
  const encoded = await engine.compile(vqKind.encodeFunction(config), { constants: parameters }).run({ image });
  context.signal.throwIfAborted();
  const [codes, latent] = [named(encoded, 'codes'), named(encoded, 'latent')];
  const [, , rows = 0, columns = 0] = latent.shape;
  const grid = { dtype: 'int32', shape: [images, rows, columns], data: Int32Array.from(codes.data) } as const;
  const decoder = engine.compile(vqKind.decodeFunction(config), { constants: parameters });
  const decoded = named(await decoder.run({ codes: grid }), 'image');
  const seconds = (performance.now() - begin) / 1000;
  context.signal.throwIfAborted();
  const written = { latent, codes, decoded };
  await writeSafetensors(output, written);
  const shapes = Object.fromEntries(Object.entries(written).map(([name, { shape }]) => [name, shape]));
  return {
    data: { kind: 'vq', images, seconds, engine: engine.name, output, tensors: shapes },
    text: `latent, codes and decoded of ${countOf(images, 'image')} written to ${output}`,
  };
}
