import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pngContent, pngRecordKey, readPngRecord } from '@dpar/eval/node';
import { agreeOnSettings, makeFolder, runDigest, shardRecord, writeFileAtomic, writeSettings } from '@dpar/io/node';
import pMap from 'p-map';
import { CommandError } from '../command/errors.js';
import type { ImageDecoder } from '../images/images.js';
import { imageAt, pngOf } from '../images/images.js';
import { type SamplePlan, settingsFile } from './plan.js';
import type { SampleWriter } from './writer.js';

/** Images that are read at a time. */
const filesAtATime = 8;

/**
 * Writes each image as it is made: `000012.png` is image 12 of the run, whichever part of it is made here, and a shard with
 * its record as text in the file. A damaged image is made again.
 * @throws CommandError for an image of another run.
 */
export async function createFolderWriter(plan: SamplePlan, decoder: ImageDecoder): Promise<SampleWriter> {
  const { output, first, total, labels, settings, subfolders, folders = [] } = plan;
  await makeFolder(output);
  const settingsPath = join(output, settingsFile);
  const agree = (): Promise<boolean> => agreeOnSettings(settingsPath, settings, 'choose another folder');
  let agreed = await agree();
  for (const folder of folders) await makeFolder(join(output, folder));
  const nameOf = (i: number): string => join(subfolders?.[i] ?? '', `${String(first + i).padStart(6, '0')}.png`);
  const run = runDigest(settings);
  const found = await pMap(labels.keys(), (i) => isThere(join(output, nameOf(i)), run), { concurrency: filesAtATime });
  const there = Uint8Array.from(found, Number);
  return {
    there,
    kept: output,
    add: async ({ start, count }, { tokens }) => {
      const images = await decoder.decode(tokens, count);
      // With the first image: a run that fails before it leaves no settings that others would have to agree with.
      if (!agreed && !(await agree())) await writeSettings(settingsPath, settings);
      agreed = true;
      for (let i = 0; i < count; i++) {
        const image = imageAt(images, i);
        const content = pngContent({ width: image.size, height: image.size, data: image.data });
        const record = await shardRecord({ first: first + start + i, count: 1, total }, settings, content);
        const png = pngOf(image, { [pngRecordKey]: JSON.stringify(record) });
        await writeFileAtomic(join(output, nameOf(start + i)), png);
        there[start + i] = 1;
      }
    },
    finish: async () => {},
  };
}

/** Whether an image of the run is in its place, and whole. @throws CommandError if it is of another run. */
async function isThere(path: string, run: string): Promise<boolean> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const record = bytes && (await readPngRecord(bytes));
  if (record === undefined || record.run === run) return record !== undefined;
  throw new CommandError(
    `expected an image of the run ${run} or nothing at '${path}', got one of ${record.run}. Move it away.`,
  );
}
