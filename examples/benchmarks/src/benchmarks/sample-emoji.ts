import { emojiFolder } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { loadModel } from '@dpar/model/node';
import { createSampler } from '@dpar/sampler';
import { type Benchmark, medians } from '../benchmark.js';
import { measureSampling } from '../sampling/prepare.js';

/** Tokens in a row and in a column of an image. */
const gridSize = 16;

/** Classes of the models. */
const classes = 9;

/** Generation with the models of `@dpar/emoji`, which any device can run. They take turns. */
export const emojiSampling: readonly Benchmark[] = [1, 16].flatMap((batch) =>
  (['dpar', 'llamagen'] as const).map((kind): Benchmark => {
    const images = { batch, gridSize };
    return {
      name: `sample/emoji-${kind}/batch-${batch}`,
      group: `sample/emoji/batch-${batch}`,
      onlyWith: 'sample/emoji',
      maxRounds: 3,
      prepare: async ({ threads, device }) => {
        const model = await loadModel(`${emojiFolder}/${kind}`);
        const sampler = createSampler(await createOrtEngine({ threads, device }), model);
        const labels = Int32Array.from({ length: batch }, (_, i) => i % classes);
        const generate = () => sampler.generate({ labels, guidanceScale: 2, seed: 1 });
        await generate();
        return { measure: () => measureSampling(sampler, images, generate) };
      },
      figures: (samples) => {
        const { seconds = Number.NaN, meanPatchLength = Number.NaN, ...stages } = medians(samples);
        return {
          tokensPerSecond: (batch * gridSize ** 2) / seconds,
          secondsPerImage: seconds / batch,
          ...(kind === 'dpar' && { meanPatchLength }),
          ...stages,
        };
      },
    };
  }),
);
