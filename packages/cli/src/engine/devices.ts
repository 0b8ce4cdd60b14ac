import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ortInstallHints } from '@dpar/engine-ort';
import { type TfjsBackend, tfjsBackends, tfjsInstallHints } from '@dpar/engine-tfjs';
import { evaluationArguments, javaScriptRuntime, versionOf } from '../machine.js';
import { tfjsBackendsOf } from './engine.js';

/** A device of an engine. */
export interface DeviceInfo {
  readonly name: 'cpu' | 'webgpu' | 'cuda';
  /** True if a small computation on the device succeeded. */
  readonly available: boolean;
  /** Instructions to get a missing device; empty for an available one. */
  readonly hint: string;
  /** Reason why a missing device does not compute. */
  readonly reason?: string;
}

/** A backend of TensorFlow.js. */
export interface BackendInfo {
  readonly name: TfjsBackend;
  readonly device: DeviceInfo['name'];
  readonly available: boolean;
  /** Name of what computes, or the reason why nothing does. */
  readonly about: string;
  /** Instructions to get a missing backend; empty for an available one. */
  readonly hint: string;
}

/** Names of all devices. */
const names = ['cpu', 'webgpu', 'cuda'] as const;

const hints = {
  cpu: ortInstallHints.node,
  webgpu: 'it needs a GPU with a Vulkan, Metal or Direct3D 12 driver; onnxruntime-node supports it on x64 and on Apple',
  cuda:
    'it needs an NVIDIA GPU, CUDA 12 with cuDNN 9 and, on Linux x64, the part of onnxruntime-node that its install script ' +
    'fetches: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node',
} as const;

/** Time limit of a probe, in milliseconds. */
const patience = 30_000;

/** Probes each device of ONNX Runtime with a small computation. */
export async function probeDevices(): Promise<DeviceInfo[]> {
  return Promise.all(
    names.map(async (name) => {
      const { works, about } = await compute(`
        const { createOrtEngine } = await import(${JSON.stringify(import.meta.resolve('@dpar/engine-ort'))});
        const engine = await createOrtEngine({ device: ${JSON.stringify(name)}, threads: 1 });`);
      if (works) return { name, available: true, hint: '' };
      const isInstalled = versionOf('onnxruntime-node', '@dpar/engine-ort') !== undefined;
      const reason = isInstalled ? about : 'onnxruntime-node is not installed';
      return { name, available: false, hint: hints[isInstalled ? name : 'cpu'], reason };
    }),
  );
}

/** Probes each backend of TensorFlow.js with a small computation. */
export async function probeBackends(): Promise<BackendInfo[]> {
  return Promise.all(
    tfjsBackends.map(async (name) => {
      const { works, about } = await compute(`
        const { createTfjsEngine } = await import(${JSON.stringify(import.meta.resolve('@dpar/engine-tfjs'))});
        const engine = await createTfjsEngine({ backend: ${JSON.stringify(name)} });`);
      const device = names.find((device) => tfjsBackendsOf[device].includes(name)) ?? 'cpu';
      return { name, device, available: works, about, hint: works ? '' : tfjsInstallHints[name] };
    }),
  );
}

/** Devices of TensorFlow.js. A device is available if one of its backends is. */
export function devicesOf(backends: readonly BackendInfo[]): DeviceInfo[] {
  return names.map((name) => {
    const own = backends.filter(({ device }) => device === name);
    const available = own.some((backend) => backend.available);
    // Of the backends for the CPU, suggest the one that installs everywhere.
    const { hint = '', about = '' } = own.find((backend) => backend.name === 'wasm') ?? own[0] ?? {};
    return available ? { name, available, hint: '' } : { name, available, hint, reason: about };
  });
}

/**
 * Computes something with an engine in a separate process, because native libraries write to stderr or crash.
 * @param setUp Code that makes the `engine`.
 */
function compute(setUp: string): Promise<{ works: boolean; about: string }> {
  const program = `
    try {
      ${setUp}
      const x = { dtype: 'float32', shape: [1], data: new Float32Array([1]) };
      const { y } = await engine.compile((ops, inputs) => ({ y: ops.add(inputs.x, inputs.x) })).run({ x });
      process.stdout.write(engine.name, () => process.exit(y.data[0] === 2 ? 0 : 1));
    } catch (error) {
      const [skipped] = error.cause?.skipped ?? [];
      process.stdout.write(String(skipped?.reason ?? error.message ?? error), () => process.exit(1));
    }`;
  return new Promise((resolve) => {
    const runtime = javaScriptRuntime();
    const child = spawn(process.execPath, evaluationArguments(runtime, program), {
      // Deno finds packages from the folder that it evaluates in, which may have none.
      ...(runtime.name === 'Deno' && { cwd: fileURLToPath(new URL('.', import.meta.url)) }),
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: patience,
    });
    let about = '';
    child.stdout.on('data', (text) => {
      about += text;
    });
    child.on('error', (error) => resolve({ works: false, about: error.message }));
    child.on('close', (status, signal) => {
      const ended = `the probing process ended with ${signal ?? `status ${status}`}`;
      resolve({ works: status === 0, about: about.trim() || ended });
    });
  });
}
