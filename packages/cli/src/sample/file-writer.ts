import type { StoredTensor } from '@dpar/io';
import { type PartContent, PartFolder, type PartTypes } from '@dpar/io/node';
import type { HostTensor } from '@dpar/tensor';
import type { Generated } from './generator.js';
import { checkPlace } from './output-kind.js';
import { type SamplePlan, settingsFile } from './plan.js';
import type { SampleWriter } from './writer.js';

/** What a kind of file is made of. */
export interface FileFormat {
  /** What is kept of each batch. */
  readonly types: PartTypes;
  partOf(batch: Generated, count: number): Promise<Readonly<Record<string, HostTensor | StoredTensor>>>;
  /** Writes the file, whole or not at all. @param parts What was kept, in the order of the images. */
  write(parts: AsyncIterable<PartContent>): Promise<void>;
}

/** Keeps batches in a folder beside the file, makes the file of them when all are there, and removes the folder. */
export async function createFileWriter(plan: SamplePlan, format: FileFormat): Promise<SampleWriter> {
  const { output, first, labels, settings, share } = plan;
  const folder = `${output}.partial`;
  await checkPlace(folder, 'folder');
  const parts = await PartFolder.open(folder, {
    first,
    count: labels.length,
    types: format.types,
    settings: { ...settings, ...share },
    settingsFile,
  });
  return {
    there: parts.there,
    kept: folder,
    add: async (range, batch) => parts.add(range, await format.partOf(batch, range.count)),
    finish: async (signal) => {
      await format.write(parts.contents(signal));
      await parts.remove();
    },
  };
}
