import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle } from '@dpar/config/bundle';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createRandom, DparError, float32, type HostTensor, named, type TensorFunction } from '@dpar/tensor';
import { checkCase, conformanceCases } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { openEngine } from '../engine.js';
import { createOrtEngine } from '../index.js';

/** The thread's program, bundled from its source, which finds onnxruntime-node as the package does. */
async function builtWorker(): Promise<URL> {
  const folder = await temporaryFolder();
  await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  return pathToFileURL(await bundle(new URL('./worker.ts', import.meta.url), folder));
}

const worker = await builtWorker();
const engine = await openEngine({ thread: true, threads: 2 }, worker);
afterAll(() => engine.dispose());

describe('the engine in a thread', () => {
  it.each(conformanceCases())('$name', async (conformanceCase) => {
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
  });
});
