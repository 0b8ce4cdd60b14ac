import type { ImportModule } from './import-package.js';
import { reasonOf, Unusable } from './reason.js';

/** Part of `navigator.gpu`. */
interface Gpu {
  requestAdapter(): Promise<{ readonly info?: AdapterInfo } | null>;
}

type AdapterInfo = Partial<Record<'vendor' | 'architecture' | 'description', string>> & {
  readonly isFallbackAdapter?: boolean;
};

/** GPU that WebGPU finds. */
export interface Adapter {
  /** Name such as `SwiftShader driver 5.0.0`. Browsers may hide it. */
  readonly name: string;
  /** True if it runs in software, on the CPU. */
  readonly isSoftware: boolean;
}

/** Global scope. Browsers, workers, and Node from version 21 on have a navigator. */
const scope = globalThis as { navigator?: { gpu?: Gpu } };

/**
 * Finds the GPU of WebGPU. Where `navigator.gpu` is missing, as in Node, the package `webgpu` provides it permanently.
 * @throws Unusable with the reason if there is none.
 */
export async function findAdapter(importModule: ImportModule): Promise<Adapter> {
  const gpu = scope.navigator?.gpu ?? (await gpuOfPackage(importModule));
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Unusable('WebGPU finds no GPU or no driver (Vulkan, Metal, Direct3D 12)');
  const { vendor = '', architecture = '', description = '', isFallbackAdapter = false } = adapter.info ?? {};
  return { name: description || `${vendor} ${architecture}`.trim(), isSoftware: isFallbackAdapter };
}

async function gpuOfPackage(importModule: ImportModule): Promise<Gpu> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node === undefined) throw new Unusable('there is no WebGPU here (navigator.gpu)');
  const { create, globals } = (await importModule('webgpu').catch((error: unknown) => {
    throw new Unusable(`there is no WebGPU here (navigator.gpu), and ${reasonOf(error, 'webgpu')}`);
  })) as { create(options: string[]): Gpu; globals: object };
  Object.assign(globalThis, globals);
  const gpu = create([]);
  // Node 20 has no navigator.
  if (scope.navigator === undefined) Object.defineProperty(scope, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(scope.navigator, 'gpu', { value: gpu, configurable: true });
  return gpu;
}
