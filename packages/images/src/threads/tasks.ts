import { readFile } from 'node:fs/promises';
import type { MessagePort } from 'node:worker_threads';
import { type Answer, answerCalls } from '@dpar/shards';
import { type CropOptions, cropVariants } from '../crop/crops.js';
import { decodeImage, inspectImage } from '../decode/decode-image.js';
import type { ImageInspection, ImageReading, RgbImage } from '../image-set.js';
import { type FactsRequest, type FoundPicture, findFacts } from '../inspect/find-facts.js';
import {
  KeptPictures,
  preparePictures,
  type TrainingRequest,
  type TrainingSquares,
} from '../training/prepare-pictures.js';

/** Tasks of a thread, each with its request and its result. */
export interface PictureTasks {
  /** Decodes a file. */
  readonly picture: { readonly request: FileRequest; readonly result: RgbImage };
  /** Decodes a file and crops it. */
  readonly crops: {
    readonly request: FileRequest & { readonly crops: CropOptions };
    readonly result: readonly RgbImage[];
  };
  /** Checks that a file can be decoded. */
  readonly inspection: { readonly request: Pick<FileRequest, 'path'>; readonly result: ImageInspection };
  /** Inspects files. */
  readonly facts: { readonly request: FactsRequest; readonly result: readonly FoundPicture[] };
  /** Makes squares for training. */
  readonly training: { readonly request: TrainingRequest; readonly result: TrainingSquares };
}

interface FileRequest {
  readonly path: string;
  readonly reading: ImageReading;
}

/** Request for one of the tasks. */
export type PictureRequest = {
  [K in keyof PictureTasks]: { readonly task: K; readonly request: PictureTasks[K]['request'] };
}[keyof PictureTasks];

/** Result of one of the tasks. */
export type PictureResult = PictureTasks[keyof PictureTasks]['result'];

/** Does the tasks that come through a port, one after the other. */
export function servePictures(port: MessagePort): void {
  const kept = new KeptPictures();
  answerCalls(port, (request: PictureRequest) => doTask(request, kept));
}

async function doTask({ task, request }: PictureRequest, kept: KeptPictures): Promise<Answer<PictureResult>> {
  switch (task) {
    case 'picture':
      return moved(await decodeFile(request));
    case 'crops': {
      const crops = cropVariants(await decodeFile(request), request.crops);
      return { content: crops, moved: crops.map(({ data }) => data.buffer as ArrayBuffer) };
    }
    case 'inspection':
      return { content: await inspectImage(request.path, await readFile(request.path)), moved: [] };
    case 'facts':
      return { content: await findFacts(request), moved: [] };
    case 'training': {
      const squares = await preparePictures(request, kept);
      return { content: squares, moved: [squares.pixels.buffer] };
    }
  }
}

async function decodeFile({ path, reading }: FileRequest): Promise<RgbImage> {
  return decodeImage(path, await readFile(path), reading);
}

/** The memory of the native decoder cannot move. */
function moved(image: RgbImage): Answer<RgbImage> {
  const data = image.data.slice();
  return { content: { ...image, data }, moved: [data.buffer] };
}
