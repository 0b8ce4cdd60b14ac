import { join } from 'node:path';
import { writeFileAtomic } from '@dpar/io/node';
import { partsOf } from '@dpar/shards';
import type { Engine, HostTensor, Tensors } from '@dpar/tensor';
import { modelFromSettings, type TrainConfig } from '@dpar/train';
import { classesOfData, watchFiles } from '@dpar/train/node';
import { CommandError } from '../errors.js';
import { Grid, gridColumns, gridLayout } from '../images.js';
import type { JsonObject } from '../json-file.js';
import { loadModel, type ModelContent } from '../model.js';
import { describeUnknownClass } from '../sample/classes.js';
import { ImageDecoder } from '../sample/decode.js';
import { createGenerator, generateBatch, needsEntropyModel } from '../sample/generator.js';
import { loadTokenizer } from '../tokenizer.js';

/** Draws grids of images while a model trains. */
export interface SampleGrids {
  /** Whether a grid is drawn after a step. */
  isDue(step: number): boolean;
  /**
   * Draws a grid with the weights as they are: the same random numbers each time.
   * @returns The path of the PNG file. @throws the signal's reason when it is aborted.
   */
  draw(step: number, parameters: Tensors<HostTensor>, signal: AbortSignal): Promise<string>;
}

type SampleSettings = NonNullable<TrainConfig['samples']>;

/** Classes that are drawn if none are named: as many as fit beside one another. */
const defaultClasses = 8;

/** Images that are generated together. */
const batchSize = 16;

/** Folder of the grids in that of a run. */
export const samplesFolder = (output: string): string => join(output, watchFiles.samples);

/** `samples/step-000500.png` of a run. */
export function samplePath(output: string, step: number): string {
  return join(samplesFolder(output), `step-${String(step).padStart(6, '0')}.png`);
}

/**
 * Prepares what the configuration asks for: loads tokenizer and entropy model, and checks that all of it goes together.
 * @returns undefined if no samples are asked for.
 * @throws CommandError or DparError for settings with which no image could be drawn.
 */
export async function prepareSamples(config: TrainConfig, engine: Engine): Promise<SampleGrids | undefined> {
  const { samples: settings, output, steps } = config;
  if (settings === undefined) return undefined;
  const { configJson, nullClass, ...model } = modelFromSettings(config.model);
  if (nullClass === undefined) {
    throw new CommandError(
      `samples: expected a model with classes (dpar or llamagen), got "${model.kind}", ` +
        'which predicts no first token and so cannot draw an image. Leave samples out.',
    );
  }
  const labels = labelsOf(await classNumbers(config, nullClass), settings.count, nullClass);
  const tokens = { blockSize: model.tokensPerImage, vocabSize: model.vocabSize };
  const decoder = new ImageDecoder(await loadTokenizer(settings.tokenizer, engine, tokens), tokens.blockSize);
  const layout = gridLayout(labels.length, gridColumns(labels.length, new Set(labels).size), decoder.imageSize);
  const entropyModel = await entropyModelOf(config, configJson);
  const generatorOf = (parameters: Tensors<HostTensor>) =>
    createGenerator(engine, { config: configJson, parameters }, entropyModel);
  // Models that do not go together are refused when a generator is made, before it needs weights.
  generatorOf({});
  return {
    isDue: (step) => step % settings.every === 0 || step === steps,
    draw: async (step, parameters, signal) => {
      const generator = generatorOf(parameters);
      const grid = new Grid(layout);
      try {
        for (const { start, count } of partsOf({ start: 0, count: labels.length }, batchSize)) {
          const options = {
            ...decodingOf(settings),
            ...{ labels: labels.subarray(start, start + count), firstIndex: start, signal },
          };
          const { tokens: drawn } = await generateBatch(generator, options, () => {});
          grid.draw(start, await decoder.decode(drawn, count));
        }
      } finally {
        await generator.dispose();
      }
      const path = samplePath(output, step);
      await writeFileAtomic(path, grid.png());
      return path;
    },
  };
}

/** The classes that are drawn, of which the configuration may name some as the data do. */
async function classNumbers({ samples, data }: TrainConfig, numClasses: number): Promise<number[]> {
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
      `samples.classes: expected classes from 0 to ${numClasses - 1}, or ${numClasses} for none, got ${outside}.`,
    );
  }
  return Int32Array.from({ length: count }, (_, i) => drawn[i % drawn.length] ?? 0);
}

/** The entropy model of the samples, or else that of the training data. */
async function entropyModelOf(
  { samples, data }: TrainConfig,
  configJson: JsonObject,
): Promise<ModelContent | undefined> {
  if (!needsEntropyModel(configJson)) return undefined;
  const folder = samples?.entropy_checkpoint ?? data.entropy_checkpoint;
  if (folder !== undefined) return loadModel(folder, ['entropy']);
  throw new CommandError(
    'samples: expected entropy_checkpoint, the folder of an entropy model, for a DPAR model with patches by entropy, ' +
      'got none. Pass the one that the entropies of the training data come from.',
  );
}

function decodingOf({ seed, temperature, top_k: topK, top_p: topP, cfg_scale: guidanceScale }: SampleSettings) {
  return { seed, temperature, topK, topP, guidanceScale };
}
