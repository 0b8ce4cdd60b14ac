import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '@dpar/images/node';
import { DparError } from '@dpar/tensor';
import { assemblePipeline, type PipelineOptions, pipelineOptionsKinds } from '../assemble.js';
import { checkArguments } from '../check-arguments.js';
import type { ImageInput, RawImage } from '../image-input.js';
import type { Environment } from '../loaded-pipeline.js';
import type { Pipeline } from '../pipeline.js';
import { folderSource } from './model-folder.js';
import { resolveModelFolder } from './resolve.js';
import { SavableEntropyMap, SavableImages } from './save.js';

/** Images that a pipeline reads in Node: also the path of an image file, or its `file:` URL. */
export type NodeImageInput = ImageInput | string | URL;

/** A pipeline in Node, whose results can be saved. */
export type NodePipeline = Pipeline<SavableImages, SavableEntropyMap, NodeImageInput>;

const environment: Environment<SavableImages, SavableEntropyMap, NodeImageInput> = {
  images: (content) => new SavableImages(content),
  entropyMap: (content) => new SavableEntropyMap(content),
  decode: decodeFile,
};

/** Colour behind transparent pixels. */
const white = [255, 255, 255] as const;

/**
 * Loads a model that draws pictures.
 * @param nameOrPath A model folder, a run of `dpar create`, or the name of an installed package: see `resolveModelFolder`.
 * @throws DparError if there is no such model, or a part is missing; IoError if a file is damaged; the signal's reason when
 * it is aborted.
 */
export async function loadPipeline(nameOrPath: string, options: PipelineOptions = {}): Promise<NodePipeline> {
  checkArguments('loadPipeline', { nameOrPath, options }, { nameOrPath: 'string', 'options?': pipelineOptionsKinds });
  return assemblePipeline('loadPipeline', folderSource(resolveModelFolder(nameOrPath)), options, environment);
}

async function decodeFile(input: unknown): Promise<RawImage> {
  const reading = { background: white };
  if (typeof input === 'string' || input instanceof URL) {
    const path = input instanceof URL || input.startsWith('file:') ? fileURLToPath(input) : input;
    return decodeImage(path, await readFile(path), reading);
  }
  if (ArrayBuffer.isView(input)) {
    const { buffer, byteOffset, byteLength } = input;
    return decodeImage('the given bytes', new Uint8Array(buffer, byteOffset, byteLength), reading);
  }
  throw new DparError(
    `readImage: expected the path of an image, its bytes, or { width, height, data }, got ${input === null ? 'null' : typeof input}. Pass one of them.`,
  );
}
