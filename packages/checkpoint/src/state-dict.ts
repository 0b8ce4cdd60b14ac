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
import { kindOfNames } from './recognise.js';

/** Keys under which training scripts keep a model's state_dict: LlamaGen's, DeepSpeed's, Lightning's, others'. */
const modelKeys = ['model', 'module', 'state_dict', 'model_state_dict'];

/** Keys under which they keep the moving average of a model's weights. */
const averageKeys = ['ema', 'model_ema', 'ema_model', 'ema_state_dict'];

/** Deepest nesting of dicts in which a state_dict is looked for. */
const maximumDepth = 3;

/** Deepest nesting of modules that is read of a model that was saved whole. */
const maximumModules = 32;

/** Parts of names that PyTorch's wrappers of modules put in: compile, FSDP, checkpointing of activations. */
const wrapperParts = /(^|\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)(?=\.)/g;

/** What parallel wrappers, Lightning and wrappers of averages put before each name. */
const wrapperPrefix = /^\.?((module|model|net|network|gpt)\.)*/;

/** Tables that some versions of LlamaGen keep beside the weights, and that are computed here; counts that are not used. */
const computed = /(^|\.)(freqs_cis|causal_mask|k_cache|v_cache|codebook_used)$|^(n_averaged|num_updates|decay)$/;

/** Tensors of a model by their official names. */
export interface StateDict<T> {
  readonly tensors: ReadonlyMap<string, T>;
  /** What is no weight. */
  readonly ignored: ReadonlyMap<string, T>;
}

/** A state_dict in a PyTorch file. */
export interface FoundStateDict {
  readonly tensors: ReadonlyMap<string, PyTorchTensor>;
  /** What stands under its other names, as text: tensors that are not read, and values of other kinds. */
  readonly others: ReadonlyMap<string, string>;
}

/**
 * The state_dict of a model in a value that `torch.save` wrote: under one of the usual keys, the value itself, or under any
 * other key; undefined if there is none. Where several are there, the first whose names are those of a model.
 */
export function findStateDict(value: PyTorchValue): FoundStateDict | undefined {
  const usual = candidates(value, 0);
  const entries = entriesOf(value);
  const unusual = [...(entries?.keys() ?? [])].filter((key) => !averageKeys.includes(String(key)));
  const others = unusual.flatMap((key) => candidates(entries?.get(key), 1));
  return [...usual, ...others].find(isModel) ?? usual[0];
}

/** The moving average of a model's weights in a value that `torch.save` wrote; undefined if there is none. */
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

/** A dict, or a module that was saved whole, as a state_dict; undefined if it has no tensors, of any type. */
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

/** Parameters and buffers of a pickled `torch.nn.Module`, named as its `state_dict` names them. */
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

/** A parameter's name without the parts that wrappers put in. */
export function unwrappedName(name: string): string {
  return name.replaceAll(wrapperParts, '').replace(wrapperPrefix, '');
}

/**
 * Puts names as modules within others have them back to the official ones, and leaves out what is computed.
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
