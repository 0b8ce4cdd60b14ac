import { DparError, type HostTensor, isDparError, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type ArgumentKinds, type Fields, isObject } from './config.js';
import { checkParameters, type ParameterSpecs } from './parameters.js';

/** Parsed JSON object with snake_case keys. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * A kind of model: everything that other code needs to know about models of this kind. C is the type of their
 * configuration, in camelCase.
 */
export interface ModelKind<C extends object = object> {
  /** Value of `kind` in config.json. */
  readonly name: string;
  /** Name in messages, such as `DPAR`. */
  readonly title: string;
  /** Keys of the configuration, with their values, meanings and defaults. */
  readonly fields: Fields<C>;
  /**
   * Named sizes: functions from the given settings, such as `block_size`, to the keys of config.json that the size decides.
   */
  readonly presets: Readonly<Record<string, (given: Json) => Json>>;
  /** Returns the keys of config.json that follow from given training settings (default: none). */
  derived?(given: Json): Json;
  /** Reads the content of config.json. @throws DparError naming the wrong key. */
  readConfig(json: unknown): C;
  /** Returns the content of config.json, with its `kind`. */
  writeConfig(config: C): Record<string, unknown>;
  /** Returns the parameters by official name, in the official order. */
  specs(config: C): ParameterSpecs;
  /** Names of tensors in official files that are not parameters and are ignored (default: none). */
  readonly ignored?: readonly string[];
  /** Returns true if tensors with these names are weights of such a model. Some may be missing, and others added. */
  recognise(names: readonly string[]): boolean;
}

/** A model without its weights. */
export interface Architecture<C extends object = object> {
  readonly kind: ModelKind<C>;
  readonly config: C;
}

/** A model: its kind, its configuration and its weights. */
export interface Model<C extends object = object> extends Architecture<C> {
  /** By official name, float32. */
  readonly parameters: Tensors<HostTensor>;
}

/** Kinds of an {@link Architecture}, for argument checks. */
export const architectureArgument: ArgumentKinds = {
  kind: { name: 'string', specs: 'function', '*': 'any' },
  config: 'object',
  '*': 'any',
};

/** Kinds of a {@link Model}, for argument checks. */
export const modelArgument: ArgumentKinds = { ...architectureArgument, parameters: 'object' };

const kindArgument: ArgumentKinds = { name: 'string', readConfig: 'function', '*': 'any' };

/**
 * Finds the kind that a config.json names.
 * @param caller Function that the error names.
 * @param folder Checkpoint folder, for the error.
 * @throws DparError if `kind` is missing or not among `kinds`.
 */
export function kindOfConfig<K extends ModelKind>(
  caller: string,
  kinds: readonly K[],
  json: unknown,
  folder?: string,
): K {
  checkArguments(
    'kindOfConfig',
    { caller, kinds, json, folder },
    { caller: 'string', kinds: 'object[]', 'json?': 'any', 'folder?': 'string' },
  );

  const name = (json as { readonly kind?: unknown } | null | undefined)?.kind;
  const found = kinds.find((kind) => kind.name === name);
  if (found !== undefined) return found;
  throw new DparError(
    `${caller}: expected a model of kind ${kindNames(kinds)}${folder === undefined ? '' : ` in '${folder}'`}, ` +
      `got ${JSON.stringify(name) ?? "no 'kind'"} in its config.json. Pass the checkpoint of such a model.`,
  );
}

/** Lists names of kinds for messages: `"dpar", "llamagen" or "entropy"`. */
export function kindNames(kinds: readonly { readonly name: string }[]): string {
  checkArguments('kindNames', { kinds }, { kinds: 'object[]' });
  const names = kinds.map(({ name }) => `"${name}"`);
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/**
 * Reads an architecture from training settings: the keys of a preset, changed by the given keys.
 * @param settings Keys of config.json in snake_case, and `preset`; `kind` is ignored.
 * @throws DparError naming a missing or wrong key, or an unknown preset.
 */
export function architectureOf<K extends ModelKind>(
  kind: K,
  settings: Json,
): { readonly kind: K; readonly config: ConfigOf<K> } {
  checkArguments('architectureOf', { kind, settings }, { kind: kindArgument, settings: 'object' });

  const { kind: _, preset, ...given } = settings;
  const size = preset === undefined ? {} : presetKeys(kind, preset, given);
  const keys = [size, given].reduce(merged, kind.derived?.(given) ?? {});
  return { kind, config: kind.readConfig(keys) as ConfigOf<K> };
}

function presetKeys({ name, presets }: ModelKind, preset: unknown, given: Json): Json {
  const found = Object.entries(presets).find(([key]) => key === preset);
  if (found !== undefined) return found[1](given);
  const known = Object.keys(presets).join(', ');
  throw new DparError(
    `architectureOf: expected 'preset' of a ${name} model to be one of ${known}, got ${JSON.stringify(preset)}. ` +
      'Correct the name, or leave it out and give all sizes.',
  );
}

/** Merges two objects and the objects nested in both. Keys of the second win. */
function merged(first: Json, second: Json): Json {
  const result: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(second)) {
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return result;
}

/** Configuration type of a kind of model. */
export type ConfigOf<K extends ModelKind> = ReturnType<K['readConfig']>;

/** A model whose kind is known to the type checker. */
export interface ModelOfKind<K extends ModelKind> {
  readonly kind: K;
  readonly config: ConfigOf<K>;
  readonly parameters: Tensors<HostTensor>;
}

/**
 * Makes a model from the content of a checkpoint.
 * @param kind Kind of the model, see {@link kindOfConfig}.
 * @param json Content of config.json.
 * @throws DparError naming a wrong key, or parameters that do not fit the configuration.
 */
export function modelOf<K extends ModelKind>(kind: K, json: unknown, parameters: Tensors<HostTensor>): ModelOfKind<K> {
  checkArguments('modelOf', { kind, json, parameters }, { kind: kindArgument, 'json?': 'any', parameters: 'object' });

  const config = kind.readConfig(json) as ConfigOf<K>;
  return { kind, config, parameters: checkedParameters({ kind, config, parameters }) };
}

/**
 * Makes a model, or its configuration, of files.
 * @param place Folder or address of the files.
 * @throws the errors of `make`; a DparError also names the place.
 */
export function madeFromFiles<V>(caller: string, place: string, make: () => V): V {
  checkArguments('madeFromFiles', { caller, place, make }, { caller: 'string', place: 'string', make: 'function' });
  try {
    return make();
  } catch (cause) {
    if (!isDparError(cause)) throw cause;
    throw new DparError(`${caller}: expected a valid model in '${place}', got a wrong one. ${cause.message}`, {
      cause,
    });
  }
}

/**
 * Parameters of a model without the ignored tensors of official files.
 * @throws DparError if they do not fit the configuration.
 */
export function checkedParameters(model: Model): Tensors<HostTensor> {
  checkArguments('checkedParameters', { model }, { model: modelArgument });
  const { kind, config, parameters } = model;
  const used = Object.entries(parameters).filter(([name]) => !kind.ignored?.includes(name));
  const weights = Object.fromEntries(used);
  checkParameters(kind.specs(config), weights);
  return weights;
}
