import { PyTorchTensor, type PyTorchValue, type StoredType } from '@dpar/io';
import { DparError } from '@dpar/tensor';

/** Keys under which training scripts keep a model's state_dict: LlamaGen's, DeepSpeed's, Lightning's, others'. */
const modelKeys = ['model', 'module', 'state_dict', 'model_state_dict'];

/** Parts of names that PyTorch's wrappers of modules put in: compile, FSDP, checkpointing of activations. */
const wrapperParts = /(^|\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)/g;

/** Tables that some versions of LlamaGen keep beside the weights, and that are computed here; a count of codes that is not used. */
const computed = /(^|\.)(freqs_cis|causal_mask|k_cache|v_cache|codebook_used)$/;

/** Tensors of a model by their official names. */
export interface StateDict<T> {
  readonly tensors: ReadonlyMap<string, T>;
  /** What is no weight. */
  readonly ignored: ReadonlyMap<string, T>;
}

/** The state_dict in a value that `torch.save` wrote: under one of the usual keys, or the value itself; undefined if none. */
export function findStateDict(value: PyTorchValue): ReadonlyMap<string, PyTorchTensor> | undefined {
  if (!(value instanceof Map)) return undefined;
  const key = modelKeys.find((name) => value.has(name));
  return stateDictOf(key === undefined ? value : value.get(key));
}

/** A dict as a state_dict: all its tensors; undefined if it has none. */
export function stateDictOf(value: PyTorchValue | undefined): ReadonlyMap<string, PyTorchTensor> | undefined {
  const tensors = new Map<string, PyTorchTensor>();
  for (const [name, tensor] of value instanceof Map ? value : []) {
    if (typeof name === 'string' && tensor instanceof PyTorchTensor) tensors.set(name, tensor);
  }
  return tensors.size > 0 ? tensors : undefined;
}

/** A parameter's name without the parts that wrappers put in. */
export function unwrappedName(name: string): string {
  return name.replaceAll(wrapperParts, '').replace(/^\./, '');
}

/**
 * Puts names as modules within others have them back to the official ones, and leaves out what is computed.
 *
 * @throws DparError if two tensors get the same name.
 */
export function officialNames<T extends StoredType>(tensors: ReadonlyMap<string, T>): StateDict<T> {
  const names = Array.from(tensors.keys(), unwrappedName);
  const wrapped = names.every((name) => name.startsWith('module.')); // DistributedDataParallel
  const official = new Map<string, T>();
  const ignored = new Map<string, T>();
  [...tensors.values()].forEach((tensor, i) => {
    const name = (names[i] as string).slice(wrapped ? 'module.'.length : 0);
    if (computed.test(name)) ignored.set(name, tensor);
    else if (official.has(name)) {
      throw new DparError(`importCheckpoint: expected each parameter once, got '${name}' twice. Save the bare model.`);
    } else official.set(name, tensor);
  });
  return { tensors: official, ignored };
}
