import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ortInstallHints } from '@dpar/engine-ort';
import { tfjsInstallHints } from '@dpar/engine-tfjs';
import { defineCommand } from '../command/command.js';
import { formatList } from '../command/format.js';
import { type BackendInfo, type DeviceInfo, devicesOf, probeBackends, probeDevices } from '../engine/devices.js';
import { formatMemory, javaScriptRuntime, machine, versionOf } from '../machine.js';

/** Packages that engines run on, with their use. */
const optionalPackages = {
  'onnxruntime-node': { use: 'engine ort in Node', by: '@dpar/engine-ort' },
  'onnxruntime-web': { use: 'engine ort in browsers', by: '@dpar/engine-ort' },
  '@tensorflow/tfjs-core': { use: 'engine tfjs', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-backend-cpu': { use: 'engine tfjs in JavaScript', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-backend-wasm': { use: 'engine tfjs in WebAssembly', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-backend-webgpu': { use: 'engine tfjs on WebGPU', by: '@dpar/engine-tfjs' },
  webgpu: { use: 'WebGPU in Node, for engine tfjs', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-node': { use: 'engine tfjs on the CPU', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-node-gpu': { use: 'engine tfjs on CUDA', by: '@dpar/engine-tfjs' },
} as const;

interface EngineInfo {
  readonly name: 'ort' | 'tfjs';
  readonly available: boolean;
  readonly devices: readonly DeviceInfo[];
  /** Backends of TensorFlow.js, fastest first. */
  readonly backends?: readonly BackendInfo[];
  /** Instructions to get a missing engine; empty for an available one. */
  readonly hint: string;
}

export const info = defineCommand({
  name: 'info',
  summary: 'Show versions, available engines and devices, and how to get missing ones',
  options: {},
  run: async () => {
    const [devices, backends] = await Promise.all([probeDevices(), probeBackends()]);
    const engines: EngineInfo[] = [
      engineOf('ort', devices, ortInstallHints.node),
      { ...engineOf('tfjs', devicesOf(backends), tfjsInstallHints.wasm), backends },
    ];
    const versions = Object.entries(optionalPackages).map(([name, { use, by }]) => ({
      name,
      use,
      found: versionOf(name, by),
    }));
    const data = {
      ...machine(),
      engines,
      packages: Object.fromEntries(versions.map(({ name, found }) => [name, found ?? null])),
    };
    const packages = versions.map(({ name, use, found }): [string, string] => [name, found ?? elsewhere(name, use)]);
    const { name: runtime, version } = javaScriptRuntime();
    const text = formatList([
      ['dpar', data.dpar],
      [runtime, `${version}${runtime === 'Node' ? '' : ` (as Node ${data.node})`}, ${data.platform}`],
      ['CPU', `${data.cpu}, ${data.cores} cores`],
      ['threads', `${data.threads} by default (--threads)`],
      ['memory', formatMemory(data.memory_bytes)],
      ...engines.flatMap(describeEngine),
      ...packages,
    ]);
    return { data, text };
  },
});

/** Describes a package that the engines do not find. It can still be installed in the current folder. */
function elsewhere(name: string, use: string): string {
  const here = versionOf(name, pathToFileURL(join(process.cwd(), 'package.json')).href);
  return here === undefined
    ? `missing: ${name === 'onnxruntime-node' ? ortInstallHints.node : `npm install ${name}`} (${use})`
    : `${here} in this folder, but not where dpar is installed: install both in one project, or both globally`;
}

function engineOf(name: EngineInfo['name'], devices: readonly DeviceInfo[], hint: string): EngineInfo {
  const available = devices.some((device) => device.available);
  return { name, available, devices, hint: available ? '' : hint };
}

function describeEngine({ name, available, devices, backends = [], hint }: EngineInfo): [string, string][] {
  const [processor] = devices;
  return [
    [`--engine ${name}`, available ? 'works' : stateOf({ ...processor, available, hint })],
    ...devices.map((device): [string, string] => [`  --device ${device.name}`, stateOf(device)]),
    ...backends.map(({ name, about, ...backend }): [string, string] => [
      `  backend ${name}`,
      backend.available ? `works: ${about}` : stateOf({ ...backend, reason: about }),
    ]),
  ];
}

/** Describes a device: `works`, `missing` with instructions, or the reason why it does not work. */
function stateOf({ available, reason, hint }: Pick<DeviceInfo, 'available' | 'reason' | 'hint'>): string {
  if (available) return 'works';
  if (reason === undefined || reason.endsWith('is not installed')) return `missing: ${hint}`;
  // An installed package needs no instructions to install it.
  return `does not work: ${oneLine(reason)}${hint.startsWith('npm install') ? '' : `; ${hint}`}`;
}

/** Largest number of characters of a reason that a line shows. */
const longestReason = 200;

/** Shortens a message of a native library to its end, which names the fault. */
function oneLine(text: string): string {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replace(/^run: ONNX Runtime failed in '\w+': /, '')
    .replace(/^.*was false\. /, '')
    .replace(/\.? *$/, '');
  return line.length <= longestReason ? line : `... ${line.slice(-longestReason)}`;
}
