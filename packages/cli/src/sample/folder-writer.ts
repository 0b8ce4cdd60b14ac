import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { agreeOnSettings, writeFileAtomic, writeSettings } from '@dpar/io/node';
import { imageAt, pngOf } from '../images.js';
import type { ImageDecoder } from './decode.js';
import { type SamplePlan, settingsFile } from './plan.js';
import type { SampleWriter } from './writer.js';

/** Writes each image as it is made: `000012.png` is image 12 of the run, whichever part of it is made here. */
export async function createFolderWriter(plan: SamplePlan, decoder: ImageDecoder): Promise<SampleWriter> {
  const { output, first, labels, settings, subfolders } = plan;
  await mkdir(output, { recursive: true });
  const settingsPath = join(output, settingsFile);
  if (!(await agreeOnSettings(settingsPath, settings, 'choose another folder'))) {
    await writeSettings(settingsPath, settings);
  }
  const nameOf = (i: number): string => join(subfolders?.[i] ?? '', `${String(first + i).padStart(6, '0')}.png`);
  const names = new Set(await readdir(output, { recursive: subfolders !== undefined }));
  const there = Uint8Array.from(labels, (_, i) => Number(names.has(nameOf(i))));
  return {
    there,
    kept: output,
    add: async ({ start, count }, { tokens }) => {
      const images = await decoder.decode(tokens, count);
      for (let i = 0; i < count; i++) {
        await writeFileAtomic(join(output, nameOf(start + i)), pngOf(imageAt(images, i)));
        there[start + i] = 1;
      }
    },
    finish: async () => {},
  };
}
