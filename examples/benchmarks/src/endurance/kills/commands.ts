import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportOnnx } from '@dpar/engine-ort';
import { pixelsOf, randomImages, writePngs } from '@dpar/fixtures';
import { formatNpz } from '@dpar/io';
import { writeJson } from '@dpar/io/node';
import { saveModel } from '@dpar/model/node';
import { initializeParameters, modelOf } from '@dpar/nn';
import { named } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import { tinyDpar, tinyModel } from '../tiny-models.js';
import { runDpar } from './dpar.js';

/** A command that is killed and started again. */
export interface KilledCommand {
  readonly name: string;
  /** Share of all kills, relative to the others. Fewer where a run takes longer. */
  readonly weight: number;
  /** Makes what it reads, in the folder of inputs. */
  prepare?(inputs: string): Promise<void>;
  /** Arguments. @param output Path that the command writes. It is the same in all runs. */
  argv(inputs: string, output: string): readonly string[];
  /** Name of the output. */
  readonly output: string;
  /** Files with times in them, by the ends of their paths. JSON is compared without the times, other files only by name. */
  readonly timed?: RegExp;
}

const images = 64;

/** Makes the files that several commands read. */
export async function prepareInputs(inputs: string, seed: number): Promise<void> {
  const tokenizer = { kind: 'patch-vq', image_size: 16, patch_size: 2, codebook_size: 16, hidden_dim: 16 };
  const parameters = initializeParameters(patchVqKind.specs(patchVqKind.readConfig(tokenizer)), seed);
  await saveModel(join(inputs, 'tokenizer'), modelOf(patchVqKind, tokenizer, parameters));
  for (const name of ['dpar-head', 'entropy'] as const) await saveModel(join(inputs, name), tinyModel(name, seed));
  const bytes = pixelsOf(randomImages(images, seed, 16, 16));
  const arr_0 = { dtype: 'U8' as const, shape: [images, 16, 16, 3], bytes };
  const arr_1 = {
    dtype: 'I64' as const,
    shape: [images],
    bytes: new Uint8Array(8 * images).map((_, i) => +(i % 16 === 0)),
  };
  await writeFile(join(inputs, 'images.npz'), formatNpz({ arr_0, arr_1 }));
}

const tokenize = (inputs: string, output: string): string[] => [
  ...['tokenize', '--tokenizer', join(inputs, 'tokenizer'), '--input', join(inputs, 'images.npz')],
  ...['--flip', '--part-size', '2', '--output', output],
];

/** Makes the tokens that other commands read. */
async function makeTokens(inputs: string): Promise<void> {
  await runDpar(tokenize(inputs, join(inputs, 'tokens')));
}

/** The commands, each with an input so small that starting takes a large part of the time. */
export const killedCommands: readonly KilledCommand[] = [
  { name: 'tokenize', weight: 4, argv: tokenize, output: 'tokens' },
  {
    name: 'entropy',
    weight: 4,
    prepare: makeTokens,
    argv: (inputs, output) => [
      ...['entropy', '--checkpoint', join(inputs, 'entropy'), '--input', join(inputs, 'tokens')],
      ...['--output', output],
    ],
    output: 'entropies',
  },
  {
    name: 'train',
    weight: 4,
    prepare: async (inputs) => {
      await writeJson(join(inputs, 'train.json'), {
        model: tinyDpar,
        data: {
          tokens: join(inputs, 'tokens'),
          validation: join(inputs, 'tokens'),
          entropy_checkpoint: join(inputs, 'entropy'),
        },
        steps: 24,
        batch_size: 4,
        validate_every: 8,
        optimizer: { average_decay: 0.9 },
        checkpoints: { every: 3, keep: 2 },
      });
    },
    argv: (inputs, output) => [
      ...['train', '--config', join(inputs, 'train.json'), '--set', `output=${output}`, '--resume'],
    ],
    output: 'run',
    timed: /(metrics\.jsonl|\.html|run\.json|status\.json)$/,
  },
  {
    name: 'create',
    weight: 2,
    prepare: async (inputs) => {
      const pictures = randomImages(26, 5, 40, 40);
      await writePngs(join(inputs, 'pictures'), pictures, (i) => `${i % 2 === 0 ? 'even' : 'odd'}/${i}.png`);
    },
    argv: (inputs, output) => [
      ...[
        'create',
        join(inputs, 'pictures'),
        '--output',
        output,
        '--size',
        'XS',
        '--resolution',
        '32',
        '--minutes',
        '1',
      ],
      ...[
        'tokenizer.steps=6',
        'entropy.steps=6',
        'dpar.steps=9',
        'dpar.samples.count=2',
        'dpar.checkpoints.every=3',
      ].flatMap((setting) => ['--set', setting]),
    ],
    output: 'created',
    timed: /(metrics\.jsonl|\.html|run\.json|create\.json|status\.json)$/,
  },
  {
    name: 'sample',
    weight: 4,
    argv: (inputs, output) => [
      ...['sample', '--checkpoint', join(inputs, 'dpar-head'), '--tokenizer', join(inputs, 'tokenizer')],
      ...['--classes', '0-4', '--count', '40', '--batch-size', '2', '--threshold', '2.7', '--output', output],
    ],
    output: 'samples.npz',
  },
  {
    name: 'features',
    weight: 4,
    prepare: (inputs) => writeFile(join(inputs, 'means.onnx'), blockMeans()),
    argv: (inputs, output) => [
      ...['features', '--images', join(inputs, 'images.npz'), '--features', join(inputs, 'means.onnx')],
      ...['--range', 'unit', '--part-size', '2', '--batch-size', '2', '--output', output],
    ],
    output: 'features',
  },
  {
    name: 'merge',
    weight: 4,
    // Training keeps entropies beside the tokens.
    argv: (inputs, output) => ['merge', '--input', join(inputs, 'tokens'), '--kind', 'tokens', '--output', output],
    output: 'merged',
  },
];

/** A network of features as an ONNX file: the means of blocks of 8 x 8 pixels of two images. */
function blockMeans(): Uint8Array {
  const images = { dtype: 'float32' as const, shape: [2, 3, 16, 16] };
  return exportOnnx(
    (ops, inputs) => {
      const pooled = ops.averagePool2d(named(inputs, 'images'), { kernel: [8, 8], stride: 8 });
      return { pool: ops.reshape(pooled, [2, 12]) };
    },
    { images },
  );
}
