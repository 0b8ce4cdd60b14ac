import { spawn } from 'node:child_process';

/** A device of ONNX Runtime. */
export interface DeviceInfo {
  readonly name: 'cpu' | 'webgpu' | 'cuda';
  /** Whether a small computation on it succeeded. */
  readonly available: boolean;
  /** How to get it if it is missing, else empty. */
  readonly hint: string;
}

const hints = {
  cpu: 'npm install onnxruntime-node',
  webgpu: 'it needs a GPU with a Vulkan, Metal or Direct3D 12 driver; onnxruntime-node has it for x64 and for Apple',
  cuda:
    'it needs an NVIDIA GPU, CUDA 12 with cuDNN 9 and, on Linux x64, the part of onnxruntime-node that its install script ' +
    'fetches: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node',
} as const;

/** Milliseconds after which a device counts as missing. */
const patience = 30_000;

/** Tries each device with a small computation. */
export async function probeDevices(): Promise<DeviceInfo[]> {
  const names = ['cpu', 'webgpu', 'cuda'] as const;
  return Promise.all(
    names.map(async (name) => {
      const available = await works(name);
      return { name, available, hint: available ? '' : hints[name] };
    }),
  );
}

/** In a process of its own: the native libraries write to its stderr what they miss, or take it down. */
function works(device: string): Promise<boolean> {
  const program = `
    const { createOrtEngine } = await import(${JSON.stringify(import.meta.resolve('@dpar/engine-ort'))});
    const engine = await createOrtEngine({ device: ${JSON.stringify(device)}, threads: 1 });
    const x = { dtype: 'float32', shape: [1], data: new Float32Array([1]) };
    const { y } = await engine.compile((ops, inputs) => ({ y: ops.add(inputs.x, inputs.x) })).run({ x });
    process.exit(y.data[0] === 2 ? 0 : 1);`;
  return new Promise((resolve) => {
    const args = ['--input-type=module', '--eval', program];
    const child = spawn(process.execPath, args, { stdio: 'ignore', timeout: patience });
    child.on('error', () => resolve(false));
    child.on('exit', (status) => resolve(status === 0));
  });
}
