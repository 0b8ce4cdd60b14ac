import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { entropyKind } from '@dpar/entropy';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { type DparConfig, dparKind } from '@dpar/model';
import { loadModel, saveModel } from '@dpar/model/node';
import type { ModelOfKind } from '@dpar/nn';
import { createSampler } from '@dpar/sampler';
import { createRandom, float32, named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { openOnnx, runtimes } from '../testing/onnx.js';
import { runCli } from '../testing/run-cli.js';

/** The module `dpar.js` of the guide. */
async function guideModule(folder: string) {
  const guide = await readFile(new URL('../../../docs/guides/onnx.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n\/\/ dpar\.js\n(.*?)```/s.exec(guide) ?? [];
  const path = join(folder, 'dpar.mjs');
  await writeFile(path, code);
  return import(/* @vite-ignore */ pathToFileURL(path).href);
}

/** A DPAR of random weights. */
function randomDpar(config: DparConfig): ModelOfKind<typeof dparKind> {
  const random = createRandom(3);
  const parameters = Object.fromEntries(
    Object.entries(dparKind.specs(config)).map(([name, { shape }]) => {
      const tensor = float32(shape);
      random.fillNormal(tensor.data, { std: 0.3 });
      return [name, tensor];
    }),
  );
  return { kind: dparKind, config, parameters };
}

async function exportSteps(output: string, ...argv: string[]): Promise<void> {
  const result = await runCli(['export', '--format', 'onnx', '--decode', '--output', output, ...argv]);
  expect(result).toMatchObject({ status: 0, stderr: '' });
}

describe.each(runtimes)('cached steps in plain $name', ({ ort }) => {
  it.each([
    ['generate-greedy-nocfg', []],
    ['generate-greedy-cfg2', []],
    ['generate-greedy-cfg2', ['--portable', '--external-data']],
  ])("the guide's loop generates the tokens of %s %j", async (name, more) => {
    const folder = await temporaryFolder();
    const { generate } = await guideModule(folder);
    const output = join(folder, 'onnx');
    const entropy = ['--entropy-checkpoint', fixturePath('entropy-model')];
    await exportSteps(output, '--checkpoint', fixturePath('dpar-dynamic4d'), ...entropy, ...more);
    const settings = JSON.parse(await readFile(fixturePath(`${name}/config.json`), 'utf8'));
    const io = toHostTensors((await readSafetensors(fixturePath(`${name}/io.safetensors`))).tensors);
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    const { threshold, max_patch_length, row_length } = settings;
    const load = (step: string) => openOnnx(ort, join(output, `${step}.onnx`), more.length > 0);
    const images = await generate(ort, load, {
      config: { ...config, patching: { threshold, max_patch_length, row_length } },
      labels: Array.from(named(io, 'labels').data),
      guidance: settings.cfg_scale,
    });
    expect(images.flat()).toEqual(Array.from(named(io, 'tokens').data));
  });

  it.each([null, '2d'])('DPAR of other settings, embedding %s: as its sampler generates', async (embedding_type) => {
    const folder = await temporaryFolder();
    const { generate } = await guideModule(folder);
    const [checkpoint, output] = [join(folder, 'checkpoint'), join(folder, 'onnx')];
    const entropyModel = await loadModel(fixturePath('entropy-model'), { kinds: [entropyKind] });
    const { blockSize: block_size, vocabSize: vocab_size } = entropyModel.config;
    const sizes = { dim: 32, n_head: 2, n_layer: 2, multiple_of: 8, vocab_size, block_size, num_classes: 5 };
    const layers = { n_local_encoder_layers: 2, n_local_decoder_layers: 2 };
    const patching = { mode: 'entropy_row_boundary', threshold: 2.3, max_patch_length: null, row_length: 8 };
    const flags = { encoder_block_causal: true, predict_eoi_token: true, embedding_type };
    const config = dparKind.readConfig({ ...sizes, ...layers, ...flags, patching });
    const model = randomDpar(config);
    await saveModel(checkpoint, model);
    await exportSteps(output, '--checkpoint', checkpoint, '--entropy-checkpoint', fixturePath('entropy-model'));
    const load = (step: string) => openOnnx(ort, join(output, `${step}.onnx`));
    const labels = [0, 3, 1];
    const images = await generate(ort, load, { config: dparKind.writeConfig(config), labels, guidance: 1.5 });
    const engine = await createOrtEngine({ threads: 1 });
    const sampler = createSampler(engine, model, { entropyModel });
    const expected = await sampler.generate({ labels: Int32Array.from(labels), guidanceScale: 1.5, greedy: true });
    expect(images.flat()).toEqual(Array.from(expected.tokens));
    const lengths = expected.patchLengths.flatMap((image) => Array.from(image));
    expect(new Set(lengths).size).toBeGreaterThan(3);
    await engine.dispose();
  });

  it.each([
    [[1, 2, 7, 8, 9], 0.1],
    [[1], null],
    [[3], -0.1],
  ])('DPAR with a boundary head at %j, threshold %s: as its sampler generates', async (neighbours, threshold) => {
    const folder = await temporaryFolder();
    const { generate } = await guideModule(folder);
    const [checkpoint, output] = [join(folder, 'checkpoint'), join(folder, 'onnx')];
    const model = randomDpar(
      dparKind.readConfig({
        ...{ dim: 32, n_head: 2, n_layer: 2, multiple_of: 8, vocab_size: 48, block_size: 64, num_classes: 5 },
        ...{ n_local_encoder_layers: 2, n_local_decoder_layers: 1, embedding_type: 'dynamic_4d' },
        patching: { mode: 'entropy_row_boundary', threshold: 0, max_patch_length: null, row_length: 8 },
        boundary_head: { hidden_width: 8, neighbours, threshold },
      }),
    );
    await saveModel(checkpoint, model);
    await exportSteps(output, '--checkpoint', checkpoint);
    expect((await readdir(output)).sort()).toEqual([
      ...['config.json', 'decoder_step.onnx', 'encoder_step.onnx', 'global_step.onnx'],
    ]);
    const load = (step: string) => openOnnx(ort, join(output, `${step}.onnx`));
    const labels = [0, 3, 1];
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    const images = await generate(ort, load, { config, labels, guidance: 1.5 });
    const engine = await createOrtEngine({ threads: 1 });
    const sampler = createSampler(engine, model);
    const expected = await sampler.generate({ labels: Int32Array.from(labels), guidanceScale: 1.5, greedy: true });
    expect(images.flat()).toEqual(Array.from(expected.tokens));
    expect(new Set(expected.patchLengths.flatMap((image) => Array.from(image))).size).toBeGreaterThan(3);
    await engine.dispose();
  });

  it('LlamaGen: one step a token, as its sampler generates', async () => {
    const output = join(await temporaryFolder(), 'onnx');
    await exportSteps(output, '--checkpoint', fixturePath('llamagen'));
    const model = await loadModel(fixturePath('llamagen'));
    const { blockSize: T, vocabSize: V } = model.config;
    const session = await openOnnx(ort, join(output, 'model_step.onnx'));
    for (const labels of [[0, 3], [1]]) {
      const B = labels.length;
      const ints = (values: number[]) => new ort.Tensor('int32', Int32Array.from(values), [values.length]);
      const caches = Object.fromEntries(
        session.inputMetadata.flatMap((input) => {
          if (!input.isTensor || !input.name.startsWith('past_key_values')) return [];
          // Room beyond what is needed, for one of the two.
          const dims = input.shape.map((n) => (n === 'batch' ? B : n === 'cache_positions' ? T + B : Number(n)));
          const zeros = new Float32Array(dims.reduce((a, b) => a * b));
          return [[input.name, new ort.Tensor('float32', zeros, dims)]];
        }),
      );
      let tokens = new Array<number>(B).fill(0);
      const generated: number[][] = labels.map(() => []);
      for (let t = 0; t < T; t++) {
        const positions = ints(new Array<number>(B).fill(t));
        const outputs = await session.run({ labels: ints(labels), tokens: ints(tokens), positions, ...caches });
        for (const name in caches) {
          caches[name] = outputs[name.replace('past_key_values', 'present')] as (typeof caches)[string];
        }
        const logits = outputs.logits?.data as Float32Array;
        tokens = labels.map((_, row) => {
          const own = logits.subarray(row * V, (row + 1) * V);
          return own.indexOf(Math.max(...own));
        });
        for (const [row, token] of tokens.entries()) generated[row]?.push(token);
      }
      const engine = await createOrtEngine({ threads: 1 });
      const sampler = createSampler(engine, model);
      const expected = await sampler.generate({ labels: Int32Array.from(labels), greedy: true });
      expect(generated.flat()).toEqual(Array.from(expected.tokens));
      await engine.dispose();
    }
    await session.release();
  });
});
