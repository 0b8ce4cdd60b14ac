import { runSharded } from '@dpar/shards';
import type { Context } from '../command/command.js';
import { interruptible } from '../command/interruptible.js';
import { type Generator, generateParts } from './generator.js';
import { decodingOf, type SampleValues } from './options.js';
import { type SamplePlan, type SampleWriter, takeTurns } from './plan.js';
import type { Prefix } from './prefix.js';

/** Figures of the images that a run made. */
export interface Made {
  readonly images: number;
  /** Tokens of these images, without given ones. */
  readonly tokens: number;
  /** Patches of these images. */
  readonly patches: number;
}

/** Everything that images are made with. */
export interface Making {
  readonly values: SampleValues;
  readonly plan: SamplePlan;
  readonly generator: Generator;
  readonly prefix: Prefix | undefined;
  readonly writer: SampleWriter;
}

/**
 * Makes the images that are not kept yet, batch by batch, and then the output of all.
 * @throws InterruptedError that says how many images are kept, if any are, when the signal is aborted.
 */
export async function makeImages(making: Making, context: Context): Promise<Made> {
  const { values, plan, generator, prefix, writer } = making;
  const { first, tokensPerImage: T } = plan;
  const { signal } = context;
  let patches = 0;
  const images = await interruptible('sample', writer.kept, context, (onProgress) =>
    runSharded({
      store: writer,
      partSize: values.batchSize,
      async *make({ parts, run: { start, count }, report }) {
        const options = {
          ...decodingOf(values),
          labels: takeTurns(values.classes, first + start, count),
          batchSize: values.batchSize,
          firstIndex: first + start,
          ...(prefix && { prefix: prefix.rowsOf(first + start, count) }),
          signal,
        };
        const counts = parts.map((part) => part.count);
        for await (const images of generateParts(generator, options, counts, report)) {
          patches += images.patchLengths.reduce((sum, length) => sum + Number(length > 0), 0);
          yield images;
        }
      },
      finish: () => writer.finish(signal),
      onProgress,
      signal,
    }),
  );
  return { images, tokens: images * (T - (prefix?.length ?? 0)), patches };
}
