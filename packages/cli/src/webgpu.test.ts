import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { entropyKind } from '@dpar/entropy';
import { fixturePath } from '@dpar/fixtures';
import { dparKind, llamaGenKind } from '@dpar/model';
import { type ImageModel, initializeParameters, type ModelKind, modelOf } from '@dpar/nn';
import { createSampler } from '@dpar/sampler';
import { createRandom, type Engine, float32, int32, named } from '@dpar/tensor';
import { usableEngine } from '@dpar/tensor/conformance';
import { type TokenSet, Trainer } from '@dpar/train';
import { restoreTrainer, writeTrainerCheckpoint } from '@dpar/train/node';
import { afterAll, describe, expect, it } from 'vitest';
import { readTensors } from './input-files.js';
import { dpar, llamagen } from './testing/sampling.js';
import { countNodes } from './testing/webgpu.js';

// 8 x 8 tokens of 24 codes, 3 classes.
const shared = { dim: 32, n_head: 2, multiple_of: 16, vocab_size: 24, block_size: 64, num_classes: 3 };
const [T, V] = [shared.block_size, shared.vocab_size];

/** Model with random weights, and with an output layer that makes predictions differ. */
function randomModel<K extends ModelKind>(kind: K, settings: object, seed: number) {
  const json = { ...shared, ...settings };
  const parameters = initializeParameters(kind.specs(kind.readConfig(json)), seed);
  createRandom(seed, 99).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.3 });
  return modelOf(kind, json, parameters);
}

const kinds = {
  dpar: () =>
    randomModel(
      dparKind,
      {
        n_layer: 2,
        n_local_encoder_layers: 1,
        n_local_decoder_layers: 1,
        patching: { threshold: 2.5, max_patch_length: 4, row_length: 8 },
      },
      1,
    ),
  llamagen: () => randomModel(llamaGenKind, { n_layer: 2 }, 2),
} satisfies Record<string, () => ImageModel>;
const names = Object.keys(kinds) as (keyof typeof kinds)[];

const entropyModel = randomModel(entropyKind, { n_layer: 1, cls_token_num: 0 }, 3);

function randomSet(images: number): TokenSet {
  const random = createRandom(5, 0);
  return {
    tokens: int32(
      [images, T],
      Array.from({ length: images * T }, () => random.integer(V)),
    ),
    labels: int32(
      [images],
      Array.from({ length: images }, () => random.integer(shared.num_classes)),
    ),
    entropies: float32([images, T - 1], random.fillUniform(new Float32Array(images * (T - 1)), { high: 4 })),
  };
}

function trainerOf(engine: Engine, name: keyof typeof kinds, steps: number): Trainer {
  return new Trainer({
    engine,
    model: kinds[name](),
    data: randomSet(8),
    steps,
    batchSize: 4,
    seed: 3,
    dropout: { token: 0.1, residual: 0.1, feedForward: 0.1 },
    schedule: () => 0.003,
  });
}

/** Losses of some training steps, and the parameters after them. */
async function train(engine: Engine, name: keyof typeof kinds, steps: number) {
  const trainer = trainerOf(engine, name, steps);
  const losses: number[] = [];
  for await (const { loss } of trainer.run()) losses.push(loss);
  await trainer.dispose();
  return { losses, parameters: trainer.parameters };
}

async function draw(engine: Engine, name: keyof typeof kinds) {
  const sampler = createSampler(engine, kinds[name](), name === 'dpar' ? { entropyModel } : {});
  const result = await sampler.generate({ labels: [0, 1, 2], guidanceScale: 2, seed: 4 });
  await sampler.dispose();
  return result;
}

const engine = await usableEngine(() => createOrtEngine({ device: 'webgpu', threads: 1 }));
const tfjs = await usableEngine(() => createTfjsEngine({ backend: 'webgpu' }));
const cpu = await createOrtEngine({ threads: 1 });
afterAll(() => Promise.all([engine, tfjs, cpu].map((one) => one?.dispose())));

describe.each([
  ['ONNX Runtime', engine],
  ['TensorFlow.js', tfjs],
])('models in Node on WebGPU in %s', (_, engine) => {
  it.skipIf(engine === undefined).each(names)('%s draws the tokens and patches of the CPU', async (name) => {
    expect(await draw(engine as Engine, name)).toEqual(await draw(cpu, name));
  });

  it.skipIf(engine === undefined).each(names)('%s trains for ten steps as on the CPU', async (name) => {
    const [found, expected] = [await train(engine as Engine, name, 10), await train(cpu, name, 10)];
    expected.losses.forEach((loss, step) => {
      expect(Math.abs((found.losses[step] as number) - loss), `step ${step + 1}`).toBeLessThan(1e-5);
    });
    expect(expected.losses.at(-1)).toBeLessThan((expected.losses[0] as number) - 0.1);
  });
});

describe.skipIf(engine === undefined)('models in Node on WebGPU', () => {
  it('go on from a checkpoint with the same bits', async () => {
    const trainers = [1, 2, 3].map(() => trainerOf(engine as Engine, 'dpar', 4)) as [Trainer, Trainer, Trainer];
    const [whole, first, second] = trainers;
    for await (const _ of whole.run());
    for await (const { step } of first.run()) if (step === 2) break;
    const folder = join(await temporaryFolder(), 'checkpoint');
    await writeTrainerCheckpoint(folder, first);
    await restoreTrainer(folder, second);
    for await (const _ of second.run());
    expect(second.parameters).toEqual(whole.parameters);
    for (const trainer of trainers) await trainer.dispose();
  });

  it.each(names)('%s trains with all nodes on the GPU', async (name) => {
    const { onGpu, offGpu } = await countNodes(async (counted) => void (await train(counted, name, 1)));
    expect(offGpu).toEqual({});
    expect(onGpu).toBeGreaterThan(100);
  });

  it.each(names)('%s draws with all nodes on the GPU', async (name) => {
    const { onGpu, offGpu } = await countNodes(async (counted) => void (await draw(counted, name)));
    expect(offGpu).toEqual({});
    expect(onGpu).toBeGreaterThan(1000);
  });
});

const command = fileURLToPath(new URL('../bin/dpar.js', import.meta.url));

/** Runs the command as users do, in a process of its own, which native code could abort. */
function execute(argv: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const { status, signal, stderr } = spawnSync(process.execPath, [command, ...argv, '--threads', '1'], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { ended: signal ?? status, stderr };
}

// Each process compiles its shaders, which takes long on a busy machine.
describe('the command with --device webgpu', { timeout: 180_000 }, () => {
  const withoutDriver = { VK_ICD_FILENAMES: '/no/driver.json', VK_DRIVER_FILES: '/no/driver.json' };

  // Other systems have no such variable.
  it.skipIf(process.platform !== 'linux')('ends with an error where no GPU is found', async () => {
    const output = join(await temporaryFolder(), 'out.safetensors');
    const argv = ['sample', ...llamagen, '--classes', '0', '--device', 'webgpu', '--output', output];
    const { ended, stderr } = execute(argv, withoutDriver);
    expect(ended).toBe(1);
    expect(stderr).toMatch(/expected a GPU for the device 'webgpu', got none .*use the device 'cpu'/);
  });

  it.skipIf(engine === undefined).each([
    ['DPAR', dpar],
    ['LlamaGen', llamagen],
  ])('draws the tokens of the CPU, %s', async (_, model) => {
    const folder = await temporaryFolder();
    const draw = async (device: string) => {
      const output = join(folder, `${device}.safetensors`);
      const argv = ['sample', ...model, '--classes', '0-2', '--count', '3', '--seed', '7', '--output', output];
      expect(execute([...argv, '--device', device])).toMatchObject({ ended: 0 });
      return readTensors(output);
    };
    expect(await draw('webgpu')).toEqual(await draw('cpu'));
  });

  it.skipIf(engine === undefined)('trains as on the CPU', async () => {
    const folder = await temporaryFolder();
    const config = join(folder, 'train.json');
    await writeFile(
      config,
      JSON.stringify({
        model: {
          kind: 'dpar',
          ...shared,
          vocab_size: 48,
          num_classes: 5,
          n_layer: 1,
          n_local_encoder_layers: 1,
          n_local_decoder_layers: 1,
          patching: { threshold: 1, max_patch_length: 4 },
        },
        data: { tokens: fixturePath('dpar-dynamic4d/io.safetensors') },
        steps: 3,
        batch_size: 2,
      }),
    );
    const losses = async (device: string): Promise<number[]> => {
      const output = join(folder, device);
      expect(execute(['train', '--config', config, '--output', output, '--device', device])).toMatchObject({
        ended: 0,
      });
      const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8')).trim().split('\n');
      return lines.map((line) => JSON.parse(line).loss);
    };
    const [found, expected] = [await losses('webgpu'), await losses('cpu')];
    expect(found).toHaveLength(3);
    found.forEach((loss, step) => {
      expect(loss).toBeCloseTo(expected[step] as number, 5);
    });
  });
});
