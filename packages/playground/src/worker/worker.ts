import { createOrtEngine } from '@dpar/engine-ort';
import { type Engine, float32, named } from '@dpar/tensor';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import type { PageManifest } from '../manifest.js';
import { messageOf } from '../message-of.js';
import { loadAnalysts } from '../model/analyser.js';
import { openModel } from '../model/open-model.js';
import type { Reply, Request } from './protocol.js';
import { readOnce } from './read-once.js';
import { Studio } from './studio.js';

declare const self: DedicatedWorkerGlobalScope;

const reply = (message: Reply): void => self.postMessage(message);

let studio: Studio | undefined;

/** Runs the engine once, so that it loads and compiles its WebAssembly. */
async function start(engine: Engine): Promise<void> {
  const first = engine.compile((ops, inputs) => ({ y: ops.neg(named(inputs, 'x')) }));
  await first.run({ x: float32([1], [0]) });
  await first.dispose();
}

async function fetchBytes(file: string): Promise<Uint8Array> {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`The file ${file} could not be loaded (status ${response.status}).`);
  return new Uint8Array(await response.arrayBuffer());
}

async function load(threads: number, manifest: PageManifest): Promise<void> {
  try {
    const model = readOnce(openModel(manifest, fetchBytes));
    const [engine, analysts] = await Promise.all([
      createOrtEngine({ threads, wasmPaths: { mjs, wasm } }),
      loadAnalysts(model),
    ]);
    // The models of the first picture are loaded; the WebAssembly loads in the meantime.
    const started = start(engine);
    studio = new Studio(engine, model, analysts, started, reply);
    reply({ kind: 'loaded', engine: engine.name });
    await started;
  } catch (error) {
    reply({ kind: 'failed', message: messageOf(error) });
  }
}

self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  if (data.kind === 'load') void load(data.threads, data.manifest);
  else studio?.handle(data);
});
