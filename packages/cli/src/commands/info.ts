import { tfjsInstallHints } from '@dpar/engine-tfjs';
import { defineCommand } from '../command.js';
import { type BackendInfo, type DeviceInfo, devicesOf, probeBackends, probeDevices } from '../devices.js';
import { formatMemory, machine } from '../machine.js';
import { formatList } from '../table.js';
import { versionOf } from '../version.js';

/** Packages that engines run on, and what each is for. */
const optionalPackages = {
  'onnxruntime-node': { use: 'engine ort in Node', by: undefined },
  'onnxruntime-web': { use: 'engine ort in browsers', by: undefined },
  '@tensorflow/tfjs-core': { use: 'engine tfjs', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-backend-wasm': { use: 'engine tfjs in WebAssembly', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-node': { use: 'engine tfjs on the CPU', by: '@dpar/engine-tfjs' },
  '@tensorflow/tfjs-node-gpu': { use: 'engine tfjs on CUDA', by: '@dpar/engine-tfjs' },
} as const;

interface EngineInfo {
  readonly name: 'ort' | 'tfjs';
  readonly available: boolean;
  readonly devices: readonly DeviceInfo[];
  /** Of TensorFlow.js, the best first. */
  readonly backends?: readonly BackendInfo[];
  /** How to get it if it is missing, else empty. */
  readonly hint: string;
}

export const info = defineCommand({
  name: 'info',
  summary: 'versions, engines and devices found, and how to get those that are missing',
  options: {},
  run: async () => {
    const [devices, backends] = await Promise.all([probeDevices(), probeBackends()]);
    const engines: EngineInfo[] = [
      engineOf('ort', devices, 'npm install onnxruntime-node'),
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
    const packages = versions.map(({ name, use, found }): [string, string] => [
      name,
      found ?? `missing: npm install ${name} (${use})`,
    ]);
    const text = formatList([
      ['dpar', data.dpar],
      ['Node', `${data.node}, ${data.platform}`],
      ['CPU', `${data.cpu}, ${data.cores} cores`],
      ['threads', `${data.threads} unless --threads says otherwise`],
      ['memory', formatMemory(data.memory_bytes)],
      ...engines.flatMap(describeEngine),
      ...packages,
    ]);
    return { data, text };
  },
});

function engineOf(name: EngineInfo['name'], devices: readonly DeviceInfo[], hint: string): EngineInfo {
  const available = devices.some((device) => device.available);
  return { name, available, devices, hint: available ? '' : hint };
}

function describeEngine({ name, available, devices, backends = [], hint }: EngineInfo): [string, string][] {
  return [
    [`--engine ${name}`, available ? 'works' : `missing: ${hint}`],
    ...devices.map((device): [string, string] => [
      `  --device ${device.name}`,
      device.available ? 'works' : `missing: ${device.hint}`,
    ]),
    ...backends.map((backend): [string, string] => [
      `  backend ${backend.name}`,
      backend.available ? `works: ${backend.about}` : `missing: ${backend.hint}`,
    ]),
  ];
}
