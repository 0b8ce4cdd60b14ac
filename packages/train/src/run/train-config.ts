import { imageModelKinds } from '@dpar/model';
import { type Json, kindNames, kindOfConfig, type ModelKind } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { tokenizerKinds } from '@dpar/tokenizer';
import { z } from 'zod';
import { checkArguments } from '../check-arguments.js';
import { describeIssue, shapeOf } from './config-issues.js';
import { checkImageModelKeys, imageModelSchema } from './image-model-config.js';
import { checkTokenizerKeys, tokenizerSchema } from './tokenizer-config.js';

/** All kinds of models that can be trained. */
export const trainableKinds: readonly ModelKind[] = [...imageModelKinds, ...tokenizerKinds];

const imageSchemas = new Map(imageModelKinds.map((kind) => [kind.name, imageModelSchema(kind)]));
const tokenizerSchemas = new Map(tokenizerKinds.map((kind) => [kind.name, tokenizerSchema(kind)]));

/** The `model` part of a training configuration: keys of the kind's config.json. A preset provides omitted keys. */
export interface ModelSettings extends Json {
  readonly kind: string;
  readonly preset?: string | undefined;
}

type WithModel<C> = Omit<C, 'model'> & { model: ModelSettings };

/** Training configuration of a model of image tokens: snake_case keys, with all defaults. */
export type ImageModelTrainConfig = WithModel<z.infer<ReturnType<typeof imageModelSchema>>>;

/** Training configuration of a tokenizer: snake_case keys, with all defaults. */
export type TokenizerTrainConfig = WithModel<z.infer<ReturnType<typeof tokenizerSchema>>>;

/** A training configuration of `dpar train --config`: snake_case keys, with all defaults. */
export type TrainConfig = ImageModelTrainConfig | TokenizerTrainConfig;

/** True for the training configuration of a tokenizer. */
export function isTokenizerConfig(config: TrainConfig): config is TokenizerTrainConfig {
  checkArguments('isTokenizerConfig', { config }, { config: { model: { kind: 'string', '*': 'any' }, '*': 'any' } });
  return tokenizerSchemas.has(config.model.kind);
}

/** Training configuration of a model of image tokens. @throws DparError naming `caller` for that of a tokenizer. */
export function imageModelConfig(caller: string, config: TrainConfig): ImageModelTrainConfig {
  checkArguments('imageModelConfig', { caller, config }, { caller: 'string', config: 'object' });
  if (!isTokenizerConfig(config)) return config;
  throw new DparError(
    `${caller}: expected the configuration of a model of kind ${kindNames(imageModelKinds)}, got one of a tokenizer ` +
      `("${config.model.kind}"). Pass that of a model of image tokens.`,
  );
}

/** Training configuration of a tokenizer. @throws DparError naming `caller` for that of another model. */
export function tokenizerConfig(caller: string, config: TrainConfig): TokenizerTrainConfig {
  checkArguments('tokenizerConfig', { caller, config }, { caller: 'string', config: 'object' });
  if (isTokenizerConfig(config)) return config;
  throw new DparError(
    `${caller}: expected the configuration of a tokenizer (${kindNames(tokenizerKinds)}), got one of kind ` +
      `"${config.model.kind}". Pass that of a tokenizer.`,
  );
}

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
  const schema = imageSchemas.get(kind ?? '') ?? tokenizerSchemas.get(kind ?? '');
  if (schema === undefined) {
    throw new DparError(
      `${where}: expected 'model.kind' to be ${kindNames(trainableKinds)}, got ${JSON.stringify(kind)}. ` +
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
  const { optimizer, steps } = config;
  if (isTokenizerConfig(config)) checkTokenizerKeys(where, config);
  else checkImageModelKeys(where, config);
  if (optimizer.schedule === 'cosine' && optimizer.warmup_steps >= steps) {
    throw new DparError(
      `${where}: expected 'optimizer.warmup_steps' below the ${steps} of 'steps', got ${optimizer.warmup_steps}. ` +
        'Warm up for fewer steps.',
    );
  }
}

/** Keys of the configuration of a model kind, with their descriptions: `optimizer.learning_rate` and so on. */
export function trainConfigKeys(kind: string): { key: string; description: string }[] {
  checkArguments('trainConfigKeys', { kind }, { kind: 'string' });

  kindOfConfig('trainConfigKeys', trainableKinds, { kind });
  return keysOf(imageSchemas.get(kind) ?? (tokenizerSchemas.get(kind) as z.ZodType), '');
}

function keysOf(schema: z.ZodType, prefix: string): { key: string; description: string }[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, field]) => [
    { key: prefix + name, description: `${field.description ?? ''}${defaultOf(field)}` },
    ...keysOf(field, `${prefix}${name}.`),
  ]);
}

/** ` (default: 0.1)`; an empty text for a key without a default, or where the description names it. */
function defaultOf(field: z.ZodType): string {
  const named = /\bdefault\b|\bnull: /i.test(field.description ?? '');
  if (named || !(field instanceof z.ZodDefault)) return '';
  const value: unknown = field.def.defaultValue;
  return ` (default: ${typeof value === 'string' ? value : JSON.stringify(value)})`;
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
