import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { recoverFiles, removeFolderAtomic } from '@dpar/io/node';
import {
  checkSettings,
  type PartContent,
  PartFolder,
  type PartTensors,
  type PartTypes,
  runDigest,
  type Shard,
} from '@dpar/shards';
import { CommandError } from '../command/errors.js';
import { checkOutput } from '../command/output-place.js';
import type { Generated } from './generator.js';
import { type SamplePlan, type SampleWriter, settingsFile } from './plan.js';

/** Conversion of batches to one kind of file. */
export interface FileFormat {
  /** Types of the tensors that are kept of each batch. */
  readonly types: PartTypes;
  partOf(batch: Pick<Generated, 'tokens' | 'patchLengths'>, count: number): Promise<PartTensors>;
  /** Writes the file atomically. @param parts Reads the kept batches, in the order of the images. */
  write(parts: () => AsyncIterable<PartContent>): Promise<void>;
  /** Opens the shard at the output's path. Undefined: this kind of file has no record. */
  openShard?(): Promise<Shard | undefined>;
}

/**
 * Keeps batches in the folder `PATH.partial`, writes the file when all are there, and removes the folder. A complete
 * shard at the path is kept.
 * @throws CommandError if another shard is at the path, or a file at that of the folder; IoError for other settings.
 */
export async function createFileWriter(plan: SamplePlan, format: FileFormat): Promise<SampleWriter> {
  const { output, first, total, labels, settings, share } = plan;
  const folder = `${output}.partial`;
  if (await isThere(plan, format)) {
    // A process that was killed when the file was complete may have left them.
    if (existsSync(join(folder, settingsFile))) await removeFolderAtomic(folder);
    await recoverFiles([folder]);
    const there = new Uint8Array(labels.length).fill(1);
    return { there, kept: output, add: async () => {}, finish: async () => {} };
  }
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

/** Reads whether the shard of a plan is at its path, and whole. @throws CommandError for another shard. */
async function isThere({ output, first, total, labels, settings, isShard }: SamplePlan, format: FileFormat) {
  if (!isShard || !existsSync(output)) return false;
  // A damaged shard is made again.
  const shard = await format.openShard?.().catch(() => undefined);
  if (shard === undefined) return false;
  const { record } = shard;
  if (record.settings) checkSettings(output, record.settings, settings, `choose another path than '${output}'`);
  const isOurs = record.first === first && record.count === labels.length && record.total === total;
  if (isOurs && record.run === runDigest(settings)) return shard.isWhole();
  throw new CommandError(
    `--output: expected the shard of images ${first} to ${first + labels.length - 1} of ${total} or nothing at '${output}', ` +
      `got images ${record.first} to ${record.first + record.count - 1} of ${record.total}. Write each shard to a path of its own.`,
  );
}
