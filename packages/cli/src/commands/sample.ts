import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { type Generator, generateBatch, loadGenerator } from '../generate.js';
import * as option from '../options.js';
import { createSampleWriter, outputKind, type SamplePlan } from '../sample-output.js';
import { countOf } from '../table.js';
import { loadTokenizer } from '../tokenizer.js';

const options = {
  checkpoint: option.required(option.folder, 'DPAR or LlamaGen model'),
  entropyCheckpoint: option.optional(option.folder, 'entropy model, for DPAR with patches by entropy'),
  tokenizer: option.optional(option.folder, 'tokenizer, for images'),
  classes: option.required(option.wholeNumbers, 'classes such as 0,3,4 or 0-9; the images are of them in turn'),
  count: option.optional(option.wholeNumber(1, 1e7), 'number of images (default: one of each class)'),
  cfgScale: option.optional(option.number({ from: 0 }), 'scale of classifier-free guidance, 1 for none', 2),
  temperature: option.optional(option.number({ above: 0 }), 'divides the logits', 1),
  topK: option.optional(option.wholeNumber(0), 'draws from the k most likely tokens, 0 for all', 0),
  topP: option.optional(option.number({ above: 0, to: 1 }), 'draws from the fewest tokens of this probability', 1),
  greedy: option.flag('always takes the most likely token'),
  threshold: option.optional(option.number(), "entropy (nats) that starts a patch (default: the model's)"),
  maxPatchLength: option.optional(option.wholeNumber(1), "most tokens in a patch (default: the model's)"),
  seed: option.optional(option.wholeNumber(0), 'decides on the draws', 0),
  batchSize: option.optional(option.wholeNumber(1, 4096), 'images at a time', 16),
  shard: option.optional(option.shard, 'makes the images of part i of n alone, 0/n to (n - 1)/n'),
  output: option.required(option.path, 'where to write: *.png, *.npz, *.safetensors or a folder'),
};

type SampleOptions = option.Values<typeof options>;

export const sample = defineCommand({
  name: 'sample',
  summary: 'generates images of classes',
  details:
    'A path that ends in .png is written as a grid, .npz as an ADM sample batch (arr_0, uint8 [N, S, S, 3], and the ' +
    "labels as arr_1), .safetensors as 'tokens' [N, T], 'patch_lengths' [N, M] padded with zeros, and 'labels' [N]. " +
    'Any other path is a folder of PNG files, of which those that are there already are not made again. The same seed ' +
    'gives the same images whatever the batch size and the number of parts.',
  options,
  run: async (values, context) => {
    const { output, tokenizer: tokenizerFolder } = values;
    if (outputKind(output) !== 'safetensors' && tokenizerFolder === undefined) {
      throw new UsageError(`expected --tokenizer DIR to write images to '${output}', got none.`);
    }
    const engine = await context.engine();
    const generator = await loadGenerator(engine, values.checkpoint, values.entropyCheckpoint);
    checkFor(generator, values);
    const tokenizer =
      tokenizerFolder === undefined ? undefined : await loadTokenizer(tokenizerFolder, engine, generator);
    const plan = planOf(values, generator);
    const { labels, first, tokensPerImage: T } = plan;
    const writer = await createSampleWriter(plan, tokenizer);

    context.note(`sample: ${countOf(labels.length, 'image')}, ${generator.kind} model, ${engine.name}`);
    const batchSize = Math.min(values.batchSize, labels.length);
    const progress = context.progress({ label: 'sample', unit: 'tokens', total: labels.length * T });
    const begin = performance.now();
    let made = 0;
    try {
      for (let start = 0; start < labels.length; start += batchSize) {
        const size = Math.min(batchSize, labels.length - start);
        if (await writer.has(start, size)) continue;
        // The last batch is filled up, so that one set of graphs does for all.
        const filled = Int32Array.from({ length: batchSize }, (_, i) => labels[start + Math.min(i, size - 1)] ?? 0);
        const batch = { ...decoding(values), labels: filled, firstIndex: first + start, signal: context.signal };
        const { tokens, patchLengths } = await generateBatch(generator, batch, (position) =>
          progress.update(start * T + position * size),
        );
        await writer.add(start, {
          tokens: tokens.subarray(0, size * T),
          patchLengths: patchLengths.subarray(0, size * T),
        });
        made += size;
      }
    } finally {
      progress.stop();
    }
    await writer.finish();
    const seconds = (performance.now() - begin) / 1000;
    const data = { kind: generator.kind, images: labels.length, generated: made, seconds, engine: engine.name, output };
    return { data, text: `${countOf(labels.length, 'image')} in ${output}, ${made} made in ${seconds.toFixed(1)} s` };
  },
});

/** Options that fit the model. */
function checkFor({ kind, numClasses }: Generator, { classes, threshold, maxPatchLength }: SampleOptions): void {
  const outside = classes.find((label) => label > numClasses);
  if (outside !== undefined) {
    throw new UsageError(
      `--classes: expected classes from 0 to ${numClasses - 1}, or ${numClasses} for none, got ${outside}.`,
    );
  }
  if (kind === 'llamagen' && (threshold !== undefined || maxPatchLength !== undefined)) {
    throw new UsageError('expected --threshold and --max-patch-length with a DPAR model, got a LlamaGen model.');
  }
}

/** Which images are made here, and what all images of the run have in common. */
function planOf(values: SampleOptions, { blockSize }: Generator): SamplePlan {
  const { output, classes, checkpoint, shard = { index: 0, count: 1 } } = values;
  const count = values.count ?? classes.length;
  if (shard.count > count) {
    throw new UsageError(`--shard: expected at most ${count} parts for ${count} images, got ${shard.count}.`);
  }
  const first = Math.floor((shard.index * count) / shard.count);
  const end = Math.floor(((shard.index + 1) * count) / shard.count);
  const labels = Int32Array.from({ length: end - first }, (_, i) => classes[(first + i) % classes.length] ?? 0);
  const settings = { checkpoint, classes, ...decoding(values) };
  return { output, first, labels, tokensPerImage: blockSize, classes: new Set(classes).size, settings };
}

/** How tokens are drawn and patches are made. */
function decoding(values: SampleOptions) {
  const { seed, cfgScale: guidanceScale, greedy, temperature, topK, topP, threshold, maxPatchLength } = values;
  return {
    ...{ seed, guidanceScale, greedy, temperature, topK, topP },
    ...(threshold !== undefined && { threshold }),
    ...(maxPatchLength !== undefined && { maxPatchLength }),
  };
}
