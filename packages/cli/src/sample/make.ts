import type { Context } from '../command/command.js';
import { InterruptedError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import { countThere, missingBatches } from './batches.js';
import { type Generator, generateBatch } from './generator.js';
import { decodingOf, type SampleValues } from './options.js';
import type { SamplePlan } from './plan.js';
import type { Prefix } from './prefix.js';
import type { SampleWriter } from './writer.js';

/** What has been made. */
export interface Made {
  readonly images: number;
  /** Tokens of these images, without given ones. */
  readonly tokens: number;
  /** Patches of these images. */
  readonly patches: number;
}

/** What images are made with. */
export interface Making {
  readonly values: SampleValues;
  readonly plan: SamplePlan;
  readonly generator: Generator;
  readonly prefix: Prefix | undefined;
  readonly writer: SampleWriter;
}

/**
 * Makes the images that are not there, batch by batch, and then the output of all.
 * @throws InterruptedError that says what is kept, if anything is, when the signal is aborted.
 */
export async function makeImages(making: Making, context: Context): Promise<Made> {
  const { plan, writer } = making;
  try {
    const made = await makeMissing(making, context);
    await writer.finish(context.signal);
    return made;
  } catch (error) {
    const kept = countThere(writer.there);
    if (!context.signal.aborted || kept === 0) throw error;
    const images = countOf(plan.labels.length, 'image');
    throw new InterruptedError(
      `interrupted. ${kept} of ${images} are in '${writer.kept}': run the same command again to go on.`,
    );
  }
}

async function makeMissing({ values, plan, generator, prefix, writer }: Making, context: Context): Promise<Made> {
  const { labels, first, tokensPerImage: T } = plan;
  const there = countThere(writer.there);
  const progress = context.progress({ label: 'sample', unit: 'images', total: labels.length, start: there });
  let images = 0;
  let patches = 0;
  try {
    for (const range of missingBatches(writer.there, values.batchSize)) {
      const { start, count } = range;
      const options = {
        ...decodingOf(values),
        labels: labels.subarray(start, start + count),
        firstIndex: first + start,
        ...(prefix && { prefix: prefix.rowsOf(first + start, count) }),
        signal: context.signal,
      };
      const batch = await generateBatch(generator, options, (position) =>
        progress.update(there + images + (count * position) / T),
      );
      await writer.add(range, batch);
      images += count;
      patches += batch.patchLengths.reduce((sum, length) => sum + Number(length > 0), 0);
    }
  } finally {
    progress.stop();
  }
  return { images, tokens: images * (T - (prefix?.length ?? 0)), patches };
}
