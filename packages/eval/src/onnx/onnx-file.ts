import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { externalDataFiles } from '@dpar/onnx';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { OpenOnnxModel } from './onnx-network.js';
import { openSession } from './open-session.js';
import { type OnnxRuntime, type OnnxTensor, onnxRuntimeKinds } from './session.js';

/**
 * Opens an ONNX file for `createOnnxNetwork`, with its external weights, such as `model.onnx_data`. Release the session
 * afterwards.
 *
 * @param ort Namespace of `onnxruntime-node` (1.22 or later).
 * @param options Options of the session.
 * @throws DparError if the file or its external weights are missing, or ONNX Runtime refuses the model.
 */
export async function openOnnxModel<T extends OnnxTensor>(
  ort: OnnxRuntime<T>,
  path: string,
  options?: object,
): Promise<OpenOnnxModel<T>> {
  checkArguments(
    'openOnnxModel',
    { ort, path, options },
    { ort: onnxRuntimeKinds, path: 'string', 'options?': 'object' },
  );
  const model = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const got = cause.code === 'ENOENT' ? 'no such file' : cause.code === 'EISDIR' ? 'a folder' : cause.code;
    throw new DparError(`openOnnxModel: expected an ONNX file at '${path}', got ${got}. Check the path.`, { cause });
  });
  const hash = createHash('sha256').update(model);
  const files = dataFiles(model);
  for (const file of files) await addFile(hash, path, file);
  const session = await openSession(ort, files.length === 0 ? model : path, model, options, path);
  return { session, identity: `sha256:${hash.digest('hex').slice(0, 16)}` };
}

/** Files of external weights; none for an invalid model, which ONNX Runtime refuses later. */
function dataFiles(model: Uint8Array): string[] {
  try {
    return externalDataFiles(model);
  } catch {
    return [];
  }
}

async function addFile(hash: ReturnType<typeof createHash>, model: string, file: string): Promise<void> {
  const path = join(dirname(model), file);
  try {
    await pipeline(createReadStream(path), async (chunks) => {
      for await (const chunk of chunks) hash.update(chunk);
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DparError(
      `openOnnxModel: expected the weights of '${model}' in '${path}', got ${code === 'ENOENT' ? 'no such file' : code}. ` +
        'Put both files into one folder, with the names that they were exported with.',
      { cause },
    );
  }
}
