import { checkParameters } from '@dpar/nn';
import {
  DparError,
  type Engine,
  formatType,
  type HostTensor,
  hostTensor,
  named,
  sameShape,
  type Tensors,
} from '@dpar/tensor';
import type { ImageTokenizer } from '../image-tokenizer.js';
import { gridSizeOf, type PatchVqConfig } from './config.js';
import { patchVqDecode, patchVqEncode, patchVqSpecs } from './model.js';

/** Images that one call of the engine takes, so that memory stays bounded. */
const chunk = 64;

/**
 * A patch VQ tokenizer that runs on an engine.
 * @throws DparError if the parameters are not those of the configuration.
 */
export function createPatchVq(engine: Engine, config: PatchVqConfig, parameters: Tensors<HostTensor>): ImageTokenizer {
  checkParameters(patchVqSpecs(config), parameters);
  const gridSize = gridSizeOf(config);
  const { imageSize, codebookSize } = config;
  const constants = { constants: parameters };
  const encoder = engine.compile(
    (ops, inputs) => ({ y: patchVqEncode(ops, config, inputs, named(inputs, 'x')) }),
    constants,
  );
  const decoder = engine.compile(
    (ops, inputs) => ({ y: patchVqDecode(ops, config, inputs, named(inputs, 'x')) }),
    constants,
  );

  const checkShape = (what: string, tensor: HostTensor, dtype: HostTensor['dtype'], shape: readonly number[]) => {
    if (tensor.dtype === dtype && sameShape(tensor.shape.slice(1), shape)) return;
    throw new DparError(`${what}: expected ${dtype}[B, ${shape.join(', ')}], got ${formatType(tensor)}.`);
  };

  return {
    codebookSize,
    gridSize,
    imageSize,
    async encode(images) {
      checkShape('encode', images, 'float32', [3, imageSize, imageSize]);
      const codes = hostTensor('int32', [images.shape[0] ?? 0, gridSize * gridSize]);
      await inChunks(images, codes, (x) => encoder.run({ x }));
      return codes;
    },
    async decode(codes) {
      checkShape('decode', codes, 'int32', [gridSize * gridSize]);
      const outside = codes.data.find((code) => code < 0 || code >= codebookSize);
      if (outside !== undefined) {
        throw new DparError(`decode: expected codes in 0..${codebookSize - 1}, got ${outside}.`);
      }
      const images = hostTensor('float32', [codes.shape[0] ?? 0, 3, imageSize, imageSize]);
      await inChunks(codes, images, (x) => decoder.run({ x }));
      return images;
    },
    async dispose() {
      await encoder.dispose();
      await decoder.dispose();
    },
  };
}

/** Runs a function over the first axis, a chunk at a time, and collects its output `y` in `target`. */
async function inChunks(
  source: HostTensor,
  target: HostTensor,
  run: (part: HostTensor) => Promise<Tensors<HostTensor>>,
): Promise<void> {
  const [B = 0, ...rest] = source.shape;
  const width = source.data.length / Math.max(1, B);
  const targetWidth = target.data.length / Math.max(1, B);
  for (let start = 0; start < B; start += chunk) {
    const rows = Math.min(chunk, B - start);
    const part = source.data.subarray(start * width, (start + rows) * width);
    const outputs = await run(hostTensor(source.dtype, [rows, ...rest], part));
    target.data.set(named(outputs, 'y').data, start * targetWidth);
  }
}
