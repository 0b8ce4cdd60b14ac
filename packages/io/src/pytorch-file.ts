import { writeFileAtomic } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import { chunkedTensorKinds } from './chunks.js';
import { openFile } from './file-source.js';
import { type PyTorchContent, readPyTorchSource } from './pytorch/reader.js';
import { pytorchChunks, type WritablePyTorchValue } from './pytorch/writer.js';
import { storedTensorKinds } from './stored.js';

/** An open PyTorch file, of which all but the tensors' data has been read. */
export interface PyTorchReader extends PyTorchContent {
  /** Closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a file of `torch.save` of any size: the zip format, or the one before PyTorch 1.6. Its value is read at once, its
 * tensors when asked for, each into memory of its own. Close it afterwards.
 *
 * A pickle is read as data: nothing in it runs. Tensors and plain containers become what they are; any other object, such as
 * `argparse.Namespace`, is kept as the name of its class or function with arguments and attributes. Reading takes at most 64 MiB
 * of pickle, 2^20 containers, and for a tensor 16 times the file's length.
 *
 * @throws IoError that says what is missing or damaged, which other format the file has, or which harmful function its pickle
 * wants called.
 */
export async function openPyTorch(path: string): Promise<PyTorchReader> {
  checkArguments('openPyTorch', { path }, { path: 'string' });

  const file = await openFile('openPyTorch', 'a PyTorch file', path);
  try {
    const content = await readPyTorchSource(`openPyTorch ('${path}')`, file);
    return { ...content, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Writes a file of any size that `torch.load(path, weights_only=True)` opens, atomically and without a copy of it in memory;
 * see `pytorchChunks`.
 *
 * @throws IoError where `pytorchChunks` does.
 */
export async function writePyTorch(path: string, value: WritablePyTorchValue): Promise<void> {
  checkArguments(
    'writePyTorch',
    { path, value },
    {
      path: 'string',
      value: [
        'string | number | bigint | boolean | any[] | Map | object | null',
        'HostTensor',
        storedTensorKinds,
        chunkedTensorKinds,
      ],
    },
  );

  await writeFileAtomic(path, pytorchChunks(value));
}
