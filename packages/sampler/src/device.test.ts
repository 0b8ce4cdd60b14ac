import { createOrtEngine } from '@dpar/engine-ort';
import type { ImageModel } from '@dpar/nn';
import { countTransfers, createReferenceEngine, type DeviceTensor, type Engine } from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { createSampler } from './create-sampler.js';
import type { SampleOptions } from './options.js';
import { tinyDpar, tinyEntropyModel, tinyLlamaGen } from './testing/uncached.js';

const host = await createOrtEngine({ threads: 1 });
afterAll(() => host.dispose());

/** An engine that is used as one with memory of its own, which the CPU has not. */
const onDevice = (engine: Engine): Engine => ({ ...engine, hasDeviceMemory: true });

const options: SampleOptions = { labels: [0, 1, 2, 1, 0], batchSize: 3, guidanceScale: 2, seed: 3 };
const prefix = Array.from({ length: 5 * 6 }, (_, i) => (5 * i) % 12);

const models: readonly (readonly [name: string, model: ImageModel, options: SampleOptions])[] = [
  ['DPAR', tinyDpar(), options],
  ['DPAR of one image', tinyDpar(), { labels: [2], seed: 5 }],
  ['DPAR with given tokens', tinyDpar(), { ...options, prefix }],
  ['DPAR whose encoder sees one patch', tinyDpar({ encoder_block_causal: true }), options],
  ['LlamaGen', tinyLlamaGen(), options],
  ['LlamaGen with given tokens', tinyLlamaGen(), { ...options, prefix }],
];

async function draw(engine: Engine, model: ImageModel, given: SampleOptions) {
  const entropyModel = model.kind.name === 'dpar' ? { entropyModel: tinyEntropyModel() } : {};
  const sampler = createSampler(engine, model, entropyModel);
  const images = await sampler.generate(given);
  await sampler.dispose();
  return images;
}

describe('samplers on an engine with memory of its own', () => {
  it.each(models)('draw the tokens and patches of the host, %s', async (_, model, given) => {
    expect(await draw(onDevice(host), model, given)).toEqual(await draw(host, model, given));
  });

  it('copy no caches, and leave nothing there', async () => {
    // 16 x 16 tokens, so that caches are large.
    const grid = { block_size: 256, vocab_size: 6, n_layer: 4 };
    const model = tinyLlamaGen(grid);
    const live = new Set<DeviceTensor>();
    const reference = createReferenceEngine();
    const watched: Engine = {
      ...onDevice(reference),
      compile: (...source) => {
        const compiled = reference.compile(...source);
        return {
          signatures: 0,
          run: (...call) => compiled.run(...call),
          dispose: () => compiled.dispose(),
          async runOnDevice(...call) {
            const outputs = await compiled.runOnDevice(...call);
            for (const tensor of Object.values(outputs)) {
              live.add(tensor);
              const dispose = tensor.dispose.bind(tensor);
              tensor.dispose = () => {
                live.delete(tensor);
                dispose();
              };
            }
            return outputs;
          },
        };
      },
    };
    const { engine, transfers } = countTransfers(watched);
    const sampler = createSampler(engine, model, {});
    const copied: (typeof transfers)[] = [];
    for await (const { positions } of sampler.steps({ labels: [0, 1], seed: 1 })) {
      if ((positions[0] as number) % 32 === 1) copied.push({ ...transfers });
      Object.assign(transfers, { toDevice: 0, toHost: 0, calls: 0 });
      if ((positions[0] as number) > 70) break;
    }
    // State and angles of each row, a mask and a flag for each position, and a row number of each sequence.
    const rows = 2;
    const room = [32, 64, 96];
    expect(copied.map(({ toDevice }) => toDevice)).toEqual(
      room.map((L) => 4 * rows * (32 + 16) + 4 * rows * L + rows * L + 4 * rows + 4),
    );
    // Logits and probabilities of each image.
    for (const { toHost, calls } of copied) expect([toHost, calls]).toEqual([2 * 2 * 6 * 4, 2]);
    expect(live.size).toBe(0);
    await sampler.dispose();
  });
});
