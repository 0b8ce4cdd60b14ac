import { imageModelKinds } from '@dpar/model';
import type { ImageModelKind, Json } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { z } from 'zod';
import { trainedValues } from '../step/trained.js';
import { checkpointKeys, count, fraction, modelSchema, optimizerSchema, positive, rate } from './config-keys.js';

const dataKeys = z.strictObject({
  tokens: z
    .string()
    .describe(
      'Training data: a safetensors file with tokens [N, T], labels [N] and, for DPAR, entropies [N, T - 1]; a folder of ' +
        "such files or of npy pairs; or a folder with LlamaGen's <name>_codes and <name>_labels",
    ),
  entropies: z
    .string()
    .optional()
    .describe('Folder with the entropies, or a file for tokens in one file; default: beside the tokens'),
  entropy_checkpoint: z
    .string()
    .optional()
    .describe(
      'Entropy model, or DPAR model with a boundary head, for missing entropies. Entropies of another model are an error',
    ),
  validation: z.string().optional().describe('Data for the validation loss, in the same form as tokens'),
  validation_entropies: z
    .string()
    .optional()
    .describe('Entropies of the validation data, in the same form as entropies'),
  class_dropout: fraction.default(0.1).describe('Probability that a label becomes the null class'),
  window_batches: count.default(32).describe('Batches per window; the images of a window are grouped by patch count'),
  prefetch_batches: z.int().min(0).default(2).describe('Batches to read ahead, for data on disk'),
  bucket_ratio: z
    .number()
    .gt(1)
    .optional()
    .describe(
      'Ratio of neighbouring patch counts to which batches are padded; default: a batch is padded to its longest image',
    ),
});

const dropoutKeys = z.strictObject({
  token: rate.default(0).describe('Rate for embedded tokens (paper: 0.1)'),
  residual: rate.default(0).describe('Rate for the outputs of attention (paper: 0.1)'),
  feed_forward: rate.default(0).describe('Rate for the outputs of feed-forward layers (paper: 0.1)'),
});

const sampleKeys = z.strictObject({
  every: count.describe('Steps between grids of images. The last step also gets one'),
  classes: z
    .array(z.union([z.int().min(0), z.string()], { error: 'a class number from 0 or a class name' }))
    .min(1)
    .optional()
    .describe(
      'Classes of the images, in turn, by number or by name (classes.json of the data); default: the first eight',
    ),
  count: count.default(16).describe('Images per grid'),
  guidance_scale: z.number().min(0).default(2).describe('Scale of classifier-free guidance; 1: no guidance'),
  temperature: positive.default(1).describe('Divisor of the logits'),
  top_k: z.int().min(0).default(0).describe('Number k of most likely tokens to draw from; 0: all'),
  top_p: z.number().gt(0).max(1).default(1).describe('Total probability of the most likely tokens to draw from'),
  seed: z.int().min(0).default(0).describe('Seed of the draws, the same for each grid'),
  labels: z
    .boolean()
    .default(true)
    .describe("Write the classes' names over the columns or before the rows, if classes.json of the data has them"),
  tokenizer: z.string().describe('Checkpoint folder of the tokenizer'),
  entropy_checkpoint: z
    .string()
    .optional()
    .describe('Checkpoint folder of the entropy model; default: that of the data'),
});

/** Schema of the training configuration of a model of image tokens. */
export function imageModelSchema(kind: ImageModelKind) {
  return z.strictObject({
    model: modelSchema(kind, imageModelKinds).describe('Model: its kind, and a preset or all its keys'),
    data: dataKeys.describe('Training and validation data'),
    optimizer: optimizerSchema({ learningRate: 1e-4, betas: [0.9, 0.95], weightDecay: 0.05 })
      .prefault({})
      .describe('AdamW and the learning rate'),
    steps: count.describe('Optimizer steps of the run'),
    dropout: dropoutKeys.prefault({}).describe('Dropout rates'),
    token_noise: rate
      .default(0)
      .describe('Probability at which a token that the model reads becomes any code, while the right one is predicted'),
    batch_size: count.default(32).describe('Images per step, B'),
    accumulation_steps: count.default(1).describe('Passes per batch: less memory, same result'),
    recompute_blocks: z
      .boolean()
      .default(false)
      .describe('Recompute blocks in the backward pass: less memory, a third more work'),
    initialization: z
      .enum(['paper', 'narrow'])
      .default('paper')
      .describe(
        "Standard deviation of initial weights: 'paper' 0.02; 'narrow' 0.7 / sqrt(inputs), for widths well below 768",
      ),
    init_from: z
      .string()
      .optional()
      .describe(
        'Weights to start from: a checkpoint folder, or the folder of a run (its best, else its last). Parameters of the same ' +
          'name and shape are taken, rows of classes by their names; the seed draws the others',
      ),
    train: z
      .enum(trainedValues)
      .default('all')
      .describe(
        'Parameters to train: all; boundary_head, on given entropies, without dropout; or except_boundary_head, all that the ' +
          'head does not depend on',
      ),
    seed: z.int().min(0).default(0).describe('Seed of initial weights, order of images and dropout'),
    validate_every: count.nullable().default(null).describe('Steps between validations; null: only at the end'),
    checkpoints: checkpointKeys.prefault({}).describe('Checkpoints to write and to keep'),
    samples: sampleKeys.optional().describe('Images that `dpar train` generates during training; default: none'),
    output: z.string().describe('Folder to write'),
  });
}

/** Checks keys that depend on one another. */
export function checkImageModelKeys(where: string, config: z.infer<ReturnType<typeof imageModelSchema>>): void {
  const { batch_size, accumulation_steps } = config;
  checkTrained(where, config);
  checkNoise(where, config);
  if (batch_size % accumulation_steps !== 0) {
    throw new DparError(
      `${where}: expected 'accumulation_steps' to divide the ${batch_size} of 'batch_size', got ` +
        `${accumulation_steps}. Change one of the two.`,
    );
  }
}

/** Checks that a boundary head is trained on tokens without noise. */
function checkNoise(where: string, { model, train, token_noise }: z.infer<ReturnType<typeof imageModelSchema>>): void {
  if (token_noise === 0 || train === 'except_boundary_head' || (model as Json).boundary_head === undefined) return;
  throw new DparError(
    `${where}: expected 'token_noise' 0 where a boundary head is trained, got ${token_noise}. Set 'train' to ` +
      '"except_boundary_head", and train the head in another run.',
  );
}

/** Checks the keys of a run that trains a part of a model. */
function checkTrained(where: string, { model, train, init_from }: z.infer<ReturnType<typeof imageModelSchema>>): void {
  if (train === 'all') return;
  if ((model as Json).boundary_head === undefined) {
    throw new DparError(
      `${where}: expected a DPAR model with 'model.boundary_head' for 'train' ${JSON.stringify(train)}, got a model of kind ` +
        `${JSON.stringify(model.kind)} without one. Add the head, or set 'train' to "all".`,
    );
  }
  if (init_from === undefined) {
    throw new DparError(
      `${where}: expected 'init_from' for 'train' ${JSON.stringify(train)}, which leaves other parameters as they start, got ` +
        'none. Set it to the checkpoint of a trained model.',
    );
  }
}
