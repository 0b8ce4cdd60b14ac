import { formatStoredType, type StoredDType, type StoredType } from '@dpar/io';
import type { SafetensorsReader } from '@dpar/io/node';
import { checkParameters, formatProblems, type ParameterSpecs, parameterProblems } from '@dpar/nn';
import { DparError, sameShape, type TensorType } from '@dpar/tensor';
import { officialNames, unwrappedName } from './state-dict.js';
import type { FileStateDict, Weights } from './weights-file.js';

/** Element types that weights may be stored in. All are read as float32. */
const floatTypes: ReadonlySet<StoredDType> = new Set<StoredDType>(['F32', 'F16', 'BF16', 'F64', 'F8_E4M3', 'F8_E5M2']);

/** Types of stored weights after reading, for `checkParameters`. */
function weightTypes(stored: ReadonlyMap<string, StoredType>): Record<string, TensorType> {
  const types: Record<string, TensorType> = {};
  for (const [name, { dtype, shape }] of stored) {
    types[name] = { dtype: floatTypes.has(dtype) ? 'float32' : 'int32', shape };
  }
  return types;
}

/** Unsupported entries of a state_dict, by official names. */
export function unreadWeights({ others }: FileStateDict): ReadonlyMap<string, string> {
  return new Map(Array.from(others, ([name, value]) => [unwrappedName(name), value]));
}

/** @throws DparError that lists the weights with an unsupported value. */
export function refuseUnread(
  caller: string,
  path: string,
  unread: ReadonlyMap<string, string>,
  isWeight: (name: string) => boolean,
): void {
  const wrong = [...unread].filter(([name]) => isWeight(name)).map(([name, value]) => `${name}: ${value}`);
  if (wrong.length === 0) return;
  throw new DparError(
    `${caller}: expected tensors of float32, float16, bfloat16 or float64 as weights in '${path}', got ` +
      `${formatProblems(wrong)}. ` +
      'Convert them in PyTorch (to_dense, dequantize, float) and save the file again.',
  );
}

/** @throws DparError if a checkpoint's weights do not fit its model, or have an unsupported type. */
export function checkStoredWeights(
  caller: string,
  folder: string,
  specs: ParameterSpecs,
  { types, unread }: Pick<SafetensorsReader, 'types' | 'unread'>,
): void {
  const values = new Map(Array.from(unread, ([name, type]) => [name, formatStoredType(type)]));
  refuseUnread(caller, folder, values, (name) => Object.hasOwn(specs, name));
  checkParameters(specs, weightTypes(types));
}

/** Tensors without foreign ones of 8-bit types, which are ignored like those of unsupported types. */
export function withoutForeign(tensors: Weights, specs: ParameterSpecs): Weights {
  return new Map([...tensors].filter(([name, { dtype }]) => Object.hasOwn(specs, name) || !dtype.startsWith('F8_')));
}

/** The two tables that models with tied weights share, like LLaMA. Safetensors files hold one of them. */
const tiedTables = ['tok_embeddings.weight', 'output.weight'] as const;

/** The weights, with a copy of the tied table if that is all that is missing. */
export function withTiedTable(weights: Weights, specs: ParameterSpecs): { tensors: Weights; tied: string[] } {
  const missing = Object.keys(specs).filter((name) => !weights.has(name));
  const [embeddings, output] = tiedTables;
  const [absent, other] = missing[0] === output ? [output, embeddings] : [embeddings, output];
  const table = weights.get(other);
  const isTied = missing.length === 1 && missing[0] === absent && table !== undefined;
  if (!isTied || !sameShape(table.shape, specs[absent]?.shape ?? [])) return { tensors: weights, tied: [] };
  return { tensors: new Map(weights).set(absent, table), tied: [`${absent} (tied to ${other})`] };
}

/** @throws DparError that lists missing, unknown and misshapen weights. */
export function checkWeights(
  specs: ParameterSpecs,
  weights: Weights,
  path: string,
  only: 'model' | 'ema' | undefined,
): void {
  if (only !== 'ema') {
    checkParameters(specs, weightTypes(weights));
    return;
  }
  const problems = parameterProblems(specs, weightTypes(weights));
  if (problems.length === 0) return;
  throw new DparError(
    `importCheckpoint: expected all weights of the model in 'ema' of '${path}', got: ${formatProblems(problems)}. ` +
      'Import the model instead: --only model.',
  );
}

/** The moving average, if it fits this model. @param leaveOut Called with the reason if it does not. */
export function averageOf(
  source: FileStateDict,
  specs: ParameterSpecs,
  leaveOut: (why: string) => void,
): Weights | undefined {
  const { tensors } = withTiedTable(officialNames(source.tensors).tensors, specs);
  const problems = parameterProblems(specs, weightTypes(tensors));
  if (problems.length === 0) return tensors;
  leaveOut(`ema: ${formatProblems(problems)}`);
  return undefined;
}
