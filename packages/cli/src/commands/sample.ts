import { ImageDecoder } from '@dpar/pipeline';
import type { StageSeconds } from '@dpar/sampler';
import { countThere } from '@dpar/shards';
import { defineCommand, type Result } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import { outputKind } from '../command/output-place.js';
import { formatRate } from '../command/progress.js';
import { takeShare } from '../command/share.js';
import { resolveClasses } from '../sample/classes.js';
import { createSampleWriter } from '../sample/create-writer.js';
import { loadGenerator } from '../sample/generator.js';
import { type Made, makeImages } from '../sample/make.js';
import { findModel } from '../sample/model-folder.js';
import { checkFor, sampleOptions } from '../sample/options.js';
import { planSample } from '../sample/plan.js';
import { readPrefix } from '../sample/prefix.js';
import { loadTokenizer } from '../tokenizer.js';

export const sample = defineCommand({
  name: 'sample',
  summary: 'Generate images of given classes',
  details:
    'The ending of --output determines the format:\n' +
    '  .png          a grid\n' +
    '  .npz          an ADM sample batch: images arr_0, uint8 [N, S, S, 3], and labels arr_1\n' +
    "  .safetensors  'tokens' [N, T], 'patch_lengths' [N, M] padded with zeros, and 'labels' [N]\n" +
    '  others        a folder of PNG files\n\n' +
    'Resume: run the same command again. It keeps the finished images of a folder, and the finished batches of a ' +
    'file in PATH.partial.\n\n' +
    'The same seed gives the same images at any batch size and number of shards, on one machine with one engine. ' +
    'In rare cases (one image in thousands), rounding changes an image because two tokens are almost equally ' +
    'likely.',
  options: sampleOptions,
  run: async (options, context) => {
    const shard = takeShare(options.shard, context);
    const found = await findModel(options.checkpoint);
    const given = { ...options, checkpoint: found.checkpoint, tokenizer: options.tokenizer ?? found.tokenizer };
    const { output, checkpoint, average, entropyCheckpoint, weights, entropyWeights } = given;
    const { tokenizer: tokenizerFolder, prefix: prefixFile } = given;
    if (outputKind(output) !== 'safetensors' && tokenizerFolder === undefined) {
      throw new UsageError(
        `expected --tokenizer DIR to write images to '${output}', got none, and no tokenizer beside '${checkpoint}'.`,
      );
    }
    if (prefixFile === undefined && given.prefixLength !== undefined) {
      throw new UsageError('expected --prefix FILE with --prefix-length, got none.');
    }
    const engine = await context.engine();
    const generator = await loadGenerator(engine, {
      checkpoint,
      average,
      entropyCheckpoint,
      weights,
      ...(entropyWeights !== undefined && { entropyWeights }),
      note: (line) => context.note(`sample: ${line}`),
    });
    const classes = await resolveClasses(given.classes, checkpoint, generator.numClasses, context);
    const values = { ...given, shard, classes };
    checkFor(generator, values);
    if (classes.includes(generator.numClasses)) {
      context.note(
        `sample: class ${generator.numClasses} is the null class, for images without a class (classes are 0 to ${generator.numClasses - 1})`,
      );
    }
    const prefix = prefixFile === undefined ? undefined : await readPrefix(prefixFile, values.prefixLength, generator);
    const tokenizer = tokenizerFolder && (await loadTokenizer(tokenizerFolder, engine, generator));
    const decoder = tokenizer ? new ImageDecoder(tokenizer, generator.blockSize) : undefined;
    const plan = await planSample(values, generator, prefix);
    const writer = await createSampleWriter(plan, decoder);

    const images = plan.labels.length;
    const there = countThere(writer.there);
    const which = `${countOf(images, 'image')}${there > 0 ? ` (${there} already finished)` : ''}`;
    context.note(`sample: ${which}, ${generator.kind} model, ${engine.name}`);
    const begin = performance.now();
    const made = await makeImages({ values, plan, generator, prefix, writer }, context);
    return summarize({
      kind: generator.kind,
      hasPatches: generator.hasPatches,
      engine: engine.name,
      output,
      images,
      made,
      tokensPerImage: plan.tokensPerImage,
      seconds: (performance.now() - begin) / 1000,
      stages: { ...generator.stageSeconds(), ...(decoder && { tokenizer: decoder.seconds }) },
    });
  },
});

/** Figures of a run. */
export interface SampleFigures {
  /** Kind of the model. */
  readonly kind: string;
  readonly hasPatches: boolean;
  readonly engine: string;
  readonly output: string;
  /** Images of the output. */
  readonly images: number;
  /** Images made in this run. */
  readonly made: Made;
  /** T */
  readonly tokensPerImage: number;
  readonly seconds: number;
  readonly stages: StageSeconds;
}

/** Formats the figures as JSON and as text. Rates are null in JSON, and left out of the text, if no image was made. */
export function summarize(figures: SampleFigures): Result {
  const { kind, hasPatches, engine, output, images, made, tokensPerImage, seconds, stages } = figures;
  const summary = `${countOf(images, 'image')} in ${output}, ${made.images} made`;
  const imageRate = made.images / seconds;
  const tokenRate = made.tokens / seconds;
  const meanPatchLength = (made.images * tokensPerImage) / made.patches;
  const any = made.images > 0;
  const rates = `${formatRate(imageRate)} images/s, ${formatRate(tokenRate)} tokens/s`;
  const patches = hasPatches ? `, ${meanPatchLength.toFixed(2)} tokens per patch` : '';
  return {
    data: {
      kind,
      images,
      generated: made.images,
      seconds,
      images_per_second: any ? imageRate : null,
      tokens_per_second: any ? tokenRate : null,
      ...(hasPatches && { mean_patch_length: any ? meanPatchLength : null }),
      stages,
      engine,
      output,
    },
    text: any ? `${summary} in ${seconds.toFixed(1)} s: ${rates}${patches}` : summary,
  };
}
