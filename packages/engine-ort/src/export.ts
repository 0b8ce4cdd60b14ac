import type { HostTensor, TensorFunction, Tensors, TensorType } from '@dpar/tensor';
import { trace } from './graph/trace.js';
import { lower } from './lower.js';
import { encodeModel } from './onnx/writer.js';

/** How {@link exportOnnx} writes a model. */
export interface ExportOptions {
  /** Inputs that become part of the model: its weights. */
  readonly constants?: Tensors<HostTensor>;
  /**
   * Standard ONNX operators only, so that any runtime reads the model. By default some operators of ONNX Runtime are
   * used, which are quicker there.
   */
  readonly portable?: boolean;
  /** Name of the graph. */
  readonly name?: string;
}

/**
 * Writes a function as an ordinary .onnx model (operator set 20, static shapes).
 * @param inputTypes Types of the inputs by name; the other inputs are in `constants`.
 * @returns The bytes of the file. An output with the name of an input is called `name.out`.
 * @throws DparError for shapes that do not fit, and for more than 2 GiB.
 */
export function exportOnnx(
  fn: TensorFunction,
  inputTypes: Tensors<TensorType>,
  options: ExportOptions = {},
): Uint8Array<ArrayBuffer> {
  const { constants = {}, portable = false, name = fn.name || 'function' } = options;
  return encodeModel(lower(trace(fn, inputTypes, { constants }), { name, portable }).model).bytes;
}
