import { named, type Ops, type Tensors } from '@dpar/tensor';

/** Added to variances. */
const epsilon = 1e-6;

/** Parameters of one part of the network, by name. */
export type Named<T> = (name: string) => T;

/** Parameters below a prefix, by the rest of their names. */
export function below<T>(parameters: Tensors<T>, prefix: string): Named<T> {
  return (name) => named(parameters, `${prefix}.${name}`);
}

/** Convolution with bias `[O]`: x [B, I, H, W] -> [B, O, H, W], padded with zeros. */
export function convolution<T>(ops: Ops<T>, p: Named<T>, x: T): T {
  const weight = p('weight'); // [O, I, k, k]
  const [, , k = 1] = ops.shapeOf(weight);
  const border = (k - 1) / 2;
  return withBias(ops, p, ops.conv2d(x, weight, { padding: [border, border, border, border] }));
}

/** Halves width and height by a convolution of stride 2, padded with zeros at the right and at the bottom. */
export function downsample<T>(ops: Ops<T>, p: Named<T>, x: T): T {
  return withBias(ops, p, ops.conv2d(x, p('weight'), { stride: 2, padding: [0, 0, 1, 1] }));
}

function withBias<T>(ops: Ops<T>, p: Named<T>, x: T): T {
  return ops.add(x, ops.reshape(p('bias'), [-1, 1, 1]));
}

/** A network of layers on an engine. */
export interface Network<T> {
  readonly ops: Ops<T>;
  readonly parameters: Tensors<T>;
  /** Groups of channels of its norms; they divide the channels of all layers. 0: no norms. */
  readonly groups: number;
}

/** Group norm with the weight and bias of a layer, if the network has norms: x [B, C, H, W]. */
export function groupNorm<T>({ ops, parameters, groups }: Network<T>, prefix: string, x: T): T {
  if (groups === 0) return x;
  const p = below(parameters, prefix);
  return ops.groupNorm(x, p('weight'), p('bias'), { groups, epsilon });
}

/** conv(silu(norm(x))) */
function normedConvolution<T>(network: Network<T>, norm: string, conv: string, x: T): T {
  const { ops, parameters } = network;
  return convolution(ops, below(parameters, conv), ops.silu(groupNorm(network, norm, x)));
}

/** x + conv2(silu(norm2(conv1(silu(norm1(x)))))); where the channels change, a 1x1 convolution brings x to the new ones. */
export function residualBlock<T>(network: Network<T>, prefix: string, x: T): T {
  const { ops, parameters } = network;
  const first = normedConvolution(network, `${prefix}.norm1`, `${prefix}.conv1`, x);
  const second = normedConvolution(network, `${prefix}.norm2`, `${prefix}.conv2`, first);
  const changed = ops.shapeOf(x)[1] !== ops.shapeOf(second)[1];
  return ops.add(changed ? convolution(ops, below(parameters, `${prefix}.nin_shortcut`), x) : x, second);
}

/** Maximum number of queries at a time, which bounds the memory of attention scores. */
const queriesAtATime = 4096;

/** x + attention of one head of all C channels among all pixels of norm(x): x [B, C, H, W]. */
export function attentionBlock<T>(network: Network<T>, prefix: string, x: T): T {
  const { ops, parameters } = network;
  const part = (name: string): Named<T> => below(parameters, `${prefix}.${name}`);
  const [B = 0, C = 0, H = 0, W = 0] = ops.shapeOf(x);
  const normed = groupNorm(network, `${prefix}.norm`, x);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => ops.reshape(convolution(ops, part(name), normed), [B, C, H * W])) as [
    T,
    T,
    T,
  ];
  const attend = (queries: T): T => {
    const weights = ops.softmax(ops.matmul(queries, k, { transposeA: true, scale: C ** -0.5 })); // [B, n, HW]
    return ops.matmul(v, weights, { transposeB: true }); // [B, C, n]
  };
  const mixed = H * W <= queriesAtATime ? attend(q) : ops.concat(inPieces(ops, q, queriesAtATime).map(attend), -1);
  return ops.add(x, convolution(ops, part('proj_out'), ops.reshape(mixed, [B, C, H, W])));
}

/** Parts of the last axis, of at most `size`. */
function inPieces<T>(ops: Ops<T>, x: T, size: number): T[] {
  const total = ops.shapeOf(x).at(-1) ?? 0;
  const sizes = Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size));
  return ops.split(x, -1, sizes);
}

/** Residual block, attention, residual block. */
export function middle<T>(network: Network<T>, prefix: string, x: T): T {
  const first = residualBlock(network, `${prefix}.0`, x);
  return residualBlock(network, `${prefix}.2`, attentionBlock(network, `${prefix}.1`, first));
}

/** Last layers of encoder and decoder: norm, silu, convolution. */
export function head<T>(network: Network<T>, prefix: string, x: T): T {
  return normedConvolution(network, `${prefix}.norm_out`, `${prefix}.conv_out`, x);
}
