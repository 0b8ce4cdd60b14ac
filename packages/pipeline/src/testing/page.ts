import { fetchPipeline } from '../index.js';

/** Runs in a browser: draws a picture with the model that the address names, and keeps its tokens and bytes. */
async function draw(): Promise<object> {
  const wasmPaths = { mjs: '/ort/ort-wasm-simd-threaded.mjs', wasm: '/ort/ort-wasm-simd-threaded.wasm' };
  const pipeline = await fetchPipeline('../model', { threads: 1, wasmPaths });
  const images = await pipeline.generate({ class: 'Flags', seed: 6 });
  const again = await pipeline.reconstruct([images, images.png(), new Blob([images.png().slice()])]);
  const map = await pipeline.entropyMap(images.imageData());
  const results = {
    tokens: [...images.tokens],
    bytes: [...images.bytes],
    again: [...again.tokens],
    entropies: [...map.entropies],
    imageData: Object.prototype.toString.call(images.imageData()),
  };
  await pipeline.dispose();
  return results;
}

Object.assign(globalThis, { drawn: draw() });
