import { type Primitive, sizeOf, type WeightFormat } from '@dpar/tensor';
import { largestHalf } from '../onnx/half.js';
import type { DynamicSizes } from './dynamic-sizes.js';
import type { GraphNode, OperationNode } from './node.js';

/**
 * Nodes of a graph that compute in float16. The others compute in float32, with casts between.
 *
 * A cast reads and writes six bytes for each element. A product in float16 saves half of the arithmetic, and reads two bytes
 * in place of four. So products with little arithmetic for each element stay in float32: those of one query with a cache,
 * of few patches, and the sums in gradients of norms. What lies between two products is cast once if it stays in float16 too:
 * a SwiGLU then takes 10 bytes for each element in place of 42. That holds for layout, and for arithmetic whose result goes
 * to products only. Everything else needs range or precision: residual sums, norms, softmax and losses, rotary tables, masks.
 */
export function nodesInHalf(
  nodes: readonly GraphNode[],
  { outputs, dynamic, weights }: HalfOptions,
): ReadonlySet<GraphNode> {
  const consumers = new Map<GraphNode, OperationNode[]>();
  for (const node of nodes) {
    if (node.kind !== 'operation') continue;
    for (const input of node.inputs) consumers.set(input, [...(consumers.get(input) ?? []), node]);
  }
  const fits = rememberFits();
  const products = new Set<GraphNode>();
  // Nodes whose values are in float16 without a cast.
  const made = new Set<GraphNode>();
  const isMade = (node: GraphNode): boolean => made.has(node) || (node.kind === 'constant' && fits(node));
  for (const node of nodes) {
    if (node.kind !== 'operation') continue;
    if (isProduct(node, { dynamic, weights, fits })) products.add(node);
    if (products.has(node) || (isBetween(node) && node.inputs.every(isMade))) made.add(node);
  }
  // Nodes whose values only float16 reads.
  const wanted = new Set<GraphNode>();
  for (const node of nodes.toReversed()) {
    const readers = consumers.get(node);
    if (readers === undefined || outputs.has(node)) continue;
    const inHalf = (reader: OperationNode): boolean =>
      products.has(reader) ||
      (wanted.has(reader) && (layout.has(reader.primitive) || (arithmetic.has(reader.primitive) && made.has(reader))));
    if (readers.every(inHalf)) wanted.add(node);
  }
  const half = new Set<GraphNode>();
  const isHalf = (node: GraphNode): boolean => half.has(node) || (node.kind === 'constant' && fits(node));
  for (const node of nodes) {
    if (node.kind !== 'operation') continue;
    const fromHalf = node.inputs.every(isHalf);
    const between =
      (layout.has(node.primitive) && node.type.dtype === 'float32' && (fromHalf || wanted.has(node))) ||
      (arithmetic.has(node.primitive) && fromHalf && wanted.has(node));
    if (products.has(node) || between) half.add(node);
  }
  return half;
}

/** Settings of {@link nodesInHalf}. */
export interface HalfOptions {
  /** Nodes that are outputs of the function. */
  readonly outputs: ReadonlySet<GraphNode>;
  readonly dynamic: DynamicSizes;
  /** Format of constant matrices. Quantised products stay in float32. */
  readonly weights: WeightFormat;
}

/** Primitives that move elements. */
const layout: ReadonlySet<Primitive> = new Set<Primitive>(['reshape', 'transpose', 'slice', 'concat', 'pad']);

/** Elementwise primitives that lose no more than one rounding. */
const arithmetic: ReadonlySet<Primitive> = new Set<Primitive>([
  'add',
  'sub',
  'mul',
  'neg',
  'maximum',
  'sigmoid',
  'silu',
]);

function isBetween({ primitive, type }: OperationNode): boolean {
  return type.dtype === 'float32' && (layout.has(primitive) || arithmetic.has(primitive));
}

/** Fewest multiplications for each element of an operand and of the result. Below, casts cost more than float16 saves. */
const leastReuse = 32;

/**
 * Most terms that a kernel adds in float16. ONNX Runtime's kernels for WebGPU keep sums in the type of the operands. The error
 * grows with the root of the number of terms, and a sum that is 2048 times its terms stops growing.
 */
export const longestSum = 512;

interface ProductOptions {
  readonly dynamic: DynamicSizes;
  readonly weights: WeightFormat;
  readonly fits: (node: GraphNode) => boolean;
}

/** True for a product that computes in float16. */
function isProduct(node: OperationNode, { dynamic, weights, fits }: ProductOptions): boolean {
  const multiplications = multiplicationsOf(node);
  if (multiplications === undefined) return false;
  const terms = multiplications / sizeOf(node.type.shape);
  if (terms > longestSum && !isCut(node, terms, dynamic)) return false;
  if (!node.inputs.every((input) => input.kind !== 'constant' || fits(input))) return false;
  if (weights !== 'float32' && node.inputs.some(({ kind }) => kind === 'constant')) return false;
  const cast = [...node.inputs.filter(({ kind }) => kind !== 'constant'), node];
  return cast.every(({ type }) => multiplications / sizeOf(type.shape) >= leastReuse);
}

/** Number of multiplications of a product. Undefined for other operations. */
function multiplicationsOf({ primitive, inputs, attributes, type }: OperationNode): number | undefined {
  const [a, b] = inputs.map((input) => input.type.shape);
  if (a === undefined || b === undefined) return undefined;
  switch (primitive) {
    case 'matmul':
      return sizeOf(type.shape) * (a.at(attributes.transposeA ? -2 : -1) as number);
    case 'conv2d': // [B, I, H, W] by [O, I, h, w]
      return (sizeOf(type.shape) * sizeOf(b)) / (b[0] as number);
    // Gradients of convolutions stay in float32: tokenizers are not trained in float16.
    default:
      return undefined;
  }
}

/** True if the emitter cuts a long sum into parts. */
function isCut(node: OperationNode, terms: number, dynamic: DynamicSizes): boolean {
  const [left, right] = node.inputs.map((input) => input.type.shape);
  if (node.primitive === 'conv2d') {
    const [, I = 1, h = 1, w = 1] = right ?? [];
    return partsOf(I, h * w) !== undefined;
  }
  if (node.primitive !== 'matmul' || right?.length !== 2) return false;
  const { transposeA, transposeB } = node.attributes;
  if (dynamic.isOpen(terms)) return left?.length === 2 && transposeA && !transposeB;
  return partsOf(terms) !== undefined && (left?.length === 2 || !transposeA);
}

/**
 * Number of equal parts of a sum, none longer than {@link longestSum}. Undefined if they would be short.
 * @param items Items of the sum, which are not cut.
 * @param each Terms of an item.
 */
export function partsOf(items: number, each = 1): number | undefined {
  const least = Math.ceil((items * each) / longestSum);
  for (let parts = least; parts <= 4 * least; parts++) if (items % parts === 0) return parts;
  return undefined;
}

/** Tests if all elements of a constant are in the range of float16. Infinities are not. */
function rememberFits(): (node: GraphNode) => boolean {
  const known = new Map<GraphNode, boolean>();
  return (node) => {
    if (node.kind !== 'constant' || node.type.dtype !== 'float32') return false;
    const found = known.get(node) ?? node.value.data.every((value) => Math.abs(value) <= largestHalf);
    known.set(node, found);
    return found;
  };
}
