import { imageModelKinds } from '@dpar/model';
import { type Field, type Fields, type ImageModelKind, type Json, kindNames, kindOfConfig, snakeCase } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { z } from 'zod';
import { checkArguments } from '../check-arguments.js';
import { trainedValues } from '../step/trained.js';
import { describeIssue, shapeOf } from './config-issues.js';

const count = z.int().min(1);
const positive = z.number().positive();
const fraction = z.number().min(0).max(1);
const rate = z.number().min(0).lt(1);

/** Schema of the `model` part of a configuration, from the keys of a model kind. A preset provides omitted keys. */
function modelSchema({ name, presets, fields }: ImageModelKind) {
  return z.strictObject({
    kind: z.literal(name).describe(`Kind of model: ${kindNames(imageModelKinds)}`),
    preset: z.enum(Object.keys(presets)).optional().describe('Named size. The other keys of the model change it'),
    ...fieldSchemas(fields),
  });
}

function fieldSchemas<C extends object>(fields: Fields<C>): Record<string, z.ZodType> {
  const schemas: Record<string, z.ZodType> = {};
  for (const [name, { parse, expected, about, fields: inner }] of Object.entries<Field<unknown>>(fields)) {
    if (about === undefined) continue;
    const isValid = (value: unknown): boolean => parse(value, name, '') !== undefined;
    const schema = inner ? z.strictObject(fieldSchemas(inner)) : z.custom(isValid, { error: expected });
    schemas[snakeCase(name)] = schema.optional().describe(about);
  }
  return schemas;
}

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

const optimizerKeys = z.strictObject({
  learning_rate: positive.default(1e-4).describe('Peak learning rate'),
  schedule: z
    .enum(['constant', 'cosine'])
    .default('constant')
    .describe('Schedule of the learning rate: constant or cosine'),
  warmup_steps: z.int().min(0).default(0).describe('Steps in which a cosine schedule rises to its peak'),
  final_fraction: fraction.default(0).describe('Final value of a cosine schedule, as a fraction of the learning rate'),
  betas: z.tuple([rate, rate]).default([0.9, 0.95]).describe("Decay rates of AdamW's moments"),
  epsilon: positive.default(1e-8).describe("AdamW's epsilon"),
  weight_decay: z.number().min(0).default(0.05).describe('Weight decay of tensors with 2 or more dimensions'),
  max_gradient_norm: positive.default(1).describe('Largest global norm of the gradients; larger ones are clipped'),
  average_decay: fraction
    .nullable()
    .default(null)
    .describe('Decay of a moving average of the parameters; null: no average'),
});

const dropoutKeys = z.strictObject({
  token: rate.default(0).describe('Rate for embedded tokens (paper: 0.1)'),
  residual: rate.default(0).describe('Rate for the outputs of attention (paper: 0.1)'),
  feed_forward: rate.default(0).describe('Rate for the outputs of feed-forward layers (paper: 0.1)'),
});

const checkpointKeys = z.strictObject({
  every: count.nullable().default(null).describe('Steps between checkpoints; null: only at the end'),
  keep: count.default(3).describe('Number of newest checkpoints to keep'),
  best: z.boolean().default(true).describe('Also write and keep the checkpoint with the lowest validation loss'),
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

function schemaOf(kind: ImageModelKind) {
  return z.strictObject({
    model: modelSchema(kind).describe('Model: its kind, and a preset or all its keys'),
    data: dataKeys.describe('Training and validation data'),
    optimizer: optimizerKeys.prefault({}).describe('AdamW and the learning rate'),
    steps: count.describe('Optimizer steps of the run'),
    dropout: dropoutKeys.prefault({}).describe('Dropout rates'),
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

const schemas = new Map(imageModelKinds.map((kind) => [kind.name, schemaOf(kind)]));

/** The `model` part of a training configuration: keys of the kind's config.json. A preset provides omitted keys. */
export interface ModelSettings extends Json {
  readonly kind: string;
  readonly preset?: string | undefined;
}

/** A training configuration of `dpar train --config`: snake_case keys, with all defaults. */
export type TrainConfig = Omit<z.infer<ReturnType<typeof schemaOf>>, 'model'> & { model: ModelSettings };

/**
 * Reads a training configuration from parsed JSON and fills in defaults.
 * @param settings Changes, each `a.b=value` with a value in JSON or, if it is not JSON, a text.
 * @throws DparError naming the invalid key; for an unknown key, the nearest valid one.
 */
export function readTrainConfig(json: unknown, settings: readonly string[] = []): TrainConfig {
  checkArguments('readTrainConfig', { json, settings }, { 'json?': 'any', 'settings?': 'string[]' });

  return parseTrainConfig('readTrainConfig', settings.reduce(withSetting, json));
}

/**
 * Fills in the defaults of a configuration. @throws DparError as {@link readTrainConfig}, with `where` as the name of
 * the function.
 */
export function parseTrainConfig(where: string, json: unknown): TrainConfig {
  const current = withCurrentNames(json);
  const kind = z.looseObject({ model: z.looseObject({ kind: z.string() }) }).safeParse(current).data?.model.kind;
  const schema = schemas.get(kind ?? '');
  if (schema === undefined) {
    throw new DparError(
      `${where}: expected 'model.kind' to be ${kindNames(imageModelKinds)}, got ${JSON.stringify(kind)}. ` +
        "Correct 'model.kind'.",
    );
  }
  const result = schema.safeParse(current);
  if (!result.success) {
    const sentences = result.error.issues.map((issue) => describeIssue(issue, current, schema));
    throw new DparError(`${where}: ${sentences.join(' Also ')}`);
  }
  checkTogether(where, result.data);
  return result.data;
}

/** Renames the older `samples.cfg_scale` to `samples.guidance_scale`. */
function withCurrentNames(json: unknown): unknown {
  const { samples } = Object(json) as { samples?: object };
  const { cfg_scale: scale, ...others } = Object(samples) as Record<string, unknown>;
  if (scale === undefined || 'guidance_scale' in others) return json;
  return { ...Object(json), samples: { ...others, guidance_scale: scale } };
}

/** Checks keys that depend on one another. */
function checkTogether(where: string, config: TrainConfig): void {
  const { optimizer, steps, batch_size, accumulation_steps } = config;
  checkTrained(where, config);
  if (optimizer.schedule === 'cosine' && optimizer.warmup_steps >= steps) {
    throw new DparError(
      `${where}: expected 'optimizer.warmup_steps' below the ${steps} of 'steps', got ${optimizer.warmup_steps}. ` +
        'Warm up for fewer steps.',
    );
  }
  if (batch_size % accumulation_steps !== 0) {
    throw new DparError(
      `${where}: expected 'accumulation_steps' to divide the ${batch_size} of 'batch_size', got ` +
        `${accumulation_steps}. Change one of the two.`,
    );
  }
}

/** Checks the keys of a run that trains a part of a model. */
function checkTrained(where: string, { model, train, init_from }: TrainConfig): void {
  if (train === 'all') return;
  if (model.boundary_head === undefined) {
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

/** Keys of the configuration of a model kind, with their descriptions: `optimizer.learning_rate` and so on. */
export function trainConfigKeys(kind: string): { key: string; description: string }[] {
  checkArguments('trainConfigKeys', { kind }, { kind: 'string' });

  return keysOf(schemaOf(kindOfConfig('trainConfigKeys', imageModelKinds, { kind })), '');
}

function keysOf(schema: z.ZodType, prefix: string): { key: string; description: string }[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, field]) => [
    { key: prefix + name, description: field.description ?? '' },
    ...keysOf(field, `${prefix}${name}.`),
  ]);
}

/** Applies a change such as `optimizer.learning_rate=1e-3` to JSON. @throws DparError for any other text. */
export function withSetting(json: unknown, setting: string): unknown {
  checkArguments('withSetting', { json, setting }, { 'json?': 'any', setting: 'string' });

  const match = /^([\w.]+)=(.*)$/s.exec(setting);
  const [, path = '', text = ''] = match ?? [];
  if (match === null) {
    throw new DparError(
      `readTrainConfig: expected a setting such as 'optimizer.learning_rate=1e-3', got '${setting}'. Write KEY=VALUE.`,
    );
  }
  if (/^[+-]?\d+$/.test(text) && !Number.isSafeInteger(Number(text))) {
    throw new DparError(
      `readTrainConfig: expected '${path}' to be a whole number up to ${Number.MAX_SAFE_INTEGER}, got ${text}. ` +
        'Choose a smaller one.',
    );
  }
  return changed(json, path.split('.'), parsed(text));
}

function changed(json: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const object = typeof json === 'object' && json !== null && !Array.isArray(json) ? Object.entries(json) : [];
  const fields = new Map<string, unknown>(object);
  fields.set(name, changed(fields.get(name), rest, value));
  return Object.fromEntries(fields);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
