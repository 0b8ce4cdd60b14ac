import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { DparError, float32 } from '@dpar/tensor';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeLoaded, type ImportModule, loadTfjs, tfjsEngine } from '../index.js';
import { importPackage } from './import-package.js';

/** Imports of which some are stand-ins; an error is thrown. */
function importing(standIns: Readonly<Record<string, unknown>>): ImportModule {
  return async (name) => {
    if (!(name in standIns)) return importPackage(name);
    const standIn = standIns[name];
    if (standIn instanceof Error) throw standIn;
    return standIn;
  };
}

const notInstalled = (name: string): Error =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /a/b.js`), { code: 'ERR_MODULE_NOT_FOUND' });

/** A namespace that does what the loader asks of tfjs-node. */
function native(isUsingGpuDevice: boolean) {
  const calls: string[] = [];
  const namespace = {
    version: { 'tfjs-node': '4.22.0' },
    enableProdMode: () => calls.push('prod'),
    setBackend: async (name: string) => {
      calls.push(name);
      return true;
    },
    ready: async () => {},
    getBackend: () => 'tensorflow',
    backend: () => ({ isUsingGpuDevice }),
  };
  return { calls, namespace };
}

const gpu = '@tensorflow/tfjs-node-gpu';
const node = '@tensorflow/tfjs-node';

// The tests choose the native package themselves.
beforeEach(() => void vi.stubEnv('DPAR_TFJS_NODE', ''));
afterEach(() => void vi.unstubAllEnvs());

describe('loadTfjs', () => {
  it('takes what is best here, says so, and it computes', async () => {
    const loaded = await loadTfjs({
      importModule: importing({ [gpu]: notInstalled(gpu), [node]: notInstalled(node), webgpu: notInstalled('webgpu') }),
    });
    expect(loaded.backend).toBe('wasm');
    expect(describeLoaded(loaded)).toBe(
      `TensorFlow.js: ${loaded.name}; not node-gpu (${gpu} is not installed), node (${node} is not installed), ` +
        'webgpu (there is no WebGPU here (navigator.gpu), and webgpu is not installed).',
    );
    // WebAssembly has SIMD in Node, and its threads need what browsers have.
    expect(loaded.name).toMatch(/^@tensorflow\/tfjs-backend-wasm 4\.\d+\.\d+ \(SIMD, 1 thread\)$/);
    const engine = tfjsEngine(loaded.tf, { name: loaded.name });
    expect(engine.name).toBe(loaded.name);
    const { y } = await engine.compile((ops, { x }) => ({ y: ops.add(x as never, 1) })).run({ x: float32([1], [2]) });
    expect(y?.data[0]).toBe(3);
  });

  it('finds the files of the WASM backend in its package, without requests', async () => {
    const { fetch } = globalThis;
    globalThis.fetch = () => Promise.reject(new Error('a request'));
    try {
      expect((await loadTfjs({ backend: 'wasm' })).tf.getBackend()).toBe('wasm');
    } finally {
      globalThis.fetch = fetch;
    }
  });

  it('passes on where the files of the WASM backend are', async () => {
    const wasm = (await importPackage('@tensorflow/tfjs-backend-wasm')) as object;
    const given: unknown[] = [];
    const standIn = { ...wasm, setWasmPaths: (paths: unknown) => given.push(paths) };
    const importModule = importing({ '@tensorflow/tfjs-backend-wasm': standIn });
    await loadTfjs({ backend: 'wasm', wasmPaths: '/files/', importModule });
    expect(given).toEqual(['/files/']);
  });

  it('takes the one that is asked for', async () => {
    const { backend, tf, name, skipped } = await loadTfjs({ backend: 'cpu' });
    expect([backend, tf.getBackend(), skipped]).toEqual(['cpu', 'cpu', []]);
    expect(name).toMatch(/^@tensorflow\/tfjs-backend-cpu 4\.\d+\.\d+ \(plain JavaScript\)$/);
    const importModule = importing({ webgpu: notInstalled('webgpu') });
    expect((await loadTfjs({ backend: ['webgpu', 'cpu'], importModule })).backend).toBe('cpu');
  });

  it('takes CUDA first, and the processor where the package for CUDA finds none', async () => {
    const withGpu = native(true);
    const first = await loadTfjs({ importModule: importing({ [gpu]: { default: withGpu.namespace } }) });
    expect([first.backend, first.name, first.skipped]).toEqual(['node-gpu', `${gpu} 4.22.0 (CUDA)`, []]);
    expect(withGpu.calls).toEqual(['prod', 'tensorflow']);
    const without = native(false);
    const second = await loadTfjs({
      importModule: importing({ [gpu]: without.namespace, [node]: notInstalled(node) }),
    });
    expect([second.backend, second.name]).toEqual(['node', `${gpu} 4.22.0`]);
    expect(second.skipped).toEqual([{ backend: 'node-gpu', reason: `${gpu} finds no GPU or lacks CUDA libraries` }]);
  });

  it('leaves the GPU of the package for the processor to those who request it', async () => {
    const { namespace } = native(true);
    const { backend, skipped } = await loadTfjs({
      backend: ['node', 'wasm'],
      importModule: importing({ [node]: namespace }),
    });
    expect([backend, skipped]).toEqual([
      'wasm',
      [{ backend: 'node', reason: `${node} computes on a GPU; request 'node-gpu' to use it` }],
    ]);
  });

  it('loads the package in the folder that DPAR_TFJS_NODE names, for both native backends', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'dist'));
    await writeFile(join(folder, 'dist/index.js'), '');
    vi.stubEnv('DPAR_TFJS_NODE', folder);
    const { href } = pathToFileURL(join(folder, 'dist/index.js'));
    const name = `${node} of DPAR_TFJS_NODE`;
    const onGpu = await loadTfjs({ importModule: importing({ [href]: native(true).namespace }) });
    expect([onGpu.backend, onGpu.name]).toEqual(['node-gpu', `${name} 4.22.0 (CUDA)`]);
    const loaded = await loadTfjs({ importModule: importing({ [href]: native(false).namespace }) });
    expect([loaded.backend, loaded.name]).toEqual(['node', `${name} 4.22.0`]);
    expect(loaded.skipped).toEqual([{ backend: 'node-gpu', reason: `${name} finds no GPU or lacks CUDA libraries` }]);
  });

  it('says so if DPAR_TFJS_NODE names no package', async () => {
    const folder = await temporaryFolder();
    vi.stubEnv('DPAR_TFJS_NODE', folder);
    await expect(loadTfjs({ backend: 'node' })).rejects.toThrow(
      `node: DPAR_TFJS_NODE names ${folder}, which has no dist/index.js`,
    );
  });

  it.each([
    [
      new Error('libcudart.so.11.0: cannot open shared object file: No such file or directory'),
      'the CUDA library libcudart.so.11.0 is missing',
    ],
    [
      new Error('libtensorflow.so.2: cannot open shared object file: No such file or directory'),
      'the library libtensorflow.so.2 is missing',
    ],
    [
      new Error(
        'The Node.js native addon module (tfjs_binding.node) can not be found at path: /a/lib/tfjs_binding.node. \n',
      ),
      `${gpu} has no native library: its install script has not run (npm rebuild ${gpu})`,
    ],
    [
      Object.assign(new Error(`Import "${gpu}" not a dependency\n    at file:///a/b.js:2:58`), {
        code: 'ERR_MODULE_NOT_FOUND',
      }),
      `${gpu} is not installed`,
    ],
    [
      Object.assign(new Error("Cannot find module 'google-protobuf'\nRequire stack:\n- /a"), {
        code: 'MODULE_NOT_FOUND',
      }),
      `${gpu} lacks 'google-protobuf'`,
    ],
    [new TypeError('(0 , util_1.isX) is not a function'), `${gpu} does not start: (0 , util_1.isX) is not a function`],
  ])('says why not: %s', async (error, reason) => {
    const { namespace } = native(false);
    const importModule = importing({ [gpu]: error, [node]: namespace });
    const { backend, skipped } = await loadTfjs({ importModule });
    expect([backend, skipped]).toEqual(['node', [{ backend: 'node-gpu', reason }]]);
  });

  it('puts back the function that tfjs-node needs and Node 23 has not, before the import', async () => {
    const util: Record<string, unknown> = {};
    const { namespace } = native(false);
    const importModule: ImportModule = async (name) => {
      if (name === 'node:util') return { default: util };
      expect(name).toBe(node);
      expect((util.isNullOrUndefined as (value: unknown) => boolean)(null)).toBe(true);
      expect((util.isNullOrUndefined as (value: unknown) => boolean)(undefined)).toBe(true);
      expect((util.isNullOrUndefined as (value: unknown) => boolean)(0)).toBe(false);
      expect((util.isArray as (value: unknown) => boolean)([])).toBe(true);
      return namespace;
    };
    expect((await loadTfjs({ backend: 'node', importModule })).name).toBe(`${node} 4.22.0`);
    const own = () => false;
    util.isNullOrUndefined = own;
    await loadTfjs({ backend: 'node', importModule: async (name) => (name === node ? namespace : { default: util }) });
    expect(util.isNullOrUndefined).toBe(own);
  });

  it('says what is wrong with each if none works', async () => {
    const core = '@tensorflow/tfjs-core';
    const importModule: ImportModule = async (name) => {
      if (name === 'node:util') return { default: {} };
      throw notInstalled(name);
    };
    const loading = loadTfjs({ importModule });
    await expect(loading).rejects.toBeInstanceOf(DparError);
    await expect(loading).rejects.toThrow(
      `got none (node-gpu: ${gpu} is not installed; node: ${node} is not installed; webgpu: there is no WebGPU here ` +
        `(navigator.gpu), and webgpu is not installed; wasm: ${core} is not installed; cpu: ${core} is not installed). Install one: npm install ${core}`,
    );
    const loadingWasm = loadTfjs({ importModule, backend: 'wasm' });
    await expect(loadingWasm).rejects.toThrow('@tensorflow/tfjs-backend-wasm.');
    const skipped = [{ backend: 'wasm', reason: `${core} is not installed` }];
    await expect(loadingWasm).rejects.toMatchObject({ cause: { skipped } });
    const gpuOrSo = 'gpu' as 'webgpu';
    await expect(loadTfjs({ importModule, backend: gpuOrSo })).rejects.toThrow(
      "'backend' to be 'node-gpu' or 'node' or 'webgpu' or 'wasm' or 'cpu'",
    );
  });

  describe('on WebGPU', () => {
    const scope = globalThis as { navigator?: object };
    const inNode = scope.navigator;
    afterEach(() => {
      Object.defineProperty(globalThis, 'navigator', { value: inNode, configurable: true, writable: true });
    });

    /** Stand-ins for the package webgpu, which finds an adapter, and for TensorFlow.js. */
    const packages = (adapter: object | null) => {
      Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
      const { namespace } = native(true);
      return importing({
        webgpu: { globals: {}, create: () => ({ requestAdapter: async () => adapter }) },
        '@tensorflow/tfjs-core': { ...namespace, version_core: '4.22.0' },
        '@tensorflow/tfjs-backend-webgpu': {},
        '@tensorflow/tfjs-backend-cpu': {},
      });
    };

    it('takes that of the package webgpu where there is no other, and names the graphics processor', async () => {
      const importModule = packages({ info: { vendor: 'acme', architecture: 'one', isFallbackAdapter: false } });
      const { backend, name } = await loadTfjs({ backend: ['webgpu', 'cpu'], importModule });
      expect([backend, name]).toEqual(['webgpu', '@tensorflow/tfjs-backend-webgpu 4.22.0 (acme one)']);
      expect(scope.navigator).toHaveProperty('gpu');
    });

    it('takes a software renderer only where nothing else is asked for', async () => {
      const importModule = packages({ info: { description: 'a renderer', isFallbackAdapter: true } });
      expect((await loadTfjs({ backend: 'webgpu', importModule })).name).toMatch(/\(a renderer\)$/);
      const { backend, skipped } = await loadTfjs({ backend: ['webgpu', 'cpu'], importModule });
      const reason = "WebGPU runs in software here, a renderer; request 'webgpu' to use it";
      expect([backend, skipped]).toEqual(['cpu', [{ backend: 'webgpu', reason }]]);
    });

    it('says that no graphics processor is found', async () => {
      await expect(loadTfjs({ backend: 'webgpu', importModule: packages(null) })).rejects.toThrow(
        'webgpu: WebGPU finds no GPU or no driver',
      );
    });
  });

  it('goes on where a backend does not initialise', async () => {
    const { namespace } = native(true);
    const importModule = importing({ [gpu]: { ...namespace, setBackend: async () => false } });
    await expect(loadTfjs({ backend: 'node-gpu', importModule })).rejects.toThrow(
      `node-gpu: ${gpu} does not start: the backend 'tensorflow' could not be initialised`,
    );
  });
});
