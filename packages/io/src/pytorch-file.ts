import { writeFileAtomic } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';

import { openReader } from './file-source.js';
import { type PyTorchContent, readPyTorchSource } from './pytorch/reader.js';
import { pytorchChunks, type WritablePyTorchValue, writableKinds } from './pytorch/writer.js';

/** An open PyTorch file. Everything except the tensors' data is in memory. */
export interface PyTorchReader extends PyTorchContent {
  /** Closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a file of `torch.save` of any size, in the zip format or the older format. Its value is read at once. Its tensors are
 * read on demand, each into its own memory. Close the file afterwards.
 *
 * A pickle is read as data, and none of its code runs. Tensors and plain containers become values. Any other object,
 * such as `argparse.Namespace`, is kept as the name of its class or function with arguments and attributes. Limits: 64
 * MiB of pickle, 2^20 containers, and 16 times the file's length per tensor.
 *
 * @throws IoError if the file is missing, damaged or of another format, or its pickle calls a harmful function.
 */
export async function openPyTorch(path: string): Promise<PyTorchReader> {
  checkArguments('openPyTorch', { path }, { path: 'string' });
  return openReader('openPyTorch', 'a PyTorch file', path, async (file) => {
    const content = await readPyTorchSource(`openPyTorch ('${path}')`, file);
    return { ...content, close: () => file.close() };
  });
}

/**
 * Writes a file for `torch.load(path, weights_only=True)`, of any size, atomically and without a copy in memory; see
 * `pytorchChunks`.
 *
 * @throws the errors of `pytorchChunks`.
 */
export async function writePyTorch(path: string, value: WritablePyTorchValue): Promise<void> {
  checkArguments('writePyTorch', { path, value }, { path: 'string', value: writableKinds });
  await writeFileAtomic(path, pytorchChunks(value));
}
