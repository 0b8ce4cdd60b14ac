import { emojiFolder } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { llamaGenKind } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { createSampler } from '@dpar/sampler';
import { type Benchmark, medians, type Sample, secondsOf } from '../benchmark.js';
import { randomParameters } from '../sampling/random-parameters.js';
import { llamaGenConfig, type Variant } from '../sampling/variant.js';

type SampledModel = Parameters<typeof createSampler>[1];

/** Models that generate, by name. */
const models: Readonly<Record<string, (batch: number) => Promise<SampledModel>>> = {
  'emoji-dpar': () => loadModel(`${emojiFolder}/dpar`),
  'emoji-llamagen': () => loadModel(`${emojiFolder}/llamagen`),
  'llamagen-b-256': async (batch) => {
    const variant: Variant = { size: 'B', batch, gridSize: 16, weights: 'float32' };
    const config = llamaGenConfig(variant);
    return { kind: llamaGenKind, config, parameters: randomParameters(llamaGenKind.specs(config), 1, 0.02) };
  },
};

/** Tokens of an image, and classes that all models have. */
const [tokens, classes] = [256, 9];

/** Generation of one batch with an engine in the calling thread and with one beside the event loop, in turn. */
export const eventLoop: readonly Benchmark[] = Object.keys(models).flatMap((model) =>
  [1, 16].map((batch) => beside(model, batch)),
);

function beside(model: string, batch: number): Benchmark {
  const name = `event-loop/${model}/batch-${batch}`;
  return {
    name,
    group: name,
    onlyWith: 'event-loop',
    memoryBytes: 6e9,
    maxRounds: 3,
    prepare: async ({ threads }) => {
      const loaded = await models[model]?.(batch);
      const samplers = await Promise.all(
        [false, true].map(async (thread) =>
          createSampler(await createOrtEngine({ threads, thread }), loaded as SampledModel),
        ),
      );
      const labels = Int32Array.from({ length: batch }, (_, i) => i % classes);
      const generate = (thread: boolean) => samplers[Number(thread)]?.generate({ labels, guidanceScale: 2, seed: 1 });
      for (const thread of [false, true]) await generate(thread);
      return {
        async measure() {
          const [direct, threaded] = [await measure(() => generate(false)), await measure(() => generate(true))];
          return {
            seconds: direct.seconds,
            blockedMs: direct.blockedMs,
            threadSeconds: threaded.seconds,
            threadBlockedMs: threaded.blockedMs,
          };
        },
      };
    },
    figures: (samples) => {
      const { seconds = Number.NaN, threadSeconds = Number.NaN, ...blocked } = medians(samples);
      return {
        millisecondsPerStep: (1000 * seconds) / tokens,
        threadMillisecondsPerStep: (1000 * threadSeconds) / tokens,
        threadRatio: threadSeconds / seconds,
        ...blocked,
      };
    },
  };
}

/** Interval of a timer in milliseconds. */
const interval = 2;

/** `seconds` of an action, and the longest time `blockedMs` in ms by which a timer was late. */
async function measure(action: () => unknown): Promise<Sample & Record<'seconds' | 'blockedMs', number>> {
  let [last, blockedMs] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    blockedMs = Math.max(blockedMs, now - last - interval);
    last = now;
  }, interval);
  try {
    const seconds = await secondsOf(action);
    return { seconds, blockedMs };
  } finally {
    clearInterval(timer);
  }
}
