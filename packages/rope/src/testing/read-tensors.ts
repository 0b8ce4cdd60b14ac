import { readFileSync } from 'node:fs';
import { fixturePath } from '@dpar/fixtures';

/** A tensor of a fixture, as plain numbers. */
export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly values: number[];
}

/** Reads the F32 and I32 tensors of a safetensors fixture. */
export function readTensors(name: string): (tensor: string) => FixtureTensor {
  const bytes = readFileSync(fixturePath(name));
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, dataStart).toString('utf8'));
  return (tensor) => {
    const { dtype, shape, data_offsets: offsets } = header[tensor];
    const data = bytes.subarray(dataStart + offsets[0], dataStart + offsets[1]);
    const read = (i: number) => (dtype === 'F32' ? data.readFloatLE(4 * i) : data.readInt32LE(4 * i));
    return { shape, values: Array.from({ length: data.length / 4 }, (_, i) => read(i)) };
  };
}
