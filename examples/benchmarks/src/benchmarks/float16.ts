import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { decodeImages, encodeAll, isValidation, listEmoji } from '@dpar/example-kit/emoji';
import { relativeDifference } from '@dpar/fixtures';
import { type ImageModel, initializeParameters } from '@dpar/nn';
import { createSampler } from '@dpar/sampler';
import { type Engine, float32, type HostTensor, int32, named, type Tensors } from '@dpar/tensor';
import { createTokenizer } from '@dpar/tokenizer';
import {
  cosineSchedule,
  createLossAndGradients,
  createValidator,
  entropiesOfSet,
  sliceImages,
  type TokenSet,
  Trainer,
} from '@dpar/train';
import { type Benchmark, medians, type Sample } from '../benchmark.js';
import { obstacleOf } from './on-device.js';

/** Images that are drawn, of all classes in turn. */
const drawn = 9;

/** Images of the validation loss. */
const validated = 32;

/** Images whose gradients are compared. */
const differentiated = 4;

/** Steps of the training runs that are compared. */
const trainingSteps = 50;

/** Deviation of float16 from float32 on WebGPU, for the shipped emoji models. It is no time: any driver will do. */
export const float16: Benchmark = {
  name: 'webgpu/float16',
  group: 'webgpu/float16',
  maxRounds: 1,
  onlyWith: 'webgpu/float16',
  obstacle: () => obstacleOf('webgpu', 'float16'),
  prepare: async ({ threads }) => ({
    measure: async () => {
      const single = await createOrtEngine({ device: 'webgpu', threads });
      const half = await createOrtEngine({ device: 'webgpu', precision: 'float16', threads });
      const models = await loadEmojiModel();
      const set = await validationSet(single, models);
      let sample: Sample = {};
      for (const name of ['dpar', 'llamagen'] as const) {
        const of = (figures: Sample) =>
          Object.fromEntries(Object.entries(figures).map(([figure, value]) => [`${name}.${figure}`, value]));
        sample = { ...sample, ...of(await compare(single, half, models[name], set)) };
      }
      await Promise.all([single.dispose(), half.dispose()]);
      return sample;
    },
  }),
  figures: medians,
};

type Models = Awaited<ReturnType<typeof loadEmojiModel>>;

/** Validation emoji as tokens of the shipped tokenizer, with entropies. */
async function validationSet(engine: Engine, { tokenizer: model, entropy, classes }: Models): Promise<TokenSet> {
  const files = (await listEmoji()).filter(({ entry }) => isValidation(entry.unified)).slice(0, validated);
  const tokenizer = createTokenizer(engine, model);
  const tokens = await encodeAll(tokenizer, await decodeImages(files.map(({ path }) => path)));
  await tokenizer.dispose();
  const labels = int32(
    [files.length],
    files.map(({ entry }) => classes.indexOf(entry.category)),
  );
  const set = { tokens, labels };
  return { ...set, entropies: await entropiesOfSet(engine, entropy, set) };
}

async function compare(single: Engine, half: Engine, model: ImageModel, set: TokenSet): Promise<Sample> {
  const [losses, gradients, tokens, curves] = await both(
    single,
    half,
    async (engine) =>
      [
        await validationLoss(engine, model, set),
        await gradientsOf(engine, model, set),
        await draw(engine, model),
        await train(engine, model, set),
      ] as const,
  );
  return {
    lossFloat32: losses[0],
    lossFloat16: losses[1],
    logits: relativeDifference(gradients[1].logits, gradients[0].logits),
    gradients: Math.max(
      ...Object.entries(gradients[0].gradients).map(([name, expected]) =>
        relativeDifference(named(gradients[1].gradients, name), expected),
      ),
    ),
    equalTokens: tokens[0].filter((token, i) => token === tokens[1][i]).length / tokens[0].length,
    firstDifference: tokens[0].findIndex((token, i) => token !== tokens[1][i]),
    trainingStart: curves[0][0] as number,
    trainingFloat32: mean(curves[0].slice(-5)),
    trainingFloat16: mean(curves[1].slice(-5)),
    trainingLargestDifference: Math.max(...curves[0].map((loss, step) => Math.abs(loss - (curves[1][step] as number)))),
  };
}

/** Results of both engines, pair by pair. */
async function both<V extends readonly unknown[]>(
  single: Engine,
  half: Engine,
  run: (engine: Engine) => Promise<V>,
): Promise<{ readonly [K in keyof V]: readonly [V[K], V[K]] }> {
  const [first, second] = [await run(single), await run(half)];
  return first.map((value, i) => [value, second[i]]) as never;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

async function validationLoss(engine: Engine, model: ImageModel, set: TokenSet): Promise<number> {
  const validator = createValidator(engine, model, { constants: model.parameters });
  const loss = await validator.loss({}, set, 16);
  await validator.dispose();
  return loss;
}

async function gradientsOf(
  engine: Engine,
  model: ImageModel,
  set: TokenSet,
): Promise<{ readonly logits: HostTensor; readonly gradients: Tensors<HostTensor> }> {
  const inputs = model.kind.inputs(model.config, sliceImages(set, 0, differentiated));
  const compiled = createLossAndGradients(engine, model, ['logits']);
  const scaled = { ...inputs, lossScale: float32([], [65_536]) };
  const { gradients, outputs } = await compiled.run(model.parameters, scaled);
  await compiled.dispose();
  return { logits: named(outputs, 'logits'), gradients };
}

async function draw(engine: Engine, model: ImageModel): Promise<readonly number[]> {
  const sampler = createSampler(engine, model);
  const labels = Array.from({ length: drawn }, (_, i) => i % 9);
  const { tokens } = await sampler.generate({ labels, guidanceScale: 1.5, seed: 1 });
  await sampler.dispose();
  return [...tokens];
}

/** Losses of a small model that starts from random weights. */
async function train(
  engine: Engine,
  { kind, config: shipped }: ImageModel,
  data: TokenSet,
): Promise<readonly number[]> {
  const config = { ...shipped, dim: 64, nLayer: 2 };
  const trainer = new Trainer({
    engine,
    model: { kind, config, parameters: initializeParameters(kind.specs(config), 1) },
    data,
    steps: trainingSteps,
    batchSize: 4,
    seed: 1,
    schedule: cosineSchedule({ learningRate: 3e-3, steps: trainingSteps, warmupSteps: 5 }),
  });
  const losses: number[] = [];
  for await (const { loss } of trainer.run()) losses.push(loss);
  await trainer.dispose();
  return losses;
}
