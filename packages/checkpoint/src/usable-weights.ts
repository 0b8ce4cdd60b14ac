import { formatStoredType } from '@dpar/io';
import type { SafetensorsReader } from '@dpar/io/node';
import { checkParameters, formatProblems, type ParameterSpecs, parameterProblems } from '@dpar/nn';
import { DparError, sameShape } from '@dpar/tensor';
import { officialNames, unwrappedName } from './state-dict.js';
import { weightTypes } from './weight-types.js';
import type { FileStateDict, Weights } from './weights-file.js';

/** What of a state_dict is not read, by official names. */
export function unreadWeights({ others }: FileStateDict): ReadonlyMap<string, string> {
  return new Map(Array.from(others, ([name, value]) => [unwrappedName(name), value]));
}

/** @throws DparError that lists values that are not read where the model has its weights. */
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

/** @throws DparError if a checkpoint's weights are not those of its model, or of a type that is not read. */
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

/** Tensors without those of 8-bit types that are no weights of the model: as little asked for as those that are not read. */
export function withoutForeign(tensors: Weights, specs: ParameterSpecs): Weights {
  return new Map([...tensors].filter(([name, { dtype }]) => Object.hasOwn(specs, name) || !dtype.startsWith('F8_')));
}

/** The two tables that some models share, as LLaMA's do: files of safetensors keep one of them. */
const tiedTables = ['tok_embeddings.weight', 'output.weight'] as const;

/** The weights with the table that a file leaves out because it is the same as another, if nothing else is missing. */
export function withTiedTable(weights: Weights, specs: ParameterSpecs): { tensors: Weights; tied: string[] } {
  const missing = Object.keys(specs).filter((name) => !weights.has(name));
  const [embeddings, output] = tiedTables;
  const [absent, other] = missing[0] === output ? [output, embeddings] : [embeddings, output];
  const table = weights.get(other);
  const isTied = missing.length === 1 && missing[0] === absent && table !== undefined;
  if (!isTied || !sameShape(table.shape, specs[absent]?.shape ?? [])) return { tensors: weights, tied: [] };
  return { tensors: new Map(weights).set(absent, table), tied: [`${absent} (tied to ${other})`] };
}

/** @throws DparError that says which weights of the file are not those of the model. */
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
      'Take the model itself: --only model.',
  );
}

/** The moving average, if it is that of this model; else undefined. @param leaveOut Gets the reason then. */
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
