import { existsSync } from 'node:fs';
import type { StoredTensor } from '@dpar/io';
import {
  checkSettings,
  type PartContent,
  PartFolder,
  type PartTypes,
  runDigest,
  type ShardRecord,
} from '@dpar/io/node';
import type { HostTensor } from '@dpar/tensor';
import { CommandError } from '../command/errors.js';
import { checkOutput } from '../command/output-place.js';
import type { Generated } from './generator.js';
import { type SamplePlan, settingsFile } from './plan.js';
import type { SampleWriter } from './writer.js';

/** What a kind of file is made of. */
export interface FileFormat {
  /** What is kept of each batch. */
  readonly types: PartTypes;
  partOf(batch: Generated, count: number): Promise<Readonly<Record<string, HostTensor | StoredTensor>>>;
  /** Writes the file, whole or not at all. @param parts Reads what was kept, in the order of the images. */
  write(parts: () => AsyncIterable<PartContent>): Promise<void>;
  /** The record of a shard in the place of the file. None: this kind of file is no shard. */
  recordOf?(): Promise<ShardRecord | undefined>;
  /** Whether that shard holds what its record tells. */
  isWhole?(record: ShardRecord): Promise<boolean>;
}

/**
 * Keeps batches in a folder beside the file, makes the file of them when all are there, and removes the folder.
 * A shard that is there and whole is not made again.
 * @throws CommandError if another shard is there, or the place of the folder is taken; IoError if it is of other settings.
 */
export async function createFileWriter(plan: SamplePlan, format: FileFormat): Promise<SampleWriter> {
  const { output, first, total, labels, settings, share } = plan;
  if (await isThere(plan, format)) {
    const there = new Uint8Array(labels.length).fill(1);
    return { there, kept: output, add: async () => {}, finish: async () => {} };
  }
  const folder = `${output}.partial`;
  await checkOutput('--output', folder, 'folder');
  const parts = await PartFolder.open(folder, {
    first,
    count: labels.length,
    total,
    types: format.types,
    settings: { ...settings, ...share },
    settingsFile,
  });
  return {
    there: parts.there,
    kept: folder,
    add: async (range, batch) => parts.add(range, await format.partOf(batch, range.count)),
    finish: async (signal) => {
      await format.write(() => parts.contents(signal));
      await parts.remove();
    },
  };
}

/** Whether the shard of a plan is in its place, and whole. @throws CommandError if it is another. */
async function isThere({ output, first, total, labels, settings, isShard }: SamplePlan, format: FileFormat) {
  if (!isShard || format.recordOf === undefined || format.isWhole === undefined) return false;
  // What is damaged is made again.
  const record = existsSync(output) ? await format.recordOf().catch(() => undefined) : undefined;
  if (record === undefined) return false;
  const run = runDigest(settings);
  if (record.settings) checkSettings(output, record.settings, settings, `choose another path than '${output}'`);
  if (record.run === run && record.first === first && record.count === labels.length && record.total === total) {
    return format.isWhole(record);
  }
  throw new CommandError(
    `--output: expected the shard of images ${first} to ${first + labels.length - 1} of ${total} or nothing at '${output}', ` +
      `got images ${record.first} to ${record.first + record.count - 1} of ${record.total}. Write each shard to a path of its own.`,
  );
}
