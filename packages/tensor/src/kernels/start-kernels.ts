import { checkArguments } from '../check-arguments.js';
import { DparError } from '../error.js';

/** Number that kernels export, such as the address of an array in their memory. */
export interface KernelConstant {
  readonly value: number;
}

/** Memory that every set of kernels exports. Its size does not change. */
export interface KernelMemory {
  readonly memory: { readonly buffer: ArrayBuffer };
}

/** Part of the standard API, which the type libraries of TypeScript and Node lack. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/**
 * Starts kernels: functions in WebAssembly with fixed-width SIMD, which give the same bits on every machine. They are compiled
 * synchronously; some browsers limit that to 4 KB on the main thread.
 * @param base64 Compiled module, as `npm run kernels` writes it.
 * @param caller Function that needs them, for the error message.
 * @returns Exports of the module, including its memory.
 * @throws DparError where WebAssembly or its SIMD instructions are missing or forbidden.
 */
export function startKernels<Exports>(base64: string, caller: string): Exports & KernelMemory {
  checkArguments('startKernels', { base64, caller }, { base64: 'string', caller: 'string' });

  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports & KernelMemory;
  } catch (cause) {
    throw new DparError(
      `${caller}: expected WebAssembly with SIMD, got '${cause instanceof Error ? cause.message : cause}'. ` +
        'Use Node 20, Chrome 91, Firefox 89, Safari 16.4 or later; a content security policy must allow wasm-unsafe-eval.',
      { cause },
    );
  }
}
