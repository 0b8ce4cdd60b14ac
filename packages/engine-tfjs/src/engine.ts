import { formatValue, type KindsOf } from '@dpar/check';
import { checkCompileArguments, checkHostTensor, DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { TfjsFunction } from './compiled-function.js';
import { deviceOf } from './device-errors.js';
import { TfjsDeviceTensor } from './device-tensor.js';
import { copyToTfjs } from './host-tensor.js';
import type { Computer } from './program.js';
import type { Tfjs, TfjsNamespace, TfjsTensor } from './tfjs.js';
import { inTurn } from './turn.js';

/** Options of {@link tfjsEngine}. */
export interface TfjsEngineOptions {
  /** Name of the engine. Default: `TensorFlow.js (<backend>)`. */
  readonly name?: string;
}

/** Backends whose tensors are in the memory of a GPU. */
const gpuBackends = ['webgpu', 'webgl'];

const tfjsEngineOptionsKinds: KindsOf<TfjsEngineOptions> = { 'name?': 'string' };

/**
 * Creates an engine over a TensorFlow.js namespace, on its current backend; wait for `tf.ready()` before. The engine keeps
 * that backend, even if another one becomes current later.
 *
 * @throws DparError if `namespace` is not a TensorFlow.js namespace.
 */
export function tfjsEngine<T extends TfjsTensor>(namespace: TfjsNamespace<T>, options: TfjsEngineOptions = {}): Engine {
  checkArguments('tfjsEngine', { namespace, options }, { namespace: 'object', 'options?': tfjsEngineOptionsKinds });
  const { name } = options;
  const tf = namespace as unknown as Tfjs;
  if (typeof tf?.getBackend !== 'function') {
    throw new DparError(
      `tfjsEngine: expected a TensorFlow.js namespace, got ${formatValue(namespace)}. ` +
        "Pass import * as tf from '@tensorflow/tfjs-core'.",
    );
  }
  const computer: Computer = { tf, backend: tf.getBackend(), device: deviceOf(tf) };
  const functions = new Set<TfjsFunction>();
  return {
    name: name ?? `TensorFlow.js (${computer.backend})`,
    hasDeviceMemory: gpuBackends.includes(computer.backend),
    compile: (fn, options = {}) => {
      checkCompileArguments(fn, options);
      const compiled = new TfjsFunction(computer, fn, options);
      functions.add(compiled);
      return compiled;
    },
    upload: async (tensor) => {
      checkHostTensor('tensor', tensor);
      return inTurn(computer, () => new TfjsDeviceTensor(computer, tf.keep(copyToTfjs(tf, tensor))));
    },
    dispose: async () => {
      for (const compiled of functions) await compiled.dispose();
      functions.clear();
    },
  };
}
