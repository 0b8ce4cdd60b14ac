import { entriesOf, PyTorchTensor, type PyTorchValue, type WritablePyTorchValue } from '@dpar/io';
import { DparError, float32, type Shape, sameShape } from '@dpar/tensor';
import type { Moments } from '@dpar/train';
import { unwrappedName } from './state-dict.js';

/** Settings that `torch.optim.AdamW` keeps with its state. */
export interface OptimizerSettings {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** Names and shapes of parameters, in the order in which the model has them. */
export type ParameterShapes = readonly (readonly [name: string, shape: Shape])[];

/**
 * Names in the order in which `torch.optim.AdamW` numbers parameters when LlamaGen's training scripts make it
 * (`creat_optimizer`): a group of those with 2 or more dimensions, which decay, then one of the others.
 */
function groupsOf(parameters: ParameterShapes): readonly [decayed: string[], others: string[]] {
  const names = (decayed: boolean): string[] =>
    parameters.filter(([, shape]) => shape.length >= 2 === decayed).map(([name]) => name);
  return [names(true), names(false)];
}

/**
 * The state_dict of `torch.optim.AdamW`, of parameters grouped as LlamaGen's training scripts do.
 *
 * @param step Updates done.
 * @param momentsOf Values to write for the moments of a parameter.
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

/** What an optimizer remembers, by parameter. */
export interface OptimizerState {
  readonly step: number;
  readonly moments: ReadonlyMap<string, Readonly<Record<keyof Moments, PyTorchTensor>>>;
}

/**
 * Reads the state_dict of `torch.optim.AdamW`; undefined before its first step. Which parameter a state is of, its key says
 * where keys are names, or `param_names`; else the order of the model's parameters, in groups as LlamaGen's training scripts
 * make them, or in one group.
 *
 * @param readStep Reads a step that is stored as a tensor.
 * @throws DparError if it is of another optimizer or other parameters.
 */
export async function parseOptimizerState(
  value: PyTorchValue,
  parameters: ParameterShapes,
  readStep: (tensor: PyTorchTensor) => Promise<number>,
): Promise<OptimizerState | undefined> {
  const [states, groups] = [entriesOf(entry(value, 'state')), entry(value, 'param_groups')];
  if (states === undefined || !Array.isArray(groups)) throw unfit("'state' and 'param_groups'", 'others');
  if (states.size === 0) return undefined;
  const names = namesOf(groups, parameters);
  if (states.size !== parameters.length) throw unfit(`states of ${parameters.length} parameters`, `${states.size}`);
  const moments = new Map<string, Readonly<Record<keyof Moments, PyTorchTensor>>>();
  const steps = new Set<number>();
  for (const [name, shape] of parameters) {
    const state: PyTorchValue = states.get(names.get(name) ?? null) ?? null;
    const [first, second] = [entry(state, 'exp_avg'), entry(state, 'exp_avg_sq')];
    if (entry(state, 'max_exp_avg_sq') instanceof PyTorchTensor) throw unfit('amsgrad false', 'max_exp_avg_sq of true');
    if (!isMoment(first, shape) || !isMoment(second, shape)) {
      const keys = [...(entriesOf(state)?.keys() ?? [])].join(', ') || 'none';
      throw unfit(`exp_avg and exp_avg_sq of shape [${shape.join(', ')}] for '${name}'`, keys);
    }
    moments.set(name, { first, second });
    const step = entry(state, 'step');
    steps.add(step instanceof PyTorchTensor ? await readStep(step) : Number(step));
  }
  const [step] = steps;
  if (steps.size !== 1 || !Number.isSafeInteger(step)) throw unfit('one number of steps', [...steps].join(', '));
  return { step: step as number, moments };
}

/** The number of each parameter's state, by the parameter's name. */
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

/** The names of parameters that are named, not numbered, as in states gathered of FSDP. */
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
      "Take the weights alone: dpar import --only model, or { only: 'model' } in JavaScript.",
  );
}
