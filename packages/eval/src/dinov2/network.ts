import { DparError, float32, type HostTensor, named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type Dinov2Config, dinov2ConfigKinds, dinov2Parameters, headWidth, patchSize } from './config.js';
import { officialNames } from './names.js';
import { interpolatePositions } from './positions.js';

/** Name of the constant of {@link dinov2Constants} that holds what is added to the tokens. */
const startName = 'start';

/** Constant that the network's layer norms add to variances. */
const epsilon = 1e-6;

/**
 * Parameters of {@link dinov2} for images of one size. The class token, the registers and the positions become one constant
 * `start` [1, 1 + R + N, D], which is added to the embeddings of the N patches behind 1 + R zeros.
 *
 * @param parameters By the official names, or those of Hugging Face.
 * @param config Size of the network; see `inferDinov2Config`.
 * @param size Width and height of the images in pixels: multiples of 14.
 * @throws DparError if the size is not a multiple of 14.
 */
export function dinov2Constants(
  parameters: Tensors<HostTensor>,
  config: Dinov2Config,
  size: { readonly width: number; readonly height: number },
): Record<string, HostTensor> {
  checkArguments(
    'dinov2Constants',
    { parameters, config, size },
    { parameters: 'object', config: dinov2ConfigKinds, size: { width: 'number', height: 'number' } },
  );
  const { width: D, registers, grid } = config;
  const [rows, columns] = [size.height / patchSize, size.width / patchSize];
  if (![rows, columns].every((count) => Number.isInteger(count) && count >= 1)) {
    throw new DparError(
      `dinov2Constants: expected a width and height that are multiples of ${patchSize} pixels, got ${size.width}x${size.height}. ` +
        'FD-DINOv2 uses 224.',
    );
  }
  const official = officialNames(parameters);
  const positions = named(official, 'pos_embed').data as Float32Array;
  const start = new Float32Array((1 + registers + rows * columns) * D);
  const cls = named(official, 'cls_token').data;
  for (let i = 0; i < D; i++) start[i] = (cls[i] as number) + (positions[i] as number);
  if (registers > 0) start.set(named(official, 'register_tokens').data, D); // without positions
  const ofPatches = interpolatePositions(positions.subarray(D), D, grid, { rows, columns }, registers > 0);
  start.set(ofPatches, (1 + registers) * D);
  const constants: Record<string, HostTensor> = { [startName]: float32([1, start.length / D, D], start) };
  for (const name of dinov2Parameters(config).keys()) {
    if (!['cls_token', 'pos_embed', 'register_tokens'].includes(name)) constants[name] = named(official, name);
  }
  return constants;
}

/**
 * The vision transformer of DINOv2 (Oquab et al. 2023, arXiv:2304.07193). B images, T = 1 + R + N tokens of width D: the class
 * token, R registers and N patches.
 *
 * @param parameters Those of {@link dinov2Constants} for the images' size.
 * @param images [B, 3, height, width], normalised with ImageNet's mean and deviation.
 * @returns The class token after the last norm, [B, D].
 */
export function dinov2<T>(ops: Ops<T>, config: Dinov2Config, parameters: Tensors<T>, images: T): T {
  checkArguments(
    'dinov2',
    { ops, config, parameters, images },
    { ops: 'Ops', config: dinov2ConfigKinds, parameters: 'object', images: 'Tensor' },
  );
  const { width: D, depth, feedForward, registers } = config;
  const at = (name: string): T => named(parameters, name);
  const layer = (x: T, name: string): T =>
    ops.add(ops.matmul(x, at(`${name}.weight`), { transposeB: true }), at(`${name}.bias`));
  const norm = (x: T, name: string): T => {
    const centred = ops.sub(x, ops.mean(x, { axes: [-1], keepDims: true }));
    return ops.add(ops.rmsNorm(centred, at(`${name}.weight`), epsilon), at(`${name}.bias`));
  };

  const map = ops.conv2d(images, at('patch_embed.proj.weight'), { stride: patchSize }); // [B, D, rows, columns]
  const [B = 0, , rows = 0, columns = 0] = ops.shapeOf(map);
  const patches = ops.transpose(ops.reshape(map, [B, D, rows * columns]), [0, 2, 1]); // [B, N, D]
  const embedded = ops.pad(ops.add(patches, at('patch_embed.proj.bias')), 1, 1 + registers, 0); // [B, T, D]
  let x = ops.add(embedded, at(startName));
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    const attended = layer(
      selfAttention(ops, layer(norm(x, `${block}.norm1`), `${block}.attn.qkv`)),
      `${block}.attn.proj`,
    );
    x = ops.add(x, ops.mul(attended, at(`${block}.ls1.gamma`)));
    const h = norm(x, `${block}.norm2`);
    const fed =
      feedForward === 'mlp'
        ? layer(gelu(ops, layer(h, `${block}.mlp.fc1`)), `${block}.mlp.fc2`)
        : layer(gated(ops, layer(h, `${block}.mlp.w12`)), `${block}.mlp.w3`);
    x = ops.add(x, ops.mul(fed, at(`${block}.ls2.gamma`)));
  }
  return ops.reshape(norm(ops.slice(x, 1, 0, 1), 'norm'), [B, D]);
}

/** Self-attention of queries, keys and values [B, T, 3 D] in heads of 64: [B, T, D]. */
function selfAttention<T>(ops: Ops<T>, qkv: T): T {
  const [B = 0, length = 0, width = 0] = ops.shapeOf(qkv);
  const H = width / 3 / headWidth;
  const heads = ops.transpose(ops.reshape(qkv, [B, length, 3 * H, headWidth]), [0, 2, 1, 3]); // [B, 3 H, T, 64]
  const [q, k, v] = ops.split(heads, 1, [H, H, H]) as [T, T, T];
  const weights = ops.softmax(ops.matmul(q, k, { transposeB: true, scale: headWidth ** -0.5 })); // [B, H, T, T]
  return ops.reshape(ops.transpose(ops.matmul(weights, v), [0, 2, 1, 3]), [B, length, H * headWidth]);
}

/** x/2 (1 + erf(x / sqrt 2)), exact as in PyTorch. */
function gelu<T>(ops: Ops<T>, x: T): T {
  return ops.mul(ops.mul(x, ops.add(ops.erf(ops.mul(x, Math.SQRT1_2)), 1)), 0.5);
}

/** silu of the first half times the second half: [B, T, 2 F] -> [B, T, F]. */
function gated<T>(ops: Ops<T>, x: T): T {
  const half = (ops.shapeOf(x)[2] ?? 0) / 2;
  const [gate, value] = ops.split(x, -1, [half, half]) as [T, T];
  return ops.mul(ops.silu(gate), value);
}
