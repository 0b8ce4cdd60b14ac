import { fetchEmojiModel } from '@dpar/emoji';
import { createOrtEngine } from '@dpar/engine-ort';
import { type Engine, float32, named } from '@dpar/tensor';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { messageOf } from '../message-of.js';
import type { PlaygroundModel } from '../model/playground-model.js';
import type { Reply, Request } from './protocol.js';
import { Studio } from './studio.js';

declare const self: DedicatedWorkerGlobalScope;

const reply = (message: Reply): void => self.postMessage(message);

let studio: Studio | undefined;

/** An engine that has run already: its WebAssembly compiles while the weights are on their way. */
async function startEngine(threads: number): Promise<Engine> {
  const engine = await createOrtEngine({ threads, wasmPaths: { mjs, wasm } });
  const first = engine.compile((ops, inputs) => ({ y: ops.neg(named(inputs, 'x')) }));
  await first.run({ x: float32([1], [0]) });
  await first.dispose();
  return engine;
}

async function load(threads: number): Promise<void> {
  try {
    const [model, engine] = await Promise.all([fetchEmojiModel() as Promise<PlaygroundModel>, startEngine(threads)]);
    studio = new Studio(engine, model, reply);
    reply({ kind: 'loaded', info: studio.info });
  } catch (error) {
    reply({ kind: 'failed', message: messageOf(error) });
  }
}

self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  if (data.kind === 'load') void load(data.threads);
  else studio?.handle(data);
});
