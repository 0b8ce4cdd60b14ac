import { importPackage } from '../load/import-package.js';
import { findAdapter } from '../load/webgpu.js';

/**
 * The name of the graphics processor that WebGPU finds, or undefined, which is said: tests that need it are left out. On
 * Linux without one, Mesa's software driver (`mesa-vulkan-drivers` 25 or later) or that of Chromium serves.
 */
export async function webGpuAdapter(): Promise<string | undefined> {
  try {
    return (await findAdapter(importPackage)).name;
  } catch (error) {
    console.warn(`[webgpu] Tests on WebGPU are left out: ${(error as Error).message}.`);
    return undefined;
  }
}
