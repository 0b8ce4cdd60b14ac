import { dparKind, dparPreset, presets } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import { AdamW, copyParameters, globalNorm } from '@dpar/train';
import { createOptimizerThread } from '@dpar/train/node';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { randomParameters } from '../sampling/random-parameters.js';
import { readBandwidth } from './read-bandwidth.js';

const specs = dparKind.specs(dparPreset(presets.B));
const parameterCount = countParameters(specs);

/** Bytes of one array of all parameters. */
const bytes = 4 * parameterCount;

/** Passes over an array: the update reads and writes parameters, two moments and the average; it and the norm read gradients. */
const passes = 10;

/** Work after the backward pass of a base model, on one core and with a thread: gradient norm, AdamW, moving average. */
export const optimizerStep: Benchmark = {
  name: 'optimizer/adamw-115m',
  group: 'optimizer',
  memoryBytes: 5 * bytes,
  uses: [readBandwidth],
  prepare: async () => {
    const parameters = randomParameters(specs, 1, 0.02);
    const gradients = randomParameters(specs, 2, 0.02);
    const average = { tensors: copyParameters(parameters), decay: 0.9999 };
    const optimizer = new AdamW(parameters);
    const settings = { learningRate: 1e-4, gradientScale: 0.5 };
    const update = () => optimizer.update(gradients, { ...settings, average });
    const thread = createOptimizerThread();
    const updateWithThread = async () => (await optimizer.begin(gradients, { average, thread })).apply(settings);
    update();
    await updateWithThread();
    return {
      measure: async () => ({
        normSeconds: await secondsOf(() => globalNorm(gradients)),
        updateSeconds: await secondsOf(update),
        withThreadSeconds: await secondsOf(updateWithThread),
      }),
    };
  },
  figures: (samples, figuresOf) => {
    const { normSeconds = Number.NaN, updateSeconds = Number.NaN, withThreadSeconds = Number.NaN } = medians(samples);
    const seconds = normSeconds + updateSeconds;
    const gigabytesPerSecond = (passes * bytes) / seconds / 1e9;
    const { gigabytesPerSecond: read } = figuresOf(readBandwidth.name);
    return {
      seconds,
      normSeconds,
      updateSeconds,
      withThreadSeconds,
      gigabytesPerSecond,
      ...(read !== undefined && { bandwidthShare: gigabytesPerSecond / read }),
    };
  },
};
