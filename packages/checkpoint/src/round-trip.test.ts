import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { type PyTorchDict, type PyTorchTensor, type PyTorchValue, type StoredTensor, toHostTensors } from '@dpar/io';
import { openPyTorch, readCheckpoint, readSafetensors, writePyTorch } from '@dpar/io/node';
import { float32, type HostTensor, type Tensors } from '@dpar/tensor';
import { type Trainer, updateAverage } from '@dpar/train';
import { restoreTrainer, writeTrainerCheckpoint } from '@dpar/train/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportPyTorch } from './export-pytorch.js';
import { exportSafetensors } from './export-safetensors.js';
import { importCheckpoint } from './import.js';
import { tinyGpt, tinyModel, trained } from './testing/tiny.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-train-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Content of a trainer's config.json. */
const configJson = ({ options: { model } }: Trainer) => model.kind.writeConfig(model.config);

/** Names and bytes of a folder's files. */
function contentOf(path: string): Map<string, string> {
  return new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name)).toString('base64')]));
}

function largestDifference(actual: Tensors<HostTensor>, expected: Tensors<HostTensor>): number {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  const differences = Object.entries(expected).flatMap(([name, { data }]) =>
    Array.from(data, (value, i) => Math.abs(Number(value) - (actual[name]?.data[i] ?? Number.NaN))),
  );
  return differences.reduce((most, difference) => Math.max(most, difference), 0);
}

describe('a checkpoint that is exported and imported', () => {
  it.each(['dpar', 'llamagen', 'entropy'] as const)('has the same bytes: %s', async (kind) => {
    const [from, file, to] = [`${kind}-from`, `${kind}.pt`, `${kind}-to`].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const trainer = await trained(tinyModel(kind));
    await writeTrainerCheckpoint(from, trainer);
    const exported = await exportPyTorch(from, file);
    expect(exported.keys).toEqual(['model', 'ema', 'optimizer', 'steps', 'trainer', 'config']);
    expect(exported).toMatchObject({ kind, step: 3, settingsFrom: 'defaults', leftOut: [] });
    const imported = await importCheckpoint(file, to);
    expect(imported).toMatchObject({ kind, step: 3, assumed: [], ignored: [] });
    expect(contentOf(to)).toEqual(contentOf(from));
    await restoreTrainer(to, trainer);
  });

  it.each(['dpar', 'llamagen', 'entropy'] as const)('has the same bytes by way of several files: %s', async (kind) => {
    const [from, file, parts, back, to] = ['from', 'one.pt', 'parts', 'back.pt', 'to'].map((name) =>
      join(folder, `${kind}-several-${name}`),
    ) as [string, string, string, string, string];
    const trainer = await trained(tinyModel(kind));
    await writeTrainerCheckpoint(from, trainer);
    await exportPyTorch(from, file);
    const { files } = await importCheckpoint(file, parts, { maximumShardBytes: 3000 });
    for (const name of ['model', 'average', 'optimizer']) {
      expect(files.filter((part) => part.startsWith(`${name}-0`)).length).toBeGreaterThan(2);
      expect(files).toContain(`${name}.safetensors.index.json`);
      expect(files).not.toContain(`${name}.safetensors`);
    }
    expect((await exportPyTorch(parts, back)).leftOut).toEqual([]);
    await importCheckpoint(back, to);
    expect(contentOf(to)).toEqual(contentOf(from));
    // Training goes on from it, and notices damage.
    const other = await trained(tinyModel(kind));
    await restoreTrainer(parts, other);
    expect(largestDifference(other.parameters, trainer.parameters)).toBe(0);
    const part = join(parts, files.find((name) => name.startsWith('optimizer-0')) as string);
    writeFileSync(part, readFileSync(part).subarray(0, -1));
    await expect(restoreTrainer(parts, other)).rejects.toThrow('The checkpoint is damaged');
  });

  it('names a weight of a type that is not read', async () => {
    const from = join(folder, 'complex');
    await writeTrainerCheckpoint(from, await trained());
    const path = join(from, 'model.safetensors');
    const bytes = readFileSync(path);
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
    // F32 [2n] has as many bytes as C64 [n].
    header['norm.weight'] = { ...header['norm.weight'], dtype: 'C64', shape: [8] };
    const text = Buffer.from(JSON.stringify(header).padEnd(headerBytes));
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 8), text, bytes.subarray(8 + headerBytes)]));
    const message = (caller: string) =>
      `${caller}: expected tensors of float32, float16, bfloat16 or float64 as weights in`;
    await expect(exportPyTorch(from, join(folder, 'c.pt'))).rejects.toThrow(message('exportPyTorch'));
    await expect(exportSafetensors(from, join(folder, 'c.safetensors'))).rejects.toThrow('got norm.weight: C64[8].');
  });

  it('may leave out the optimizer, and the average', async () => {
    const from = join(folder, 'whole');
    await writeTrainerCheckpoint(from, await trained());
    const file = join(folder, 'without.pt');
    const { keys, leftOut } = await exportPyTorch(from, file, { optimizer: false });
    expect([keys.includes('optimizer'), leftOut]).toEqual([false, ['optimizer.safetensors']]);
    const to = join(folder, 'averaged');
    expect((await importCheckpoint(file, to, { only: 'ema' })).files).toEqual(['config.json', 'model.safetensors']);
    expect(contentOf(to).get('model.safetensors')).toBe(contentOf(from).get('average.safetensors'));
  });

  it('takes the settings of the optimizer from the run that it is in', async () => {
    const from = join(folder, 'run', 'last');
    await writeTrainerCheckpoint(from, await trained());
    const optimizer = { learning_rate: 0.003, betas: [0.8, 0.99], weight_decay: 0.2 };
    const config = {
      model: { kind: 'llamagen', ...tinyGpt },
      data: { tokens: 't' },
      optimizer,
      steps: 3,
      output: 'o',
    };
    writeFileSync(join(folder, 'run', 'train.json'), JSON.stringify(config));
    const path = join(folder, 'settings.pt');
    expect((await exportPyTorch(from, path)).settingsFrom).toBe(join(folder, 'run', 'train.json'));
    const file = await openPyTorch(path);
    const groups = at(file.value, 'optimizer', 'param_groups') as PyTorchDict[];
    const shown = groups.map((group) => ['lr', 'betas', 'eps', 'weight_decay'].map((key) => group.get(key)));
    expect(shown).toEqual([
      [0.003, [0.8, 0.99], 1e-8, 0.2],
      [0.003, [0.8, 0.99], 1e-8, 0],
    ]);
    // As LlamaGen's creat_optimizer numbers them: first what has 2 dimensions or more.
    const [decayed, others] = groups.map((group) => group.get('param_names') as string[]) as [string[], string[]];
    expect(decayed.slice(0, 3)).toEqual([
      'cls_embedding.embedding_table.weight',
      'tok_embeddings.weight',
      'layers.0.attention.wqkv.weight',
    ]);
    expect(others).toEqual(['layers.0.attention_norm.weight', 'layers.0.ffn_norm.weight', 'norm.weight']);
    expect(groups.map((group) => group.get('params'))).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [8, 9, 10],
    ]);
    const moment = at(file.value, 'optimizer', 'state') as PyTorchDict;
    expect((at(moment.get(10), 'exp_avg') as PyTorchTensor).shape).toEqual([16]);
    await file.close();
  });
});

function at(value: PyTorchValue | undefined, ...keys: string[]): PyTorchValue | undefined {
  return keys.reduce<PyTorchValue | undefined>((dict, key) => (dict as PyTorchDict).get(key), value);
}

describe('a checkpoint that PyTorch trained on', () => {
  // PyTorch 1.13 loaded the export of `trained()` (strictly), did a step of torch.optim.AdamW with the gradients below and
  // one of the average, and saved as LlamaGen's scripts do, with args and in the older format.
  const path = fixturePath('torch-pt/adamw-checkpoint.pt');

  it('is what the same step here gives', async () => {
    const to = join(folder, 'continued');
    // The shapes do not tell which multiple the width was rounded to.
    expect(await importCheckpoint(path, to, { seed: 7, settings: ['multiple_of=8'] })).toMatchObject({
      step: 4,
      assumed: ['rope_base 10000 (usual)', 'norm_eps 0.00001 (usual)'],
    });
    const trainer = await trained();
    const gradients = Object.entries(trainer.parameters).map(([name, { shape, data }]) => {
      return [name, float32(shape, data.map((_, i) => (((i * 7) % 11) - 5) / 10) as Float32Array)] as const;
    });
    trainer.optimizer.update(Object.fromEntries(gradients), { learningRate: 1e-4 });
    updateAverage(trainer.average as Tensors<HostTensor>, trainer.parameters, 0.9);

    const imported = await readCheckpoint(to);
    expect(imported.config).toEqual(configJson(trainer));
    expect(largestDifference(imported.parameters, trainer.parameters)).toBeLessThan(1e-6);
    const tensors = async (name: string) => toHostTensors((await readSafetensors(join(to, name))).tensors);
    expect(largestDifference(await tensors('average.safetensors'), trainer.average ?? {})).toBeLessThan(1e-6);
    const moments = Object.entries(trainer.optimizer.moments).flatMap(([name, { first, second }]) => [
      [`exp_avg.${name}`, float32([first.length], first)] as const,
      [`exp_avg_sq.${name}`, float32([second.length], second)] as const,
    ]);
    expect(largestDifference(await tensors('optimizer.safetensors'), Object.fromEntries(moments))).toBeLessThan(1e-6);
    const other = await trained();
    await restoreTrainer(to, other);
    expect(other.step).toBe(4);
  });

  it('is read where the states of the optimizer are named, not numbered', async () => {
    const file = await openPyTorch(path);
    const model = new Map<string, StoredTensor>();
    for (const [name, tensor] of at(file.value, 'model') as PyTorchDict) {
      model.set(String(name), await file.read(tensor as PyTorchTensor));
    }
    // As torch.distributed.checkpoint gathers them: here each moment is the parameter's values.
    const states = Array.from(
      model,
      ([name, tensor]) => [name, { step: 9, exp_avg: tensor, exp_avg_sq: tensor }] as const,
    );
    const groups = [{ params: [...model.keys()].reverse() }, { params: [] }];
    const [named, to] = [join(folder, 'named.pt'), join(folder, 'named')];
    await writePyTorch(named, { model, optimizer: { state: new Map(states), param_groups: groups } });
    await file.close();
    const { step } = await importCheckpoint(named, to, { settings: ['block_size=16', 'n_head=1'] });
    expect(step).toBe(9);
    const { tensors } = await readSafetensors(join(to, 'optimizer.safetensors'));
    for (const [name, { bytes }] of model) {
      expect([...(tensors.get(`exp_avg.${name}`)?.bytes ?? [])]).toEqual([...bytes]);
    }
  });

  it('is refused where the state of the optimizer does not fit', async () => {
    const file = await openPyTorch(path);
    const changed = async (optimizer: Record<string, PyTorchValue>): Promise<string> => {
      const model: Record<string, HostTensor> = {};
      for (const [name, tensor] of at(file.value, 'model') as PyTorchDict) {
        model[String(name)] = float32((tensor as PyTorchTensor).shape);
      }
      const to = join(folder, 'changed.pt');
      await writePyTorch(to, { model, optimizer: optimizer as Record<string, never> });
      return to;
    };
    const groups = [{ params: [0, 1] }, { params: [2] }] as unknown as PyTorchValue;
    const set = ['block_size=16', 'n_head=1'];
    const cases: [Record<string, unknown>, string][] = [
      [{ state: { 0: { momentum_buffer: null } }, param_groups: groups }, 'groups of 8 and 3 parameters, got 2 and 1'],
      [{ state: { 0: { momentum_buffer: null } }, param_groups: [{ params: [...Array(11).keys()] }] }, 'got 1'],
      [{}, "with 'state' and 'param_groups', got none"],
    ];
    for (const [optimizer, message] of cases) {
      const to = await changed(optimizer as Record<string, PyTorchValue>);
      await expect(importCheckpoint(to, join(folder, 'never'), { settings: set })).rejects.toThrow(message);
      // The weights alone are taken.
      await importCheckpoint(to, join(folder, 'weights'), { settings: set, only: 'model' });
    }
    await file.close();
    expect(readdirSync(folder)).not.toContain('never');
  });
});
