import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pngContent, pngRecordKey, readPngRecord } from '@dpar/images/node';
import { makeFolder, recoverFiles, writeFileAtomic } from '@dpar/io/node';
import { type ImageDecoder, imageAt, pngOf } from '@dpar/pipeline';
import { checkRun, RunSettings, shardRecord } from '@dpar/shards';
import pMap from 'p-map';
import { type SamplePlan, type SampleWriter, settingsFile } from './plan.js';

/** Images that are read at a time. */
const filesAtATime = 8;

/**
 * Writes each image as it is made: `000012.png` is image 12 of the run in any shard. It is a shard itself, with its record as text
 * in the file. A damaged image is made again.
 * @throws IoError for an image of another run.
 */
export async function createFolderWriter(plan: SamplePlan, decoder: ImageDecoder): Promise<SampleWriter> {
  const { output, first, total, labels, subfolders, folders = [] } = plan;
  await makeFolder(output);
  const settings = await RunSettings.open(join(output, settingsFile), plan.settings, 'choose another folder');
  for (const folder of folders) await makeFolder(join(output, folder));
  const pathOf = (i: number): string =>
    join(output, subfolders?.[i] ?? '', `${String(first + i).padStart(6, '0')}.png`);
  const paths = Array.from(labels.keys(), pathOf);
  await recoverFiles([...paths, settings.path]);
  const found = await pMap(labels.keys(), (i) => isThere(pathOf(i), settings), { concurrency: filesAtATime });
  const there = Uint8Array.from(found, Number);
  return {
    there,
    kept: output,
    add: async ({ start, count }, { tokens }) => {
      const images = await decoder.decode(tokens, count);
      await settings.write();
      for (let i = 0; i < count; i++) {
        const image = imageAt(images, i);
        const content = pngContent({ width: image.size, height: image.size, data: image.data });
        const record = await shardRecord({ first: first + start + i, count: 1, total }, plan.settings, content);
        const png = pngOf(image, { [pngRecordKey]: JSON.stringify(record) });
        await writeFileAtomic(pathOf(start + i), png);
        there[start + i] = 1;
      }
    },
    finish: async () => {},
  };
}

/** Reads whether an image is at its path, and whole. @throws IoError if it is of another run. */
async function isThere(path: string, settings: RunSettings): Promise<boolean> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const record = bytes && (await readPngRecord(bytes));
  if (record === undefined) return false;
  checkRun(settings, { name: path, record });
  return true;
}
