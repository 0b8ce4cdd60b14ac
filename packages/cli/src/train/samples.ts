import { join } from 'node:path';
import { type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import { writeFileAtomic } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { type ImageArchitecture, type ImageModel, nullClassOf } from '@dpar/nn';
import { Grid, gridColumns, gridLayout, ImageDecoder } from '@dpar/pipeline';
import { needsEntropyModel } from '@dpar/sampler';
import type { Engine, HostTensor, Tensors } from '@dpar/tensor';
import { architectureFromSettings, type ImageModelTrainConfig } from '@dpar/train';
import { classesOfData, watchFiles } from '@dpar/train/node';
import { CommandError } from '../command/errors.js';
import { gridLabels, labelledGrid } from '../images/labelled-grid.js';
import { describeUnknownClass, withNumbers } from '../sample/classes.js';
import { createGenerator, drawParts } from '../sample/generator.js';
import { loadTokenizer } from '../tokenizer.js';

/** Draws grids of images while a model trains. */
export interface SampleGrids {
  /** True if a grid is drawn after a step. */
  isDue(step: number): boolean;
  /**
   * Draws a grid with the current weights and the same random numbers each time.
   * @returns The path of the PNG file. @throws the signal's reason when it is aborted.
   */
  draw(step: number, parameters: Tensors<HostTensor>, signal: AbortSignal): Promise<string>;
}

type SampleSettings = NonNullable<ImageModelTrainConfig['samples']>;

/** Number of classes that are drawn by default, one column each. */
const defaultClasses = 8;

/** Folder of a run's grids. */
export const samplesFolder = (output: string): string => join(output, watchFiles.samples);

/** Path of a run's grid: `samples/step-000500.png`. */
export function samplePath(output: string, step: number): string {
  return join(samplesFolder(output), `step-${String(step).padStart(6, '0')}.png`);
}

/**
 * Loads the tokenizer and the entropy model of a configuration's samples, and checks that they fit the model.
 * @returns undefined for a configuration without samples.
 * @throws CommandError or DparError for settings that cannot draw an image.
 */
export async function prepareSamples(config: ImageModelTrainConfig, engine: Engine): Promise<SampleGrids | undefined> {
  const { samples: settings, output, steps } = config;
  if (settings === undefined) return undefined;
  const architecture = architectureFromSettings(config.model);
  const nullClass = nullClassOf(architecture);
  if (nullClass === undefined) {
    throw new CommandError(
      `samples: expected a model with classes (dpar or llamagen), got "${architecture.kind.name}", ` +
        'which predicts no first token and so cannot draw an image. Leave samples out.',
    );
  }
  const labels = labelsOf(await classNumbers(config, nullClass), settings.count, nullClass);
  const tokens = architecture.config;
  const decoder = new ImageDecoder(await loadTokenizer(settings.tokenizer, engine, tokens), tokens.blockSize);
  const layout = gridLayout(labels.length, gridColumns(labels.length, new Set(labels).size), decoder.imageSize);
  const known = settings.labels ? await classesOfData(config.data, nullClass) : undefined;
  const names = gridLabels(labels, layout.columns, known && withNumbers(known.names, nullClass));
  const entropyModel = await entropyModelOf(config, architecture);
  const generatorOf = (parameters: Tensors<HostTensor>) =>
    createGenerator(engine, { ...architecture, parameters }, { entropyModel });
  // Models that do not go together are refused when a generator is made, before it needs weights.
  generatorOf({});
  return {
    isDue: (step) => step % settings.every === 0 || step === steps,
    draw: async (step, parameters, signal) => {
      const generator = generatorOf(parameters);
      const grid = new Grid(layout);
      try {
        const options = { ...decodingOf(settings), labels, signal };
        for await (const { start, images } of drawParts(generator, decoder, options)) grid.draw(start, images);
      } finally {
        await generator.dispose();
      }
      const path = samplePath(output, step);
      await writeFileAtomic(path, names ? await labelledGrid(grid.picture, names) : grid.png());
      return path;
    },
  };
}

/** Numbers of the classes to draw. The configuration can give them by name. */
async function classNumbers({ samples, data }: ImageModelTrainConfig, numClasses: number): Promise<number[]> {
  const { classes } = samples ?? {};
  if (classes === undefined) return Array.from({ length: Math.min(defaultClasses, numClasses) }, (_, label) => label);
  const known = classes.some((part) => typeof part === 'string') ? await classesOfData(data, numClasses) : undefined;
  return classes.map((part) => {
    const number = typeof part === 'number' ? part : (known?.names.indexOf(part) ?? -1);
    if (number >= 0) return number;
    throw new CommandError(`samples.classes: ${describeUnknownClass(String(part), data.tokens, known)}`);
  });
}

function labelsOf(drawn: readonly number[], count: number, numClasses: number): Int32Array {
  const outside = drawn.find((label) => label > numClasses);
  if (outside !== undefined) {
    throw new CommandError(
      `samples.classes: expected classes from 0 to ${numClasses - 1}, or ${numClasses} for the null class, got ${outside}.`,
    );
  }
  return Int32Array.from({ length: count }, (_, i) => drawn[i % drawn.length] ?? 0);
}

/** Entropy model of the samples. Default: the entropy model of the training data, for a model without a boundary head. */
async function entropyModelOf(
  { samples, data }: ImageModelTrainConfig,
  architecture: ImageArchitecture,
): Promise<ImageModel<EntropyModelConfig> | undefined> {
  const needed = needsEntropyModel(architecture);
  const folder = samples?.entropy_checkpoint ?? (needed ? data.entropy_checkpoint : undefined);
  if (folder === undefined && !needed) return undefined;
  if (folder !== undefined) return loadModel(folder, { kinds: [entropyKind] });
  throw new CommandError(
    'samples: expected entropy_checkpoint, the folder of an entropy model, for a DPAR model with patches by entropy, ' +
      'got none. Pass the entropy model of the training data.',
  );
}

function decodingOf({ seed, temperature, top_k: topK, top_p: topP, guidance_scale: guidanceScale }: SampleSettings) {
  return { seed, temperature, topK, topP, guidanceScale };
}
