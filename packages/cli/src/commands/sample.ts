import { countThere } from '@dpar/shards';
import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { takeShare } from '../machine-share.js';
import { resolveClasses } from '../sample/classes.js';
import { createSampleWriter } from '../sample/create-writer.js';
import { ImageDecoder } from '../sample/decode.js';
import { loadGenerator } from '../sample/generator.js';
import { makeImages } from '../sample/make.js';
import { checkFor, sampleOptions } from '../sample/options.js';
import { outputKind } from '../sample/output-kind.js';
import { planSample } from '../sample/plan.js';
import { readPrefix } from '../sample/prefix.js';
import { summarize } from '../sample/summary.js';
import { countOf } from '../table.js';
import { loadTokenizer } from '../tokenizer.js';

export const sample = defineCommand({
  name: 'sample',
  summary: 'generates images of classes',
  details:
    'A path that ends in .png is written as a grid, .npz as an ADM sample batch (arr_0, uint8 [N, S, S, 3], and the ' +
    "labels as arr_1), .safetensors as 'tokens' [N, T], 'patch_lengths' [N, M] padded with zeros, and 'labels' [N]. " +
    'Any other path is a folder of PNG files. The same command goes on where an earlier run was interrupted: images of a ' +
    'folder that are there are not made again, and finished batches of a file are kept in PATH.partial until it is ' +
    'whole. The same seed gives the same images at any batch size and in any number of parts, on one machine with one ' +
    'engine: rounding may change one image in thousands, where two tokens all but tie.',
  options: sampleOptions,
  run: async (given, context) => {
    const shard = takeShare(given.shard, context);
    const { output, checkpoint, average, entropyCheckpoint, weights, entropyWeights } = given;
    const { tokenizer: tokenizerFolder, prefix: prefixFile } = given;
    if (outputKind(output) !== 'safetensors' && tokenizerFolder === undefined) {
      throw new UsageError(`expected --tokenizer DIR to write images to '${output}', got none.`);
    }
    if (prefixFile === undefined && given.prefixLength !== undefined) {
      throw new UsageError('expected --prefix FILE with --prefix-length, got none.');
    }
    const engine = await context.engine();
    const generator = await loadGenerator(engine, {
      ...{ checkpoint, average, entropyCheckpoint, weights },
      ...(entropyWeights !== undefined && { entropyWeights }),
      note: (line) => context.note(`sample: ${line}`),
    });
    const classes = await resolveClasses(given.classes, checkpoint, generator.numClasses, context);
    const values = { ...given, shard, classes };
    checkFor(generator, values);
    if (classes.includes(generator.numClasses)) {
      context.note(
        `sample: class ${generator.numClasses} is the null class: its images have no class (the classes are 0 to ${generator.numClasses - 1})`,
      );
    }
    const prefix = prefixFile === undefined ? undefined : await readPrefix(prefixFile, values.prefixLength, generator);
    const tokenizer = tokenizerFolder && (await loadTokenizer(tokenizerFolder, engine, generator));
    const decoder = tokenizer ? new ImageDecoder(tokenizer, generator.blockSize) : undefined;
    const plan = await planSample(values, generator, prefix);
    const writer = await createSampleWriter(plan, decoder);

    const images = plan.labels.length;
    const there = countThere(writer.there);
    const which = `${countOf(images, 'image')}${there > 0 ? ` (${there} there already)` : ''}`;
    context.note(`sample: ${which}, ${generator.kind} model, ${engine.name}`);
    const begin = performance.now();
    const made = await makeImages({ values, plan, generator, prefix, writer }, context);
    return summarize({
      ...{ kind: generator.kind, engine: engine.name, output, images, made, tokensPerImage: plan.tokensPerImage },
      seconds: (performance.now() - begin) / 1000,
      stages: { ...generator.stageSeconds(), ...(decoder && { tokenizer: decoder.seconds }) },
    });
  },
});
