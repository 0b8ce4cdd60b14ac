import { importPackage } from '../load/import-package.js';
import { findAdapter } from '../load/webgpu.js';

/**
 * Name of the GPU that WebGPU finds. Undefined without one, after a warning; tests that need it are then skipped. On Linux,
 * the software driver of Mesa (`mesa-vulkan-drivers` 25 or later) or of Chromium works too.
 */
export async function webGpuAdapter(): Promise<string | undefined> {
  try {
    return (await findAdapter(importPackage)).name;
  } catch (error) {
    console.warn(`[webgpu] Tests on WebGPU are left out: ${(error as Error).message}.`);
    return undefined;
  }
}
