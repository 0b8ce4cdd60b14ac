import { checkArguments } from './check-arguments.js';
import type { CompiledFunction, DeviceTensor, Engine } from './engine.js';
import type { HostTensor, Tensors } from './types.js';

/** Bytes that calls of an engine have copied between the memory of the host and that of the engine. */
export interface Transfers {
  /** Bytes of inputs in the memory of the host, and of uploads. */
  toDevice: number;
  /** Bytes of outputs and reads. */
  toHost: number;
  /** Calls of compiled functions. */
  calls: number;
}

/**
 * Wraps an engine so that it counts what its calls copy, whatever its memory is. Constants are not counted: they are copied
 * once.
 * @returns The engine, and its counts, which may be set to 0.
 */
export function countTransfers(engine: Engine): { readonly engine: Engine; readonly transfers: Transfers } {
  checkArguments('countTransfers', { engine }, { engine: 'Engine' });
  const transfers: Transfers = { toDevice: 0, toHost: 0, calls: 0 };
  const count = (tensor: HostTensor): HostTensor => {
    transfers.toHost += tensor.data.byteLength;
    return tensor;
  };
  /** Makes the reads of a tensor count, in place, because an engine takes only its own objects. */
  const counted = (tensor: DeviceTensor): DeviceTensor =>
    Object.assign(tensor, { read: countedRead(tensor.read.bind(tensor)) });
  const countedRead = (read: () => Promise<HostTensor>) => async () => count(await read());
  const sendAll = (inputs: Tensors<HostTensor | DeviceTensor>): void => {
    transfers.calls++;
    for (const input of Object.values(inputs)) if ('data' in input) transfers.toDevice += input.data.byteLength;
  };
  const compile = (compiled: CompiledFunction): CompiledFunction => ({
    get signatures() {
      return compiled.signatures;
    },
    async run(inputs, options) {
      sendAll(inputs);
      const outputs = await compiled.run(inputs, options);
      for (const output of Object.values(outputs)) count(output);
      return outputs;
    },
    async runOnDevice(inputs, options) {
      sendAll(inputs);
      const outputs = await compiled.runOnDevice(inputs, options);
      for (const output of Object.values(outputs)) counted(output);
      return outputs;
    },
    dispose: () => compiled.dispose(),
  });
  return {
    transfers,
    engine: {
      ...engine,
      compile: (fn, options) => compile(engine.compile(fn, options)),
      async upload(tensor) {
        transfers.toDevice += tensor.data.byteLength;
        return counted(await engine.upload(tensor));
      },
    },
  };
}
