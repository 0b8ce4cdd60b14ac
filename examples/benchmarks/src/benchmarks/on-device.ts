import { createOrtEngine, type Device, type OrtEngineOptions } from '@dpar/engine-ort';
import { usableEngine } from '@dpar/tensor/conformance';
import type { Benchmark } from '../benchmark.js';

/** Devices whose benchmarks have names with a prefix. */
export type GpuDevice = Exclude<Device, 'cpu'>;

type Precision = NonNullable<OrtEngineOptions['precision']>;

const obstacles = new Map<string, Promise<string | undefined>>();

/** Reason why a device cannot compute here, in some precision. */
export function obstacleOf(device: GpuDevice, precision: Precision = 'float32'): Promise<string | undefined> {
  const key = `${device} ${precision}`;
  const known = obstacles.get(key) ?? probe(device, precision);
  obstacles.set(key, known);
  return known;
}

async function probe(device: GpuDevice, precision: Precision): Promise<string | undefined> {
  let obstacle: string | undefined;
  const engine = await usableEngine(
    () => createOrtEngine({ device, precision, threads: 1 }),
    (reason) => {
      obstacle = reason;
    },
  );
  await engine?.dispose();
  return obstacle;
}

/**
 * The same benchmarks on another device, named `webgpu/gemm-peak` and so on, and compared with one another. They run only if
 * selected.
 * @param benchmarks Benchmarks that use the device of their settings.
 */
export function onDevice(device: GpuDevice, benchmarks: readonly Benchmark[]): Benchmark[] {
  const moved = new Map<Benchmark, Benchmark>();
  for (const benchmark of benchmarks) {
    moved.set(benchmark, {
      ...benchmark,
      name: `${device}/${benchmark.name}`,
      group: `${device}/${benchmark.group}`,
      onlyWith: device,
      usesPytorch: false,
      obstacle: () => obstacleOf(device),
      // Those that it is compared with come before it. Others measure the CPU.
      uses: (benchmark.uses ?? []).flatMap((used) => moved.get(used) ?? []),
      prepare: (settings) => benchmark.prepare({ ...settings, device }),
      figures: (samples, figuresOf) => benchmark.figures(samples, (name) => figuresOf(`${device}/${name}`)),
    });
  }
  return [...moved.values()];
}
