import { join } from 'node:path';
import { createOrtEngine } from '@dpar/engine-ort';
import { createSampler } from '@dpar/sampler';
import { createRandom, float32, int32 } from '@dpar/tensor';
import { readTrainConfig } from '@dpar/train';
import { train, writeTokenSet } from '@dpar/train/node';
import { type TinyModel, tinyDpar, tinyModel } from '../tiny-models.js';
import type { Soak } from './soak.js';

/** Images of a call of the sampler. */
const batch = 16;

const sampling = (name: string, modelName: TinyModel, entropyName?: TinyModel): Soak => ({
  name,
  unit: 'token',
  start: async (_folder, _amount, seed) => {
    const engine = await createOrtEngine({ threads: 1 });
    const entropyModel = entropyName && tinyModel(entropyName, seed + 1);
    const sampler = createSampler(engine, tinyModel(modelName, seed), entropyModel && { entropyModel });
    const labels = Int32Array.from({ length: batch }, (_, i) => i % 5);
    let calls = 0;
    return {
      next: async () => (await sampler.generate({ labels, guidanceScale: 2, seed: seed + calls++ })).tokens.length,
      end: async () => {
        await sampler.dispose();
        await engine.dispose();
      },
    };
  },
});

const training: Soak = {
  name: 'training of a DPAR',
  unit: 'step',
  start: async (folder, amount, seed) => {
    const data = { tokens: join(folder, 'tokens.safetensors'), validation: join(folder, 'validation.safetensors') };
    await writeTokenSet(data.tokens, randomTokens(256, seed));
    await writeTokenSet(data.validation, randomTokens(16, seed + 1));
    const config = readTrainConfig({
      model: tinyDpar,
      data,
      optimizer: { average_decay: 0.99 },
      steps: amount + 1000, // The soak ends before the run does.
      batch_size: 4,
      validate_every: Math.max(1, Math.round(amount / 50)),
      checkpoints: { every: Math.max(1, Math.round(amount / 50)), keep: 2 },
      seed,
      output: join(folder, 'run'),
    });
    const engine = await createOrtEngine({ threads: 1 });
    const steps = train(engine, config);
    return {
      next: async () => {
        await steps.next();
        return 1;
      },
      end: async () => {
        await steps.return(undefined);
        await engine.dispose();
      },
    };
  },
};

/** Random tokens, labels and entropies of images. */
function randomTokens(images: number, seed: number) {
  const random = createRandom(seed, 0);
  const below = (size: number, limit: number) => Int32Array.from({ length: size }, () => random.integer(limit));
  const T = tinyDpar.block_size;
  const entropies = random.fillUniform(new Float32Array(images * (T - 1)), { high: 4 });
  return {
    tokens: int32([images, T], below(images * T, tinyDpar.vocab_size)),
    labels: int32([images], below(images, tinyDpar.num_classes)),
    entropies: float32([images, T - 1], entropies),
  };
}

/** Work whose memory is watched, each in a process of its own. */
export const soaks: readonly Soak[] = [
  sampling('sampling of a DPAR with a boundary head', 'dpar-head'),
  sampling('sampling of a DPAR with an entropy model', 'dpar', 'entropy'),
  sampling('sampling of a LlamaGen', 'llamagen'),
  training,
];
