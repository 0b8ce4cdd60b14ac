import { defineCommand } from '../command.js';
import { type DeviceInfo, probeDevices } from '../devices.js';
import { formatMemory, machine } from '../machine.js';
import { formatList } from '../table.js';
import { versionOf } from '../version.js';

/** Packages that engines run on, and what each is for. */
const optionalPackages = {
  'onnxruntime-node': 'engine ort in Node',
  'onnxruntime-web': 'engine ort in browsers',
  '@tensorflow/tfjs': 'engine tfjs, not in this version',
  '@tensorflow/tfjs-node': 'engine tfjs on the CPU, not in this version',
  '@tensorflow/tfjs-node-gpu': 'engine tfjs on CUDA, not in this version',
} as const;

interface EngineInfo {
  readonly name: 'ort' | 'tfjs';
  readonly available: boolean;
  readonly devices: readonly DeviceInfo[];
  /** How to get it if it is missing, else empty. */
  readonly hint: string;
}

export const info = defineCommand({
  name: 'info',
  summary: 'versions, engines and devices found, and how to get those that are missing',
  options: {},
  run: async () => {
    const devices = await probeDevices();
    const available = devices.some((device) => device.available);
    const hint = available ? '' : 'npm install onnxruntime-node';
    const engines: EngineInfo[] = [
      { name: 'ort', available, devices, hint },
      { name: 'tfjs', available: false, devices: [], hint: 'TensorFlow.js is not in this version: use ort' },
    ];
    const data = {
      ...machine(),
      engines,
      packages: Object.fromEntries(Object.keys(optionalPackages).map((name) => [name, versionOf(name) ?? null])),
    };
    const packages = Object.entries(optionalPackages).map(([name, use]): [string, string] => {
      const found = versionOf(name);
      return [name, found ?? `missing: npm install ${name} (${use})`];
    });
    const text = formatList([
      ['dpar', data.dpar],
      ['Node', `${data.node}, ${data.platform}`],
      ['CPU', `${data.cpu}, ${data.cores} cores`],
      ['memory', formatMemory(data.memory_bytes)],
      ...engines.flatMap(describeEngine),
      ...packages,
    ]);
    return { data, text };
  },
});

function describeEngine({ name, available, devices, hint }: EngineInfo): [string, string][] {
  const first: [string, string] = [`--engine ${name}`, available ? 'works' : `missing: ${hint}`];
  const rest = devices.map((device): [string, string] => [
    `  --device ${device.name}`,
    device.available ? 'works' : `missing: ${device.hint}`,
  ]);
  return [first, ...rest];
}
