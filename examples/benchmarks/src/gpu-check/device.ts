import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Device } from '@dpar/engine-ort';
import { Budget } from './check.js';
import { dpar } from './commands.js';

/** A device that a run checks, with its driver, and the versions of what computes. */
export interface DeviceDescription {
  readonly device: Device;
  /** Names and drivers, by the program that reports them. */
  readonly about: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

/** Part of the document of `dpar info --json`. */
interface Info {
  readonly dpar: string;
  readonly runtime: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly engines: readonly {
    readonly name: string;
    readonly devices: readonly { readonly name: string; readonly available: boolean; readonly reason?: string }[];
    readonly backends?: readonly { readonly name: string; readonly available: boolean; readonly about: string }[];
  }[];
  readonly packages: Readonly<Record<string, string | null>>;
}

/** Seconds for the description, which does not count as time of the checks. */
const patience = 60;

/**
 * Describes the device.
 * @throws Error if ONNX Runtime does not compute on it here.
 */
export async function describeDevice(device: Device): Promise<DeviceDescription> {
  const info = JSON.parse(await dpar(['info', '--json'], new Budget(patience))) as Info;
  const [ort, tfjs] = ['ort', 'tfjs'].map((engine) => info.engines.find(({ name }) => name === engine));
  const found = ort?.devices.find(({ name }) => name === device);
  if (!found?.available) {
    throw new Error(
      `gpu-check: expected ONNX Runtime to compute on '${device}', got '${found?.reason}'. Install a driver.`,
    );
  }
  const adapter = tfjs?.backends?.find(({ name }) => name === 'webgpu');
  const programs = {
    'nvidia-smi': await printed('nvidia-smi', [
      '--query-gpu=name,driver_version,memory.total',
      '--format=csv,noheader',
    ]),
    vulkaninfo: (await printed('vulkaninfo', ['--summary']))
      ?.match(/^\s*(deviceName|driverName|driverInfo|apiVersion)\s*= .*$/gm)
      ?.map((line) => line.replace(/^.*= /, '').trim())
      .join(', '),
  };
  const known = Object.entries(programs).flatMap(([name, text]) => (text ? [[name, text]] : []));
  const packages = ['onnxruntime-node', '@tensorflow/tfjs-core', 'webgpu'];
  return {
    device,
    about: {
      ...(device === 'webgpu' && adapter?.available && { 'WebGPU adapter of TensorFlow.js': adapter.about }),
      ...Object.fromEntries(known),
      CPU: `${info.cpu}, ${info.cores} cores`,
    },
    versions: {
      dpar: info.dpar,
      runtime: `${info.runtime}, ${info.platform}`,
      ...Object.fromEntries(packages.flatMap((name) => (info.packages[name] ? [[name, info.packages[name]]] : []))),
    },
  };
}

const run = promisify(execFile);

/** Output of a program; undefined if it is missing or fails. */
async function printed(program: string, args: string[]): Promise<string | undefined> {
  return run(program, args, { timeout: 10_000 }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}
