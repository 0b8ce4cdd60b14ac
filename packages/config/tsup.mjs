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

/**
 * Build settings of an example: programs that Node runs.
 * @param builtIn Packages of sources, which become a part of the programs.
 */
export const application = (entry = ['src/main.ts'], builtIn = []) =>
  defineConfig({ ...shared, entry, noExternal: builtIn, platform: 'node', dts: false });
