import { defineConfig } from 'tsup';

const shared = {
  format: ['esm'],
  target: 'es2022',
  platform: 'neutral',
  sourcemap: true,
  clean: true,
  silent: true,
  // Node's own modules are written with their prefix, as in 'node:fs'. Of dependencies tsup knows those that must be there.
  external: [/^node:/, 'onnxruntime-node'],
  removeNodeProtocol: false,
};

/**
 * Build settings of a published package: ES modules, and type declarations of its entry points.
 * @param internal Programs of threads and modules that are loaded late. Nobody imports their types.
 */
export const library = (entry = ['src/index.ts'], internal = undefined) =>
  defineConfig({
    ...shared,
    entry: internal === undefined ? entry : { ...entry, ...internal },
    dts: internal === undefined ? true : { entry },
  });

/** Build settings of an example: one program that Node runs. */
export const application = (entry = ['src/main.ts']) =>
  defineConfig({ ...shared, entry, platform: 'node', dts: false });
