import { createHash } from 'node:crypto';
import { formatDigest } from '@dpar/io/node';
import { formatType } from '@dpar/tensor';
import { CommandError, UsageError } from '../command/errors.js';
import { readTensors } from '../input-files.js';
import type { TokenGrid } from '../tokenizer.js';

/** Given tokens that images complete. */
export interface Prefix {
  /** Tokens of each image that are given, K. */
  readonly length: number;
  /** A digest of all given tokens. */
  readonly identity: string;
  /** The tokens of images `first` and following of the run, [count, K]. */
  rowsOf(first: number, count: number): Int32Array;
}

/**
 * Reads `tokens` [N, at least K] of a safetensors file; image k of the run completes row k mod N.
 *
 * @param length K; all columns of the file by default
 * @throws CommandError if the file holds no tokens of the model; UsageError if K exceeds the columns of the file or
 * leaves no tokens to generate.
 */
export async function readPrefix(path: string, length: number | undefined, model: TokenGrid): Promise<Prefix> {
  const { tokens } = await readTensors(path);
  const [rows = 0, columns = 0] = tokens?.shape ?? [];
  if (tokens?.dtype !== 'int32' || tokens.shape.length !== 2 || rows === 0) {
    const got = tokens === undefined ? 'none' : formatType(tokens);
    throw new CommandError(`expected 'tokens' of type int32[N, K] in '${path}', got ${got}. Pass another file.`);
  }
  const K = length ?? columns;
  if (K > columns) {
    throw new UsageError(`--prefix-length: expected at most the ${columns} tokens of a row in '${path}', got ${K}.`);
  }
  if (K === 0 || K >= model.blockSize) {
    throw new UsageError(
      `--prefix-length: expected 1 to ${model.blockSize - 1} given tokens, which leave some of ${model.blockSize} to make, got ${K}.`,
    );
  }
  const given = new Int32Array(rows * K);
  for (let row = 0; row < rows; row++) given.set(tokens.data.subarray(row * columns, row * columns + K), row * K);
  const outside = given.find((token) => token < 0 || token >= model.vocabSize);
  if (outside !== undefined) {
    throw new CommandError(
      `expected 'tokens' from 0 to ${model.vocabSize - 1}, the model's codes, in '${path}', got ${outside}. Pass another file.`,
    );
  }
  return {
    length: K,
    identity: formatDigest(createHash('sha256').update(`${K} `).update(given)),
    rowsOf: (first, count) => {
      const batch = new Int32Array(count * K);
      for (let i = 0; i < count; i++) {
        const row = (first + i) % rows;
        batch.set(given.subarray(row * K, (row + 1) * K), i * K);
      }
      return batch;
    },
  };
}
