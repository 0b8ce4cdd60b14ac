import { entriesOf, PyTorchTensor, type PyTorchValue, type WritablePyTorchValue } from '@dpar/io';
import { DparError, float32, type Shape, sameShape } from '@dpar/tensor';
import type { Moments } from '@dpar/train';
import { unwrappedName } from './state-dict.js';
import { shownKeys } from './weights-file.js';

/** Settings that `torch.optim.AdamW` stores with its state. */
export interface OptimizerSettings {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** Names and shapes of parameters, in the model's order. */
export type ParameterShapes = readonly (readonly [name: string, shape: Shape])[];

/**
 * Names in the order in which `torch.optim.AdamW` numbers the parameters in LlamaGen's training scripts
 * (`creat_optimizer`): a group of tensors with 2 or more dimensions, which decay, then a group of the others.
 */
function groupsOf(parameters: ParameterShapes): readonly [decayed: string[], others: string[]] {
  const names = (decayed: boolean): string[] =>
    parameters.filter(([, shape]) => shape.length >= 2 === decayed).map(([name]) => name);
  return [names(true), names(false)];
}

/**
 * State_dict of `torch.optim.AdamW` with the parameter groups of LlamaGen's training scripts.
 *
 * @param step Number of finished updates.
 * @param momentsOf Moments of a parameter, to be written.
 */
export function formatOptimizerState(
  parameters: ParameterShapes,
  step: number,
  settings: OptimizerSettings,
  momentsOf: (name: string) => Readonly<Record<keyof Moments, WritablePyTorchValue>>,
): WritablePyTorchValue {
  const groups = groupsOf(parameters);
  const state = groups.flat().map((name, index): [number, WritablePyTorchValue] => {
    const { first, second } = momentsOf(name);
    // Each parameter's step is a tensor of its own: PyTorch counts it up in place.
    return [index, { step: float32([], [step]), exp_avg: first, exp_avg_sq: second }];
  });
  const { learningRate, betas, epsilon, weightDecay } = settings;
  let index = 0;
  const paramGroups = groups.map((names, group) => ({
    lr: learningRate,
    betas: Object.freeze([...betas]),
    eps: epsilon,
    weight_decay: group === 0 ? weightDecay : 0,
    amsgrad: false,
    maximize: false,
    foreach: null,
    capturable: false,
    differentiable: false,
    fused: null,
    params: names.map(() => index++),
    param_names: names,
  }));
  return { state: new Map(state), param_groups: paramGroups };
}

/** State of an optimizer. */
export interface OptimizerState {
  /** Number of finished updates. */
  readonly step: number;
  /** Moments by parameter name. */
  readonly moments: ReadonlyMap<string, Readonly<Record<keyof Moments, PyTorchTensor>>>;
}

/**
 * Reads the state_dict of `torch.optim.AdamW`. A state belongs to the parameter that its key or `param_names` names.
 * Without names, states have the model's order, in one group or in the groups of LlamaGen's training scripts.
 *
 * @param readNumber Reads a step that is stored as a tensor.
 * @returns `undefined` before the first step
 * @throws DparError if the state belongs to another optimizer or to other parameters.
 */
export async function parseOptimizerState(
  value: PyTorchValue,
  parameters: ParameterShapes,
  readNumber: (tensor: PyTorchTensor) => Promise<number>,
): Promise<OptimizerState | undefined> {
  const states = entriesOf(entry(value, 'state'));
  const groups = entry(value, 'param_groups');
  if (states === undefined || !Array.isArray(groups))
    throw unfit("'state' and 'param_groups'", shownKeys(entriesOf(value)));
  if (states.size === 0) return undefined;
  const names = namesOf(groups, parameters);
  // A run that trains a part of a model has states of these parameters only.
  const trained = parameters.filter(([name]) => names.has(name));
  if (states.size !== trained.length) throw unfit(`states of ${parameters.length} parameters`, `${states.size}`);
  const moments = new Map<string, Readonly<Record<keyof Moments, PyTorchTensor>>>();
  const steps = new Set<number>();
  for (const [name, shape] of trained) {
    const state: PyTorchValue = states.get(names.get(name) ?? null) ?? null;
    const first = entry(state, 'exp_avg');
    const second = entry(state, 'exp_avg_sq');
    if (entry(state, 'max_exp_avg_sq') instanceof PyTorchTensor) throw unfit('amsgrad false', 'amsgrad true');
    if (!isMoment(first, shape) || !isMoment(second, shape)) {
      throw unfit(`exp_avg and exp_avg_sq of shape [${shape.join(', ')}] for '${name}'`, shownKeys(entriesOf(state)));
    }
    moments.set(name, { first, second });
    const step = entry(state, 'step');
    steps.add(step instanceof PyTorchTensor ? await readNumber(step) : Number(step));
  }
  const [step] = steps;
  if (steps.size !== 1 || !Number.isSafeInteger(step)) throw unfit('one number of steps', [...steps].join(', '));
  return { step: step as number, moments };
}

/** Key of each parameter's state, by the name of the parameter. */
function namesOf(groups: readonly PyTorchValue[], parameters: ParameterShapes): Map<PyTorchValue, PyTorchValue> {
  const list = (group: PyTorchValue, key: string): readonly PyTorchValue[] | undefined => {
    const items = entry(group, key);
    return Array.isArray(items) ? items : undefined;
  };
  const numbers = groups.map((group) => list(group, 'params') ?? []);
  const expected = groups.length === 1 ? [parameters.map(([name]) => name)] : groupsOf(parameters);
  const names = groups.map(
    (group, i) => list(group, 'param_names') ?? namedThemselves(numbers[i]) ?? expected[i] ?? [],
  );
  const sizes = (lists: readonly (readonly unknown[])[]): string => lists.map(({ length }) => length).join(' and ');
  if (sizes(numbers) !== sizes(names)) throw unfit(`groups of ${sizes(expected)} parameters`, sizes(numbers));
  return new Map(names.flat().map((name, i) => [name, numbers.flat()[i] as PyTorchValue]));
}

/** Names of parameters, if the group has names instead of numbers, as in states gathered from FSDP. */
function namedThemselves(params: readonly PyTorchValue[] | undefined): readonly PyTorchValue[] | undefined {
  const names = params?.map((param) => (typeof param === 'string' ? unwrappedName(param) : undefined));
  return names?.every((name) => name !== undefined) ? names : undefined;
}

function entry(value: PyTorchValue, key: string): PyTorchValue {
  return entriesOf(value)?.get(key) ?? null;
}

function isMoment(value: PyTorchValue, shape: Shape): value is PyTorchTensor {
  return value instanceof PyTorchTensor && sameShape(value.shape, shape);
}

function unfit(expected: string, got: string): DparError {
  return new DparError(
    `parseOptimizerState: expected the state of torch.optim.AdamW with ${expected}, got ${got}. ` +
      "Import only the weights: dpar import --only model, or { only: 'model' } in JavaScript.",
  );
}
