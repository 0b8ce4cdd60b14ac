import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import type { WeightFormat } from './engine.js';
import { DparError } from './error.js';
import { float32, type HostTensor, type HostTensorOf } from './types.js';

/** Matrix of integers, with a scale for each block of a row. */
export interface QuantizedMatrix {
  /** Rows N. */
  readonly rows: number;
  /** Columns K. */
  readonly columns: number;
  readonly bits: 8 | 4;
  /** Columns that share a scale. The last block of a row may have fewer. */
  readonly blockSize: number;
  /**
   * Codes [N, ceil(K / blockSize), blockSize * bits / 8], row-major. Code c stands for scale * (c - 2^(bits - 1)). The
   * first of two codes in a byte is in the low half. Places after the last column hold the code of zero.
   */
  readonly codes: Uint8Array;
  /** Scales [N, ceil(K / blockSize)]. */
  readonly scales: Float32Array;
}

const quantizedMatrixKinds: KindsOf<QuantizedMatrix> = {
  rows: 'number',
  columns: 'number',
  bits: 'number',
  blockSize: 'number',
  codes: 'Uint8Array',
  scales: 'Float32Array',
  '*': 'any',
};

/** Columns that share a scale. Fewer would take more memory for little precision. */
const blockSizes = { int8: 128, int4: 32 } as const;

/** Bits of a code. */
const codeBits = { int8: 8, int4: 4 } as const;

/** Bytes of one weight in a format, including its share of the scales. */
export function bytesPerWeight(format: WeightFormat): number {
  checkArguments('bytesPerWeight', { format }, { format: "'float32' | 'int8' | 'int4'" });

  return format === 'float32' ? 4 : codeBits[format] / 8 + 4 / blockSizes[format];
}

/**
 * Rounds a matrix [N, K] to integers, symmetrically around zero. The scale of a block is its value of largest magnitude
 * over -2^(bits - 1). That value is then exact and all codes are used, as in ggml's formats `q8_0` and `q4_0`.
 * @throws DparError if it is not a matrix of float32.
 */
export function quantizeMatrix(matrix: HostTensor, format: 'int8' | 'int4'): QuantizedMatrix {
  checkArguments(
    'quantizeMatrix',
    { matrix, format },
    {
      matrix: 'HostTensor',
      format: "'int8' | 'int4'",
    },
  );

  const [rows, columns] = matrix.shape;
  if (matrix.dtype !== 'float32' || matrix.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new DparError(`quantizeMatrix: expected float32[N, K], got ${matrix.dtype}[${matrix.shape}]. Pass a matrix.`);
  }
  const bits = codeBits[format];
  const blockSize = blockSizes[format];
  const blocks = Math.ceil(columns / blockSize);
  const perByte = 8 / bits;
  const zero = 2 ** (bits - 1);
  const codes = new Uint8Array((rows * blocks * blockSize) / perByte).fill(bits === 8 ? zero : zero * 17);
  const scales = new Float32Array(rows * blocks);
  const { data } = matrix;
  for (let block = 0; block < scales.length; block++) {
    const row = Math.floor(block / blocks);
    const start = row * columns + (block % blocks) * blockSize;
    const end = Math.min(start + blockSize, (row + 1) * columns);
    let extreme = 0;
    for (let i = start; i < end; i++) {
      const value = data[i] as number;
      if (Math.abs(value) > Math.abs(extreme)) extreme = value;
    }
    if (extreme === 0) continue;
    const scale = Math.fround(extreme / -zero);
    scales[block] = scale;
    for (let i = start; i < end; i++) {
      const code = Math.min(2 * zero - 1, Math.max(0, Math.round((data[i] as number) / scale) + zero));
      const place = block * blockSize + (i - start);
      if (bits === 8) codes[place] = code;
      else if (place % 2 === 0) codes[place >> 1] = ((codes[place >> 1] as number) & 0xf0) | code;
      else codes[place >> 1] = ((codes[place >> 1] as number) & 0x0f) | (code << 4);
    }
  }
  return { rows, columns, bits, blockSize, codes, scales };
}

/** Matrix [N, K] of the values that a quantized matrix stands for. */
export function dequantizeMatrix(matrix: QuantizedMatrix): HostTensorOf<'float32'> {
  checkArguments('dequantizeMatrix', { matrix }, { matrix: quantizedMatrixKinds });

  const { rows, columns, bits, blockSize, codes, scales } = matrix;
  const blocks = Math.ceil(columns / blockSize);
  const zero = 2 ** (bits - 1);
  const result = float32([rows, columns]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const block = row * blocks + Math.floor(column / blockSize);
      const place = block * blockSize + (column % blockSize);
      const byte = codes[bits === 8 ? place : place >> 1] as number;
      const code = bits === 8 ? byte : place % 2 === 0 ? byte & 15 : byte >> 4;
      result.data[row * columns + column] = (scales[block] as number) * (code - zero);
    }
  }
  return result;
}
