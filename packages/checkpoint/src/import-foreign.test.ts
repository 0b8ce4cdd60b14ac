import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { entriesOf, PyTorchTensor, type StoredTensor, type WritablePyTorchValue } from '@dpar/io';
import { openPyTorch, readCheckpoint, readSafetensors, writePyTorch, writeSafetensors } from '@dpar/io/node';
import { float32 } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importCheckpoint } from './import.js';

let folder: string;
/** Weights of a small LlamaGen: 4 rows of classes, 16 wide, 6 codes. */
let weights: Map<string, StoredTensor>;
const set = ['n_head=1', 'block_size=16', 'multiple_of=8'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-train-'));
  const file = await openPyTorch(fixturePath('torch-pt/foreign-objects.pt'));
  weights = new Map();
  for (const [name, tensor] of entriesOf(entriesOf(file.value)?.get('model')) ?? []) {
    if (tensor instanceof PyTorchTensor) weights.set(String(name), await file.read(tensor));
  }
  await file.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function save(value: WritablePyTorchValue): Promise<string> {
  const path = join(folder, 'saved.pt');
  await writePyTorch(path, value);
  return path;
}

const without = (...names: string[]): Map<string, StoredTensor> =>
  new Map([...weights].filter(([name]) => !names.includes(name)));

/** Checks that a checkpoint has the weights, bit by bit. */
async function expectWeights(checkpoint: string, expected: ReadonlyMap<string, StoredTensor> = weights): Promise<void> {
  const { tensors } = await readSafetensors(join(checkpoint, 'model.safetensors'));
  expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { bytes }] of expected) expect([...(tensors.get(name)?.bytes ?? [])]).toEqual([...bytes]);
}

const to = (): string => join(folder, 'checkpoint');
const never = (): string => join(folder, 'never');

describe('importCheckpoint of files with foreign objects', () => {
  it.each(['foreign-objects.pt', 'foreign-objects-legacy.pt'])(
    'takes the weights and arguments of %s',
    async (name) => {
      const result = await importCheckpoint(fixturePath(`torch-pt/${name}`), to());
      expect(result).toMatchObject({ kind: 'llamagen', tensors: 11, leftOut: [], notes: [] });
      // What the arguments tell stands beside a date and an enum.
      expect(result.config).toMatchObject({ n_head: 1, block_size: 16, num_classes: 3, vocab_size: 6 });
      await expectWeights(to());
    },
  );

  it('takes the weights of a module that was saved whole', async () => {
    const result = await importCheckpoint(fixturePath('torch-pt/whole-module.pt'), to(), {
      settings: ['multiple_of=8'],
    });
    expect(result).toMatchObject({ tensors: 11, ignored: ['freqs_cis'] });
    await expectWeights(to());
  });

  it('says what a value is that stands where the model has a weight', async () => {
    await expect(
      importCheckpoint(fixturePath('torch-pt/unread-weights.pt'), never(), { settings: set }),
    ).rejects.toThrow(
      /as weights in '.*unread-weights\.pt', got layers\.0\.attention\.wo\.weight: a tensor of torch\.ComplexFloatStorage; norm\.weight: a tensor that is sparse\. Convert them/,
    );
    const named = await save({ model: new Map<string, WritablePyTorchValue>([...weights, ['norm.weight', 'none']]) });
    await expect(importCheckpoint(named, never(), { settings: set })).rejects.toThrow(
      'got norm.weight: "none". Convert',
    );
    expect(existsSync(never())).toBe(false);
  });

  it('says what all weights are where none is read', async () => {
    const path = fixturePath('torch-pt/complex-state-dict.pt');
    await expect(importCheckpoint(path, never(), { settings: set })).rejects.toThrow(
      /got cls_embedding\.embedding_table\.weight: a tensor of torch\.ComplexFloatStorage; tok_.* and 6 more\. Convert them/,
    );
  });

  it.each<[string, () => WritablePyTorchValue]>([
    ['beside the name of the model', () => ({ model: 'GPT-B', state_dict: weights })],
    ['beside other tensors', () => ({ model: { scale: float32([1]) }, state_dict: weights })],
    ['in a dict of a dict', () => ({ model: { state_dict: weights, name: 'GPT-B' } })],
    ['under a key of its own', () => ({ net: weights, best: float32([], [1]), ema: { x: float32([1]) } })],
    [
      'beside the path of a configuration',
      () => ({ model: weights, config: 'configs/gpt.yaml', trainer: 'lightning' }),
    ],
    ['beside the settings of another program', () => ({ model: weights, config: { lr: 1e-4, model: 'GPT-B' } })],
    ['with names of DDP', () => renamed((name) => `module.${name}`)],
    ['with names of compile and DDP', () => renamed((name) => `_orig_mod.module.${name}`)],
    ['with names of DDP and compile', () => renamed((name) => `module._orig_mod.${name}`)],
    ['with names of Lightning', () => ({ state_dict: renamed((name) => `model._orig_mod.${name}`) })],
    [
      'with names of DDP but for a count',
      () => renamed((name) => `module.${name}`).set('n_averaged', float32([], [1])),
    ],
  ])('finds the weights %s', async (_, value) => {
    await importCheckpoint(await save(value()), to(), { settings: set });
    await expectWeights(to());
  });

  function renamed(change: (name: string) => string): Map<string, WritablePyTorchValue> {
    return new Map(Array.from(weights, ([name, tensor]) => [change(name), tensor]));
  }

  it('takes no notice of 8-bit numbers beside the weights', async () => {
    const path = join(folder, 'beside.safetensors');
    const scale: StoredTensor = { dtype: 'F8_E5M2', shape: [1], bytes: Uint8Array.of(0) };
    await writeSafetensors(path, new Map(weights).set('scale', scale));
    const { ignored } = await importCheckpoint(path, to(), { settings: set });
    expect(ignored).toEqual(['scale']);
    await expectWeights(to());
  });

  it('says which keys there are where no weights are found', async () => {
    const path = await save({ epoch: 3, history: [1, 2] });
    await expect(importCheckpoint(path, never())).rejects.toThrow(
      `expected weights under 'model' in '${path}', got none in epoch, history. Save model.state_dict().`,
    );
  });

  it('takes the settings of the model from a foreign configuration', async () => {
    const config = { n_head: 1, block_size: 16, multiple_of: 8, optimizer: { lr: 1e-4 } };
    const result = await importCheckpoint(await save({ model: weights, config }), to());
    expect(result.config).toMatchObject({ n_head: 1, block_size: 16 });
    expect(result.config).not.toHaveProperty('optimizer');
    // As Lightning keeps them.
    const { optimizer: _, ...hyper_parameters } = config;
    const lightning = await importCheckpoint(await save({ state_dict: weights, hyper_parameters }), to());
    expect(lightning.config).toEqual(result.config);
  });
});

describe('importCheckpoint of a moving average', () => {
  it('leaves out one that is not of the model, and says why', async () => {
    const path = await save({ model: weights, ema: without('norm.weight') });
    const result = await importCheckpoint(path, to(), { settings: set });
    expect(result.leftOut).toEqual(['ema: missing norm.weight [16]']);
    expect(result.files).toEqual(['config.json', 'model.safetensors']);
    await expectWeights(to());
    await expect(importCheckpoint(path, never(), { settings: set, only: 'ema' })).rejects.toThrow(
      `expected all weights of the model in 'ema' of '${path}', got: missing norm.weight [16]. Import the model instead: --only model.`,
    );
  });

  it('takes that of torch.optim.swa_utils, which counts', async () => {
    const ema = new Map<string, WritablePyTorchValue>([
      ['n_averaged', { dtype: 'I64', shape: [], bytes: new Uint8Array(8) }],
    ]);
    for (const [name, tensor] of weights) ema.set(`module.${name}`, tensor);
    const result = await importCheckpoint(await save({ model: weights, ema }), to(), { settings: set });
    expect([result.leftOut, result.files]).toEqual([[], ['average.safetensors', 'config.json', 'model.safetensors']]);
  });
});

describe('importCheckpoint of the state of another optimizer', () => {
  const groups = [{ params: [...Array(11).keys()] }];
  const states = (make: (tensor: StoredTensor) => WritablePyTorchValue) =>
    new Map(Array.from(weights.values(), (tensor, i) => [i, make(tensor)] as const));

  it.each<[string, () => WritablePyTorchValue, string]>([
    ['SGD', () => ({ state: states((t) => ({ momentum_buffer: t })), param_groups: groups }), 'got momentum_buffer'],
    ['Lion', () => ({ state: states((t) => ({ exp_avg: t })), param_groups: groups }), 'got exp_avg'],
    [
      'Adafactor',
      () => ({ state: states((t) => ({ step: 1, exp_avg_sq_row: t, exp_avg_sq_col: t })), param_groups: groups }),
      'got step, exp_avg_sq_row, exp_avg_sq_col',
    ],
    [
      'AMSGrad',
      () => ({
        state: states((t) => ({ step: 1, exp_avg: t, exp_avg_sq: t, max_exp_avg_sq: t })),
        param_groups: groups,
      }),
      'with amsgrad false, got amsgrad true',
    ],
    ['two of them', () => [{ state: {}, param_groups: [] }], "with 'state' and 'param_groups'"],
  ])('names --only model: %s', async (_, optimizer, message) => {
    const path = await save({ model: weights, optimizer: optimizer() });
    const importing = importCheckpoint(path, never(), { settings: set });
    await expect(importing).rejects.toThrow(message);
    await expect(importing).rejects.toThrow("dpar import --only model, or { only: 'model' } in JavaScript.");
    await importCheckpoint(path, to(), { settings: set, only: 'model' });
    await expectWeights(to());
  });

  it('leaves out the name of one', async () => {
    const result = await importCheckpoint(await save({ model: weights, optimizer: 'AdamW' }), to(), { settings: set });
    expect(result.leftOut).toEqual(['optimizer: "AdamW", not a state_dict']);
  });
});

describe('importCheckpoint of weights that share a table', () => {
  it.each([
    ['output.weight', 'tok_embeddings.weight'],
    ['tok_embeddings.weight', 'output.weight'],
  ])('takes %s, which the file leaves out, from %s', async (absent, other) => {
    const path = join(folder, 'tied.safetensors');
    const table = weights.get(other) as StoredTensor;
    const tied = new Map(weights).set(absent, table);
    await writeSafetensors(path, without(absent));
    const { assumed } = await importCheckpoint(path, to(), { settings: set });
    expect(assumed).toContain(`${absent} (tied to ${other})`);
    await expectWeights(to(), tied);
    // Where the metadata name it, nothing is assumed; in a PyTorch file both names have the data.
    await writeSafetensors(path, without(absent), { metadata: { format: 'pt', [absent]: other } });
    for (const input of [path, await save(tied)]) {
      expect((await importCheckpoint(input, to(), { settings: set })).assumed).toEqual([
        'rope_base 10000 (usual)',
        'norm_eps 0.00001 (usual)',
      ]);
      await expectWeights(to(), tied);
    }
  });

  it('does not take one where more is missing', async () => {
    const path = join(folder, 'cut.safetensors');
    await writeSafetensors(path, without('output.weight', 'norm.weight'));
    await expect(importCheckpoint(path, never(), { settings: set })).rejects.toThrow(
      'missing norm.weight [16]; missing output.weight [6, 16]',
    );
  });
});

describe('importCheckpoint of a model without a null class', () => {
  it.each([
    ['as many classes as rows', { num_classes: 4 }, 4, 0],
    ['a class dropout of 0', { class_dropout_prob: 0 }, 4, 0],
    ['a row more than classes', { num_classes: 3, class_dropout_prob: 0.1 }, 3, undefined],
    ['nothing', {}, 3, undefined],
  ])('records what the arguments tell: %s', async (_, args, classes, dropout) => {
    const { config } = await importCheckpoint(await save({ model: weights, args }), to(), { settings: set });
    expect([config.num_classes, config.class_dropout_prob]).toEqual([classes, dropout]);
    expect((await readCheckpoint(to())).config).toEqual(config);
    // As a setting too.
    const settings = [...set, ...Object.entries(args).map(([key, value]) => `${key}=${value}`)];
    const result = await importCheckpoint(await save(weights), to(), { settings });
    expect(result.config.num_classes).toBe(classes);
  });

  it.each([5, 2])('says so where the arguments tell of %d classes, and the class table has 4 rows', async (told) => {
    const path = await save({ model: weights, args: { num_classes: told } });
    const { config, assumed } = await importCheckpoint(path, to(), { settings: set });
    expect(config.num_classes).toBe(3);
    expect(assumed).toContain(`num_classes 3 (its class table has 4 rows, though it says ${told} classes)`);
  });
});

describe('importCheckpoint of safetensors files', () => {
  it('names the type of a weight that is not read, and takes no notice of others', async () => {
    const path = join(folder, 'types.safetensors');
    await writeSafetensors(path, weights);
    // The type of one weight in the header, in as many characters.
    const bytes = readFileSync(path);
    const at = bytes.indexOf('"norm.weight":{"dtype":"F32"') + '"norm.weight":{"dtype":"'.length;
    bytes.write('C64', at);
    writeFileSync(path, bytes);
    await expect(importCheckpoint(path, never(), { settings: set })).rejects.toThrow(
      'got norm.weight: C64[16]. Convert',
    );
    await writeSafetensors(
      path,
      new Map(weights).set('z.freqs_cis', { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }),
    );
    const other = readFileSync(path);
    other.write('F6X', other.indexOf('"z.freqs_cis":{"dtype":"F32"') + '"z.freqs_cis":{"dtype":"'.length);
    writeFileSync(path, other);
    await importCheckpoint(path, to(), { settings: set });
    await expectWeights(to());
  });

  it('keeps weights of 8 bits', async () => {
    const path = join(folder, 'small.safetensors');
    const small = new Map(
      Array.from(weights, ([name, { shape }]): [string, StoredTensor] => {
        const bytes = new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(0x38);
        return [name, { dtype: 'F8_E4M3', shape, bytes }];
      }),
    );
    await writeSafetensors(path, small);
    await importCheckpoint(path, to(), { settings: set });
    await expectWeights(to(), small);
    const { parameters } = await readCheckpoint(to());
    expect(new Set(parameters['norm.weight']?.data)).toEqual(new Set([1]));
  });

  it('notes a wrong size in an index', async () => {
    const path = join(folder, 'parts.safetensors');
    await writeSafetensors(path, weights, { maximumShardBytes: 3000 });
    const index = `${path}.index.json`;
    const json = JSON.parse(readFileSync(index, 'utf8'));
    json.metadata.total_size = null;
    writeFileSync(index, JSON.stringify(json));
    const { notes } = await importCheckpoint(index, to(), { settings: set });
    expect(notes).toEqual([
      expect.stringMatching(/^'metadata\.total_size' of '.*' is null, but the tensors take \d+ bytes/),
    ]);
    await expectWeights(to());
  });

  it.each(['model.safetensors', 'model.pt'])('names what stands in place of %s', async (name) => {
    const path = join(folder, name);
    writeFileSync(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n');
    const wanted = name.endsWith('.pt') ? 'a file of torch.save' : 'a safetensors file';
    await expect(importCheckpoint(path, never())).rejects.toThrow(
      `('${path}'): expected ${wanted}, got a Git LFS pointer to a file of 9 bytes. Fetch the file itself: git lfs pull.`,
    );
  });
});
