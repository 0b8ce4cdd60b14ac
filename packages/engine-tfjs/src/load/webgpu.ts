import type { ImportModule } from './import-package.js';
import { reasonOf, Unusable } from './reason.js';

/** WebGPU as programs find it: `navigator.gpu`. */
interface Gpu {
  requestAdapter(): Promise<{ readonly info?: AdapterInfo } | null>;
}

type AdapterInfo = Partial<Record<'vendor' | 'architecture' | 'description', string>> & {
  readonly isFallbackAdapter?: boolean;
};

/** A graphics processor that WebGPU finds. */
export interface Adapter {
  /** Such as `SwiftShader driver 5.0.0`; browsers may keep it to themselves. */
  readonly name: string;
  /** Whether it is a program on the processor. */
  readonly isSoftware: boolean;
}

/** What has a navigator: browsers, workers, and Node from version 21 on. */
const scope = globalThis as { navigator?: { gpu?: Gpu } };

/**
 * Finds WebGPU's graphics processor. Where `navigator.gpu` is missing, as in Node, the package `webgpu` gives it, if it is
 * installed; it stays from then on.
 * @throws Unusable with the reason if there is none.
 */
export async function findAdapter(importModule: ImportModule): Promise<Adapter> {
  const gpu = scope.navigator?.gpu ?? (await gpuOfPackage(importModule));
  const adapter = await gpu.requestAdapter();
  if (adapter === null)
    throw new Unusable('WebGPU finds no graphics processor, or no driver (Vulkan, Metal, Direct3D 12)');
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
