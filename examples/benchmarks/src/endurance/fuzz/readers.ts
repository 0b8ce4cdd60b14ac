import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { loadFeatureWeights } from '@dpar/eval/node';
import { fixturePath, onnxModel, randomImages, writePngs } from '@dpar/fixtures';
import { decodeImage, openImageArray } from '@dpar/images/node';
import { formatNpy, formatNpz, formatSafetensors, formatSafetensorsIndex } from '@dpar/io';
import { openNpy, openNpz, openPyTorch, openSafetensors, readClassList } from '@dpar/io/node';
import { loadModel, saveModel } from '@dpar/model/node';
import { initializeParameters, modelOf } from '@dpar/nn';
import { readOnnxNetwork } from '@dpar/onnx';
import { RunSettings } from '@dpar/shards';
import { DparError, float32, int32, isDparError, referenceOps } from '@dpar/tensor';
import { patchVqKind, tokenizerKinds } from '@dpar/tokenizer';
import { readTokenSet, writeTokenSet } from '@dpar/train/node';
import sharp from 'sharp';
import { type TinyModel, tinyDpar, tinyModel } from '../tiny-models.js';
import type { FuzzReader } from './reader.js';

const tensors = {
  weight: { dtype: 'F32', shape: [3, 4], bytes: new Uint8Array(48).fill(63) },
  half: { dtype: 'F16', shape: [5], bytes: new Uint8Array(10).fill(60) },
  ids: int32([2, 3], [1, -2, 3, 4, 5, -6]),
} as const;

const array = int32(
  [2, 3, 4],
  Int32Array.from({ length: 24 }, (_, i) => i * 1000),
);

/** Uses a file and closes it. */
async function closing<T extends { close(): Promise<void> }>(file: T, use: (file: T) => Promise<void>): Promise<void> {
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

const readTensors = async (path: string): Promise<void> =>
  closing(await openSafetensors(path), async (file) => {
    for (const name of file.names) await file.read(name);
  });

/** Runs a command of the command line in this process. @throws DparError for an error that it expects; Error for others. */
async function dpar(...argv: string[]): Promise<void> {
  const { run } = await import('@dpar/cli'); // it takes long to load, and few readers need it
  let text = '';
  const sink = (take: (line: string) => void) =>
    new Writable({
      write: (chunk, _encoding, done) => {
        take(String(chunk));
        done();
      },
    });
  const stderr = sink((line) => {
    text += line;
  });
  const status = await run([...argv, '--quiet', '--threads', '1', '--debug'], { stdout: sink(() => {}), stderr });
  if (status === 0) return;
  if (!text.includes('run again with --debug')) throw new DparError(text);
  throw Object.assign(new Error(text.split('\n')[0]), { name: 'unexpected error', stack: text });
}

/** A reader of files that needs no others. */
const plain = (
  name: string,
  file: string,
  valid: () => Uint8Array | Promise<Uint8Array>,
  read: FuzzReader['read'],
): FuzzReader => ({ name, file, prepare: async () => valid(), read });

const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Small pixels [12, 10, 3], from which sharp makes the formats. */
const picture = () => {
  const [{ width, height, data } = { width: 0, height: 0, data: new Uint8Array() }] = randomImages(1, 3, 12, 10);
  return sharp(Buffer.from(data), { raw: { width, height, channels: 3 } });
};

const pictures = (
  [
    ['a.png', () => picture().png()],
    ['interlaced.png', () => picture().png({ progressive: true })],
    ['palette.png', () => picture().png({ palette: true, colours: 16 })],
    ['a.jpg', () => picture().jpeg()],
    ['progressive.jpg', () => picture().jpeg({ progressive: true })],
    ['lossy.webp', () => picture().webp()],
    ['lossless.webp', () => picture().webp({ lossless: true })],
    ['a.gif', () => picture().gif()],
    ['a.tiff', () => picture().tiff({ compression: 'lzw' })],
    ['a.avif', () => picture().avif()],
  ] as const
).map(([file, encoded]) => ({
  ...plain(
    `picture ${file}`,
    file,
    () => encoded().toBuffer(),
    async (path) => decodeImage(path, await readFile(path)),
  ),
  isUncounted: true,
}));

/** `config.json` of a checkpoint. */
const configOf = (
  name: string,
  save: (folder: string) => Promise<void>,
  load: (folder: string) => Promise<unknown>,
): FuzzReader => ({
  name: `config.json of ${name}`,
  file: 'config.json',
  prepare: async (folder) => {
    await save(folder);
    return readFile(join(folder, 'config.json'));
  },
  read: (path) => load(dirname(path)),
});

const tinyTokenizers = {
  vq: {
    kind: 'vq',
    ch: 4,
    ch_mult: [1, 1],
    num_res_blocks: 1,
    z_channels: 4,
    codebook_size: 16,
    codebook_embed_dim: 4,
    norm_groups: 2,
    patch_size: 2,
    image_size: 16,
  },
  'patch-vq': { kind: 'patch-vq', image_size: 16, patch_size: 2, codebook_size: 16, hidden_dim: 8 },
} as const;

async function saveTokenizer(folder: string, name: keyof typeof tinyTokenizers): Promise<void> {
  const kind = tokenizerKinds.find((one) => one.name === name) ?? patchVqKind;
  const json = tinyTokenizers[name];
  await saveModel(folder, modelOf(kind, json, initializeParameters(kind.specs(kind.readConfig(json)), 1)));
}

const tinyModels: readonly TinyModel[] = ['dpar', 'dpar-head', 'llamagen', 'entropy'];

const configs = [
  ...tinyModels.map((name) =>
    configOf(
      name,
      (folder) => saveModel(folder, tinyModel(name, 1)),
      (folder) => loadModel(folder),
    ),
  ),
  ...(['vq', 'patch-vq'] as const).map((name) =>
    configOf(
      name,
      (folder) => saveTokenizer(folder, name),
      (folder) => loadModel(folder, { kinds: tokenizerKinds }),
    ),
  ),
];

/** A training configuration, whose data are missing so that no training starts. */
const trainConfig = (name: string, model: object, data: object): FuzzReader =>
  plain(
    `training configuration of ${name}`,
    'train.json',
    () =>
      utf8({
        model,
        data,
        optimizer: { learning_rate: 0.01, average_decay: 0.9 },
        steps: 6,
        batch_size: 2,
        output: 'none/run',
      }),
    async (path) => {
      const output = join(dirname(path), 'run');
      await dpar('train', '--config', path, '--set', `output=${output}`).catch((error: Error) => {
        if (!isDparError(error) || !error.message.includes("'none/")) throw error; // The configuration was read.
      });
    },
  );

const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;

const pytorch = (name: string): FuzzReader =>
  plain(
    `PyTorch ${name}`,
    name,
    () => readFileSync(fixturePath(`torch-pt/${name}`)),
    async (path) => closing(await openPyTorch(path), async () => {}),
  );

const tokenFolder = async (folder: string): Promise<void> => {
  await saveTokenizer(join(folder, 'tokenizer'), 'patch-vq');
  await writePngs(join(folder, 'pictures'), randomImages(4, 1, 16, 16), (i) => `${i}.png`);
  const input = ['--input', join(folder, 'pictures'), '--output', join(folder, 'tokens')];
  await dpar('tokenize', '--tokenizer', join(folder, 'tokenizer'), '--part-size', '2', ...input);
};

/** A file of a folder of tokens, read by `dpar merge`. */
const merged = (name: string, inFolder: string): FuzzReader => ({
  name: `${name} of dpar tokenize`,
  file: join('tokens', inFolder),
  prepare: async (folder) => {
    await tokenFolder(folder);
    return readFile(join(folder, 'tokens', inFolder));
  },
  read: (path) => {
    const folder = path.slice(0, -inFolder.length);
    return dpar('merge', '--input', folder, '--output', join(folder, '..', 'merged.safetensors'));
  },
});

/** Everything that reads files of users. */
export const fuzzReaders: readonly FuzzReader[] = [
  plain('safetensors', 'a.safetensors', () => formatSafetensors(tensors, { metadata: { format: 'pt' } }), readTensors),
  {
    name: 'safetensors index',
    file: 'model.safetensors.index.json',
    prepare: async (folder) => {
      const { weight, half, ids } = tensors;
      await writeFile(join(folder, first), formatSafetensors({ weight, half }));
      await writeFile(join(folder, second), formatSafetensors({ ids }));
      const places = { weight: first, half: first, ids: second };
      return new TextEncoder().encode(formatSafetensorsIndex(new Map(Object.entries(places)), 82));
    },
    read: readTensors,
  },
  plain(
    'npy',
    'a.npy',
    () => formatNpy(array),
    async (path) => closing(await openNpy(path), async (file) => void (await file.read())),
  ),
  ...[false, true].map((compress) =>
    plain(
      `npz, ${compress ? 'deflated' : 'stored'}`,
      'a.npz',
      () => formatNpz({ a: array, b: array }, { compress }),
      async (path) =>
        closing(await openNpz(path), async (file) => {
          for (const one of file.arrays.values()) await one.read();
        }),
    ),
  ),
  plain(
    'images as npz',
    'images.npz',
    () => formatNpz({ arr_0: { dtype: 'U8', shape: [3, 4, 4, 3], bytes: new Uint8Array(144).fill(9) } }),
    async (path) => {
      const set = await openImageArray(path);
      for await (const image of set.read(0, set.count))
        if (image.width === 0) throw new Error('an image without pixels');
    },
  ),
  ...['values.pt', 'values-legacy.pt', 'values-protocol4.pt'].map(pytorch),
  {
    name: 'tokens',
    file: 'tokens.safetensors',
    prepare: async (folder) => {
      const path = join(folder, 'tokens.safetensors');
      const [T, labels] = [16, int32([2], [0, 1])];
      await writeTokenSet(path, {
        tokens: int32([2, T], new Int32Array(2 * T)),
        labels,
        entropies: float32([2, T - 1]),
      });
      return readFile(path);
    },
    read: readTokenSet,
  },
  {
    ...plain('ONNX', 'a.onnx', smallNetwork, async (path) => {
      const network = readOnnxNetwork(await readFile(path));
      network.run(referenceOps, { x: float32([1, 3, 4, 4]) });
    }),
    takesBytes: true,
  },
  ...pictures,
  ...configs,
  {
    name: 'weights of a model',
    file: 'model.safetensors',
    prepare: async (folder) => {
      await saveModel(folder, tinyModel('llamagen', 1));
      return readFile(join(folder, 'model.safetensors'));
    },
    read: (path) => loadModel(dirname(path)),
  },
  plain('classes.json', 'classes.json', () => utf8(['cats', 'dogs', 'birds/owls']), readClassList),
  {
    name: 'page.json',
    file: 'page.json',
    prepare: async (folder) => {
      await saveModel(join(folder, 'dpar'), tinyModel('dpar-head', 1));
      await saveTokenizer(join(folder, 'tokenizer'), 'patch-vq');
      await writeFile(join(folder, 'classes.json'), utf8(['a', 'b', 'c', 'd', 'e']));
      await writePngs(join(folder, 'examples'), randomImages(1, 1, 16, 16), () => 'one.png');
      return utf8({
        title: 'A page',
        credit: 'nobody',
        class: 'b',
        examples: [{ file: 'examples/one.png', name: 'one', class: 'a' }],
      });
    },
    // A page of a readable file is not written.
    read: async (path) => {
      const { writePage } = await import('@dpar/playground');
      return writePage(dirname(path), join(dirname(path), 'page'), { signal: AbortSignal.abort(new DparError(path)) });
    },
  },
  plain(
    'settings of a run',
    'sample.json',
    () => utf8({ seed: 1, count: 8, model: 'sha256:0', labels: null }),
    (path) => RunSettings.open(path, { seed: 1, count: 8, model: 'sha256:0', labels: null }, 'choose another folder'),
  ),
  merged('settings', 'tokenize.json'),
  trainConfig('a DPAR', tinyDpar, { tokens: 'none/tokens', validation: 'none/validation' }),
  trainConfig('a tokenizer', tinyTokenizers.vq, { images: 'none/images' }),
  plain(
    'feature weights, PyTorch',
    'inception.pth',
    () => readFileSync(fixturePath('torch-pt/values.pt')),
    loadFeatureWeights,
  ),
  plain('feature weights, safetensors', 'dinov2.safetensors', () => formatSafetensors(tensors), loadFeatureWeights),
];

/** A convolution, a sum over positions and a reshape. */
function smallNetwork(): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'x', type: 'float32', shape: [1, 3, 4, 4] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 2] }],
    operators: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
      { op: 'Relu', inputs: ['c'], outputs: ['r'] },
      { op: 'GlobalAveragePool', inputs: ['r'], outputs: ['p'] },
      { op: 'Reshape', inputs: ['p', 's'], outputs: ['y'] },
    ],
    constants: [
      { name: 'w', shape: [2, 3, 3, 3], data: new Float32Array(54).fill(0.1) },
      { name: 's', shape: [2], data: BigInt64Array.of(1n, 2n) },
    ],
  });
}
