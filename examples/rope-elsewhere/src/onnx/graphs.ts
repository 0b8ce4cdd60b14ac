import { encode, type Node } from './format.js';

/**
 * Model that rotates queries or keys by a table of `@dpar/rope`, with operators of all ONNX versions.
 * Inputs: `x` [B, positions, heads, headDim] and `table` [1 or B, positions, headDim / 2, 2]; output: `rotated`, as x.
 */
export function rotationModel(pairs: 'interleaved' | 'half-split'): Uint8Array {
  const node = (op: string, inputs: string, outputs: string, attributes: Node['attributes'] = {}): Node => ({
    op,
    inputs: inputs.split(' '),
    outputs: outputs.split(' '),
    attributes,
  });
  const interleaved = pairs === 'interleaved';
  return encode({
    opset: 18,
    inputs: { x: ['B', 'P', 'H', 'D'], table: ['tables', 'P', 'pairs', 2] },
    outputs: { rotated: ['B', 'P', 'H', 'D'] },
    constants: { zero: 0, one: 1, heads: [2], ...(interleaved ? { last: [-1], inPairs: [0, 0, 0, -1, 2] } : {}) },
    nodes: [
      // (cos, sin) of each pair, the same for all heads: [1 or B, P, 1, D / 2]
      node('Gather', 'table zero', 'cosines', { axis: 3 }),
      node('Gather', 'table one', 'sines', { axis: 3 }),
      node('Unsqueeze', 'cosines heads', 'cos'),
      node('Unsqueeze', 'sines heads', 'sin'),
      // (a, b) of each pair: [B, P, H, D / 2]
      ...(interleaved
        ? [
            node('Reshape', 'x inPairs', 'couples'),
            node('Gather', 'couples zero', 'a', { axis: 4 }),
            node('Gather', 'couples one', 'b', { axis: 4 }),
          ]
        : [node('Split', 'x', 'a b', { axis: -1, num_outputs: 2 })]),
      // a cos - b sin, a sin + b cos
      node('Mul', 'a cos', 'aCos'),
      node('Mul', 'b sin', 'bSin'),
      node('Mul', 'a sin', 'aSin'),
      node('Mul', 'b cos', 'bCos'),
      node('Sub', 'aCos bSin', 'first'),
      node('Add', 'aSin bCos', 'second'),
      ...(interleaved
        ? [
            node('Unsqueeze', 'first last', 'firsts'),
            node('Unsqueeze', 'second last', 'seconds'),
            node('Concat', 'firsts seconds', 'turned', { axis: -1 }),
            node('Shape', 'x', 'shape'),
            node('Reshape', 'turned shape', 'rotated'),
          ]
        : [node('Concat', 'first second', 'rotated', { axis: -1 })]),
    ],
  });
}

/**
 * The same model with the operator of ONNX operator set 23. Inputs: `x` [B, positions, heads headDim],
 * `cos` and `sin` [B, positions, headDim / 2], a table for each of the B; output: `rotated`, as x.
 */
export function rotaryEmbeddingModel(heads: number, pairs: 'interleaved' | 'half-split'): Uint8Array {
  return encode({
    opset: 23,
    inputs: { x: ['B', 'P', 'width'], cos: ['B', 'P', 'pairs'], sin: ['B', 'P', 'pairs'] },
    outputs: { rotated: ['B', 'P', 'width'] },
    constants: {},
    nodes: [
      {
        op: 'RotaryEmbedding',
        inputs: ['x', 'cos', 'sin'],
        outputs: ['rotated'],
        attributes: { num_heads: heads, interleaved: Number(pairs === 'interleaved') },
      },
    ],
  });
}
