import { imageModelKinds } from '@dpar/model';
import { type Field, type Fields, type ImageModelKind, type Json, kindNames, kindOfConfig, snakeCase } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { z } from 'zod';
import { checkArguments } from '../check-arguments.js';
import { describeIssue, shapeOf } from './config-issues.js';

const count = z.int().min(1);
const positive = z.number().positive();
const fraction = z.number().min(0).max(1);
const rate = z.number().min(0).lt(1);

/** Schema of the `model` part of a configuration, from the keys of a kind of model. A preset gives what is left out. */
function modelSchema({ name, presets, fields }: ImageModelKind) {
  return z.strictObject({
    kind: z.literal(name),
    preset: z.enum(Object.keys(presets)).optional().describe('Size, of which single keys may be changed'),
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
      'Safetensors file with tokens [N, T], labels [N] and, for DPAR, entropies [N, T - 1]; folder of such shards, or of ' +
        "npy pairs; or folder with LlamaGen's <name>_codes and <name>_labels",
    ),
  entropies: z
    .string()
    .optional()
    .describe('Folder with the entropies, or a file for a file; default: beside the tokens'),
  entropy_checkpoint: z
    .string()
    .optional()
    .describe('Entropy model that the entropies must be of; those that are missing are computed with it'),
  validation: z.string().optional().describe('Data like tokens, of which the validation loss is measured'),
  validation_entropies: z.string().optional().describe('Like entropies, for the validation data'),
  class_dropout: fraction.default(0.1).describe('Probability at which a label becomes the null class'),
  window_batches: count.default(32).describe('Batches that are grouped by patch count together'),
  prefetch_batches: z.int().min(0).default(2).describe('Batches read ahead while a step runs, for data on disk'),
  bucket_ratio: z
    .number()
    .gt(1)
    .optional()
    .describe(
      'Factor between the numbers of patches that are padded to; by default batches are padded to their longest image',
    ),
});

const optimizerKeys = z.strictObject({
  learning_rate: positive.default(1e-4).describe('The highest learning rate'),
  schedule: z.enum(['constant', 'cosine']).default('constant').describe('How the learning rate changes'),
  warmup_steps: z.int().min(0).default(0).describe('Steps in which a cosine schedule rises to the learning rate'),
  final_fraction: fraction.default(0).describe('Where a cosine schedule ends, as a fraction of the learning rate'),
  betas: z.tuple([rate, rate]).default([0.9, 0.95]).describe("AdamW's decay rates of the moments"),
  epsilon: positive.default(1e-8).describe("AdamW's epsilon"),
  weight_decay: z.number().min(0).default(0.05).describe('Decay of tensors of 2 or more dimensions'),
  max_gradient_norm: positive.default(1).describe('Gradients are shortened to this norm'),
  average_decay: fraction
    .nullable()
    .default(null)
    .describe('Decay of the moving average of the parameters; null: none'),
});

const dropoutKeys = z.strictObject({
  token: rate.default(0).describe("Of embedded tokens (the paper's is 0.1)"),
  residual: rate.default(0).describe("Of what attention adds (the paper's is 0.1)"),
  feed_forward: rate.default(0).describe("Of what feed-forward layers add (the paper's is 0.1)"),
});

const checkpointKeys = z.strictObject({
  every: count.nullable().default(null).describe('Steps between checkpoints; null: only at the end'),
  keep: count.default(3).describe('The newest checkpoints that are kept'),
  best: z
    .boolean()
    .default(true)
    .describe('The checkpoint with the lowest validation loss is kept too, written when that is measured'),
});

const sampleKeys = z.strictObject({
  every: count.describe('Steps between grids of images; one is drawn after the last step too'),
  classes: z
    .array(z.union([z.int().min(0), z.string()], { error: 'a class by its number from 0 up, or by its name' }))
    .min(1)
    .optional()
    .describe(
      'Classes of the images, in turn, by number or by the name in classes.json of the data; default: the first eight, or all if there are fewer',
    ),
  count: count.default(16).describe('Images of a grid'),
  guidance_scale: z.number().min(0).default(2).describe('Scale of classifier-free guidance, 1 for none'),
  temperature: positive.default(1).describe('Divides the logits'),
  top_k: z.int().min(0).default(0).describe('Draws from the k most likely tokens, 0 for all'),
  top_p: z.number().gt(0).max(1).default(1).describe('Draws from the fewest tokens of this probability'),
  seed: z.int().min(0).default(0).describe('Decides on the draws, which are the same in each grid'),
  tokenizer: z.string().describe('Checkpoint folder of the tokenizer'),
  entropy_checkpoint: z
    .string()
    .optional()
    .describe('Checkpoint folder of the entropy model, for patches by entropy; default: that of the data'),
});

function schemaOf(kind: ImageModelKind) {
  return z.strictObject({
    model: modelSchema(kind).describe('The model: its kind, and a preset or its keys'),
    data: dataKeys.describe('What is learnt from'),
    optimizer: optimizerKeys.prefault({}).describe('AdamW and the learning rate'),
    steps: count.describe('Optimizer steps of the run'),
    dropout: dropoutKeys.prefault({}).describe('Probabilities at which activations become zero'),
    batch_size: count.default(32).describe('Images of a step, B'),
    accumulation_steps: count.default(1).describe('Parts of a batch, one after the other: less memory, same result'),
    recompute_blocks: z
      .boolean()
      .default(false)
      .describe('Blocks are computed again in the backward pass: less memory, a third more work'),
    initialization: z
      .enum(['paper', 'narrow'])
      .default('paper')
      .describe(
        "Standard deviation of weights at the start: 'paper' 0.02, 'narrow' 0.7 over the root of the inputs, for widths well below 768",
      ),
    seed: z.int().min(0).default(0).describe('Decides on initial weights, order and dropout'),
    validate_every: count.nullable().default(null).describe('Steps between validations; null: only at the end'),
    checkpoints: checkpointKeys.prefault({}).describe('When checkpoints are written, and which are kept'),
    samples: sampleKeys.optional().describe('Images that `dpar train` draws while it trains; default: none'),
    output: z.string().describe('Folder that is written'),
  });
}

const schemas = new Map(imageModelKinds.map((kind) => [kind.name, schemaOf(kind)]));

/** The `model` part of a training configuration: keys of the kind's config.json, and a preset that gives the others. */
export interface ModelSettings extends Json {
  readonly kind: string;
  readonly preset?: string | undefined;
}

/** A training configuration, as `dpar train --config` reads it: snake_case keys, defaults filled in. */
export interface TrainConfig extends Omit<z.infer<ReturnType<typeof schemaOf>>, 'model'> {
  model: ModelSettings;
}

/**
 * Reads a training configuration from parsed JSON and fills in defaults.
 * @param settings Changes, each `a.b=value` with a value in JSON; what is not JSON is taken as text.
 * @throws DparError naming the key that is wrong; for an unknown key, the nearest one that exists.
 */
export function readTrainConfig(json: unknown, settings: readonly string[] = []): TrainConfig {
  checkArguments('readTrainConfig', { json, settings }, { 'json?': 'any', 'settings?': 'string[]' });

  return parseTrainConfig('readTrainConfig', settings.reduce(withSetting, json));
}

/** A configuration with its defaults filled in. @throws DparError as {@link readTrainConfig}, in the name of `where`. */
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

/** The configuration with `samples.guidance_scale` under that name, also where it has the older name `cfg_scale`. */
function withCurrentNames(json: unknown): unknown {
  const { samples } = Object(json) as { samples?: object };
  const { cfg_scale: scale, ...others } = Object(samples) as Record<string, unknown>;
  if (scale === undefined || 'guidance_scale' in others) return json;
  return { ...Object(json), samples: { ...others, guidance_scale: scale } };
}

/** Keys that depend on one another. */
function checkTogether(where: string, { optimizer, steps, batch_size, accumulation_steps }: TrainConfig): void {
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

/** Keys of the configuration of a kind of model, with their descriptions: `optimizer.learning_rate` and so on. */
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

/** JSON with a change such as `optimizer.learning_rate=1e-3`. @throws DparError if it is none. */
export function withSetting(json: unknown, setting: string): unknown {
  const match = /^([\w.]+)=(.*)$/s.exec(setting);
  const [, path = '', text = ''] = match ?? [];
  if (match === null) {
    throw new DparError(
      `readTrainConfig: expected a setting such as 'optimizer.learning_rate=1e-3', got '${setting}'.`,
    );
  }
  if (/^[+-]?\d+$/.test(text) && !Number.isSafeInteger(Number(text))) {
    throw new DparError(
      `readTrainConfig: expected '${path}' to be a whole number up to ${Number.MAX_SAFE_INTEGER}, got ${text}. ` +
        'Its last digits would be lost: choose a smaller one.',
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
