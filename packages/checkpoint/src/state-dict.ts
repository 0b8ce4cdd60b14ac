import {
  entriesOf,
  formatPyTorchValue,
  PyTorchTensor,
  type PyTorchValue,
  PythonObject,
  type StoredType,
  UnreadTensor,
} from '@dpar/io';
import { DparError } from '@dpar/tensor';
import { kindOfNames } from './kinds.js';

/** Keys of a model's state_dict in training checkpoints of LlamaGen, DeepSpeed, Lightning and others. */
const modelKeys = ['model', 'module', 'state_dict', 'model_state_dict'];

/** Keys of the moving average of a model's weights. */
const averageKeys = ['ema', 'model_ema', 'ema_model', 'ema_state_dict'];

/** Deepest nesting of dicts that is searched for a state_dict. */
const maximumDepth = 3;

/** Deepest nesting of modules in a model that was saved whole. */
const maximumModules = 32;

/** Parts of names that PyTorch's wrappers insert: `torch.compile`, FSDP, activation checkpointing. */
const wrapperParts = /(^|\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)(?=\.)/g;

/** Prefixes of parallel wrappers, Lightning and wrappers of averages. */
const wrapperPrefix = /^\.?((module|model|net|network|gpt)\.)*/;

/** Computed tables that some versions of LlamaGen store, and unused counters. */
const computed = /(^|\.)(freqs_cis|causal_mask|k_cache|v_cache|codebook_used)$|^(n_averaged|num_updates|decay)$/;

/** Tensors of a model by their official names. */
export interface StateDict<T> {
  readonly tensors: ReadonlyMap<string, T>;
  /** Tensors that are not weights. */
  readonly ignored: ReadonlyMap<string, T>;
}

/** A state_dict in a PyTorch file. */
export interface FoundStateDict {
  readonly tensors: ReadonlyMap<string, PyTorchTensor>;
  /** Other entries, as text: tensors of unsupported types, and values that are not tensors. */
  readonly others: ReadonlyMap<string, string>;
}

/**
 * Finds a model's state_dict in a value that `torch.save` wrote: under a usual key, as the value itself, or under any other
 * key. Of several, the first with the names of a known model wins.
 * @returns `undefined` if there is none
 */
export function findStateDict(value: PyTorchValue): FoundStateDict | undefined {
  const usual = candidates(value, 0);
  const entries = entriesOf(value);
  const unusual = [...(entries?.keys() ?? [])].filter((key) => !averageKeys.includes(String(key)));
  const others = unusual.flatMap((key) => candidates(entries?.get(key), 1));
  return [...usual, ...others].find(isModel) ?? usual[0];
}

/** Finds the moving average of a model's weights in a value that `torch.save` wrote. */
export function findAverage(value: PyTorchValue): FoundStateDict | undefined {
  const entries = entriesOf(value);
  const found = averageKeys.flatMap((key) => candidates(entries?.get(key), 1));
  return found.find(isModel) ?? found[0];
}

function candidates(value: PyTorchValue | undefined, depth: number): FoundStateDict[] {
  const entries = entriesOf(value);
  const inner = depth < maximumDepth ? modelKeys.flatMap((key) => candidates(entries?.get(key), depth + 1)) : [];
  const own = stateDictOf(value);
  return own === undefined ? inner : [...inner, own];
}

function isModel({ tensors, others }: FoundStateDict): boolean {
  return kindOfNames(Array.from([...tensors.keys(), ...others.keys()], unwrappedName)) !== undefined;
}

/** A dict, or a module that was saved whole, as a state_dict; `undefined` if it has no tensors. */
function stateDictOf(value: PyTorchValue | undefined): FoundStateDict | undefined {
  const tensors = new Map<string, PyTorchTensor>();
  const others = new Map<string, string>();
  let hasTensors = false;
  const entries: Iterable<readonly [PyTorchValue, PyTorchValue]> = entriesOf(value) ?? moduleTensors(value, '', 0);
  for (const [name, tensor] of entries) {
    if (typeof name !== 'string') continue;
    hasTensors ||= tensor instanceof PyTorchTensor || tensor instanceof UnreadTensor;
    if (tensor instanceof PyTorchTensor) tensors.set(name, tensor);
    else others.set(name, formatPyTorchValue(tensor));
  }
  return hasTensors ? { tensors, others } : undefined;
}

/** Parameters and buffers of a pickled `torch.nn.Module`, under the names of its `state_dict`. */
function* moduleTensors(
  value: PyTorchValue | undefined,
  prefix: string,
  depth: number,
): Generator<readonly [string, PyTorchValue]> {
  const state = value instanceof PythonObject ? entriesOf(value.state) : undefined;
  if (state === undefined || depth > maximumModules) return;
  for (const kind of ['_parameters', '_buffers']) {
    for (const [name, tensor] of entriesOf(state.get(kind)) ?? []) if (tensor !== null) yield [prefix + name, tensor];
  }
  for (const [name, module] of entriesOf(state.get('_modules')) ?? []) {
    yield* moduleTensors(module, `${prefix}${name}.`, depth + 1);
  }
}

/** A parameter's name without the parts that wrappers insert. */
export function unwrappedName(name: string): string {
  return name.replaceAll(wrapperParts, '').replace(wrapperPrefix, '');
}

/**
 * Tensors under their official names, without the parts that wrappers insert. Computed tables are separated.
 *
 * @throws DparError if two tensors get the same name.
 */
export function officialNames<T extends StoredType>(tensors: ReadonlyMap<string, T>): StateDict<T> {
  const official = new Map<string, T>();
  const ignored = new Map<string, T>();
  for (const [wrapped, tensor] of tensors) {
    const name = unwrappedName(wrapped);
    if (computed.test(name)) ignored.set(name, tensor);
    else if (official.has(name)) {
      throw new DparError(`importCheckpoint: expected each parameter once, got '${name}' twice. Save the bare model.`);
    } else official.set(name, tensor);
  }
  return { tensors: official, ignored };
}
