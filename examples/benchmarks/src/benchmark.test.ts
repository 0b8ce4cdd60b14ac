import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { patchLengths } from '@dpar/patchify';
import { expect, it, vi } from 'vitest';
import { type Figures, medians, type Sample, selectBenchmarks, withoutObstacles } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { randomEntropies } from './patches.js';

it('takes medians', () => {
  expect(
    medians([
      { a: 1, b: 6 },
      { a: 5, b: 4 },
      { a: 3, b: 5 },
    ]),
  ).toEqual({ a: 3, b: 5 });
  expect(medians([{ a: 1, b: 6 }, { a: 5 }])).toEqual({ a: 3, b: 6 });
});

it('judges a training step by the matrix product of the run', () => {
  const figuresOf = (name: string) => {
    const found = benchmarks.find((benchmark) => benchmark.name === name);
    return found?.figures([{ seconds: 4 }, { seconds: 2 }, { seconds: 9 }], () => ({ gflops: 300 })) ?? {};
  };
  const llamaGen = figuresOf('train-step/llamagen-b-256/batch-4');
  // 24.98 GMACs of linear layers and 1.21 of attention (12 layers, 2 x 256^2 x 768), twice as many operations, 3 passes.
  expect(llamaGen.gflops).toBeCloseTo((2 * 3 * 4 * (24.96 + 1.21)) / 4, 0);
  expect(llamaGen).toMatchObject({ seconds: 4, imagesPerSecond: 1 });
  expect(llamaGen.peakShare).toBeCloseTo((llamaGen.gflops ?? 0) / 300, 12);
  const dpar = figuresOf('train-step/dpar-b-256/batch-4');
  expect((dpar.gflops ?? 0) / (llamaGen.gflops ?? 1)).toBeCloseTo(0.76, 1);
});

it('judges a training step of a tokenizer by its convolutions and products, forward and backward', async () => {
  const found = benchmarks.find(({ name }) => name === 'train-step/patch-vq/64/batch-16');
  const prepared = await found?.prepare({ threads: 1, pytorch: false, device: 'cpu' });
  const sample = (await prepared?.measure()) ?? {};
  // Codes: 1024 x 48; context: 256 x 432; output: 48 x 256, for 256 patches of 16 images. The backward pass computes the products
  // of context and output twice more.
  const macs = 16 * 256 * (1024 * 48 + 3 * 256 * (432 + 48));
  expect(sample.gflop).toBeCloseTo((2 * macs) / 1e9, 9);
  const figures = found?.figures([{ ...sample, seconds: 2 }], () => ({ gflops: 100 })) ?? {};
  expect(figures).toMatchObject({ seconds: 2, imagesPerSecond: 8 });
  expect(figures.peakShare).toBeCloseTo(macs / 1e9 / 100, 9);
});

it('judges the optimizer by the bytes it must move', () => {
  const optimizer = benchmarks.find(({ name }) => name === 'optimizer/adamw-115m');
  const samples = [
    { normSeconds: 0.1, updateSeconds: 0.3 },
    { normSeconds: 0.1, updateSeconds: 0.5 },
  ];
  const figures = optimizer?.figures(samples, () => ({ gigabytesPerSecond: 20 }));
  expect(figures?.seconds).toBeCloseTo(0.5, 12);
  // 115 million parameters, 40 bytes each.
  expect(figures?.gigabytesPerSecond).toBeCloseTo((40 * 0.115) / 0.5, 0);
  expect(figures?.bandwidthShare).toBeCloseTo((figures?.gigabytesPerSecond ?? 0) / 20, 12);
});

const namesFor = (...prefixes: string[]): string[] => selectBenchmarks(benchmarks, prefixes).map(({ name }) => name);

const formats = ['float32', 'int8', 'int4'];

it.each([
  ['b', ['head', 'entropy-t', 'entropy-t-int8', 'entropy-b', 'entropy-b-int8']],
  ['l', ['head', 'entropy-t', 'entropy-t-int8']],
  ['xl', ['head', 'entropy-t', 'entropy-t-int8']],
])('has benchmarks of sampling for all models of size %s, formats and batches', (size, patches) => {
  const models = [`llamagen-${size}-256`, ...patches.map((by) => `dpar-${size}-256/${by}`)];
  for (const format of formats) {
    for (const batch of [1, 8, 16, 64]) {
      const names = models.map((model) => `sample/${model}/${format}/batch-${batch}`);
      for (const name of names) expect(namesFor(name)).toEqual([name]);
      expect(new Set(benchmarks.filter(({ name }) => names.includes(name)).map(({ group }) => group)).size).toBe(1);
    }
  }
  expect(new Set(benchmarks.map(({ name }) => name)).size).toBe(benchmarks.length);
});

it('samples with the smallest models by default, one image and 16', () => {
  const models = ['llamagen-b-256', 'dpar-b-256/head', 'dpar-b-256/entropy-t', 'dpar-b-256/entropy-b'];
  const expected = [1, 16].flatMap((batch) => [
    ...formats.flatMap((format) => models.map((model) => `sample/${model}/${format}/batch-${batch}`)),
    `sample/dpar-b-256/entropy-t-int8/float32/batch-${batch}`,
    `sample/dpar-b-256/entropy-b-int8/float32/batch-${batch}`,
  ]);
  expected.push('sample/queue/llamagen-b-256', 'sample/queue/dpar-b-256');
  for (const prefix of ['', 'sample']) {
    const names = namesFor(prefix).filter((name) => name.startsWith('sample/'));
    expect(names.sort()).toEqual(expected.sort());
  }
  expect(namesFor('sample/llamagen-xl-256/int4')).toHaveLength(4);
  expect(namesFor('sample/dpar-l-256/head')).toHaveLength(12);
});

it('compares DPAR with LlamaGen of the same size, format and batch, selected or not', () => {
  const usedBy = (name: string) =>
    benchmarks.find((benchmark) => benchmark.name === name)?.uses?.map((used) => used.name);
  expect(usedBy('sample/dpar-l-256/entropy-t-int8/int4/batch-8')).toEqual([
    'gemm-peak',
    'sample/llamagen-l-256/int4/batch-8',
  ]);
  expect(usedBy('sample/dpar-xl-256/head/float32/batch-1')).toEqual([
    'read-bandwidth',
    'sample/llamagen-xl-256/float32/batch-1',
  ]);
  expect(usedBy('sample/queue/dpar-b-256')).toEqual(['gemm-peak', 'sample/queue/llamagen-b-256']);
});

it('compares LlamaGen in float32 with PyTorch', () => {
  const names = benchmarks.filter(({ usesPytorch }) => usesPytorch).map(({ name }) => name);
  const sampled = ['b', 'l', 'xl'].flatMap((size) =>
    [1, 8, 16, 64].map((batch) => `sample/llamagen-${size}-256/float32/batch-${batch}`),
  );
  expect(names).toEqual(['train-step/llamagen-b-256/batch-4', ...sampled]);
});

it('leaves out what needs more memory than there is', () => {
  const bytesOf = (name: string) => benchmarks.find((benchmark) => benchmark.name === name)?.memoryBytes ?? 0;
  const GiB = 2 ** 30;
  expect(bytesOf('sample/dpar-b-256/head/float32/batch-16')).toBeLessThan(4 * GiB);
  expect(bytesOf('sample/llamagen-xl-256/float32/batch-16')).toBeLessThan(16 * GiB);
  expect(bytesOf('sample/llamagen-xl-256/float32/batch-64')).toBeGreaterThan(22 * GiB);
  expect(bytesOf('sample/dpar-xl-256/head/float32/batch-64')).toBeGreaterThan(20 * GiB);
});

it('selects by the beginning of names, and slow benchmarks only if asked for', () => {
  expect(namesFor('')).toContain('patchify/offline');
  expect(namesFor('').filter((name) => name.startsWith('sample-curve'))).toEqual([]);
  expect(namesFor('sample').filter((name) => name.startsWith('sample-curve'))).toEqual([]);
  const curve = [256, 384, 512].flatMap((size) => [`sample-curve/dpar-b/${size}`, `sample-curve/llamagen-b/${size}`]);
  expect(namesFor('sample-curve')).toEqual(curve);
  expect(namesFor('sample-curve/dpar')).toHaveLength(3);
  // Not batch-16 too.
  expect(namesFor('sample/llamagen-b-256/int8/batch-1')).toEqual(['sample/llamagen-b-256/int8/batch-1']);
  expect(namesFor('nothing')).toEqual([]);
  expect(namesFor('patchify', 'nothing', 'eval')).toEqual([
    'patchify/offline',
    'eval/fid-2048',
    'eval/precision-recall-10000',
    'eval/statistics-50000',
    'eval/inception',
  ]);
});

it('judges sampling by what must be read or multiplied, and by LlamaGen', () => {
  const samples: Record<string, Sample> = {
    'gemm-peak': { '2048x2048x2048': 300 },
    'read-bandwidth': { sum: 20 },
    'sample/llamagen-b-256/float32/batch-1': { seconds: 10, meanPatchLength: 1, modelMs: 38 },
    'sample/llamagen-b-256/int4/batch-16': { seconds: 32, meanPatchLength: 1 },
    'sample/dpar-b-256/entropy-t-int8/float32/batch-1': { seconds: 8, meanPatchLength: 1.81 },
    'sample/queue/llamagen-b-256': { seconds: 64, meanPatchLength: 1 },
    'sample/queue/dpar-b-256': { seconds: 32, meanPatchLength: 1.81 },
  };
  const figuresOf = (name: string): Figures => {
    const sample = samples[name];
    return (sample && benchmarks.find((benchmark) => benchmark.name === name)?.figures([sample], figuresOf)) ?? {};
  };
  // 390.07 MB of weights for each of 256 tokens, and 4.81 GB of keys and values, at 20 GB/s.
  const one = figuresOf('sample/llamagen-b-256/float32/batch-1');
  expect(one).toMatchObject({ tokensPerSecond: 25.6, secondsPerImage: 10, modelMs: 38 });
  expect(one.floorRatio).toBeCloseTo((10 * 20) / (256 * 0.39007 + 4.813), 3);
  expect(one).not.toHaveProperty('meanPatchLength');
  // 16 images of 256 tokens, two rows each: 97.5 M weights and 2.37 M keys and values on average, two operations each.
  const many = figuresOf('sample/llamagen-b-256/int4/batch-16');
  expect(many).toMatchObject({ tokensPerSecond: 128, secondsPerImage: 2 });
  expect(many.floorRatio).toBeCloseTo((32 * 300) / (16 * 256 * 2 * 2 * (0.097518 + 0.002369)), 1);
  const dpar = figuresOf('sample/dpar-b-256/entropy-t-int8/float32/batch-1');
  expect(dpar).toMatchObject({ meanPatchLength: 1.81, speedupOverLlamagen: 1.25 });
  // 128 images, as many operations each.
  const queued = figuresOf('sample/queue/llamagen-b-256');
  expect(queued).toMatchObject({ tokensPerSecond: 512, secondsPerImage: 0.5 });
  expect(queued.floorRatio).toBeCloseTo((many.floorRatio ?? 0) / 4, 9);
  const fromQueue = figuresOf('sample/queue/dpar-b-256');
  expect(fromQueue).toMatchObject({ tokensPerSecond: 1024, speedupOverLlamagen: 2 });
  expect(fromQueue.speedupAtFloor).toBeCloseTo(1.38, 2);
});

it('compares engines with ONNX Runtime in the same run', () => {
  const names = ['engine-tfjs/wasm/matmul', 'engine-tfjs/cpu/matmul', 'engine-tfjs/wasm/train-step'];
  expect(namesFor('engine-tfjs')).toEqual(expect.arrayContaining(names));
  const found = benchmarks.find(({ name }) => name === names[0]);
  expect(found?.uses?.map(({ name }) => name)).toEqual(['engine-ort/matmul']);
  const figures = found?.figures([{ seconds: 0.02 }, { seconds: 0.01 }, { seconds: 0.09 }], (name) => {
    expect(name).toBe('engine-ort/matmul');
    return { gflops: 2 * 13.4217728 };
  });
  expect(figures).toEqual({ seconds: 0.02, gflops: expect.closeTo(13.4217728, 9), ortRatio: expect.closeTo(0.5, 9) });
});

it('compares an engine beside the event loop with one that blocks it', () => {
  expect(namesFor('')).not.toContain('event-loop/emoji-dpar/batch-1');
  expect(namesFor('event-loop')).toHaveLength(6);
  const found = benchmarks.find(({ name }) => name === 'event-loop/llamagen-b-256/batch-1');
  const figures = found?.figures(
    [{ seconds: 5.12, threadSeconds: 6.4, blockedMs: 30, threadBlockedMs: 2 }],
    () => ({}),
  );
  expect(figures).toEqual({
    millisecondsPerStep: 20,
    threadMillisecondsPerStep: 25,
    threadRatio: 1.25,
    blockedMs: 30,
    threadBlockedMs: 2,
  });
});

it('measures native TensorFlow.js only where its library is, and says so', async () => {
  const native = ['engine-tfjs/node/matmul', 'engine-tfjs/node/train-step'];
  expect(namesFor('engine-tfjs/node')).toEqual(native);
  const lines: string[] = [];
  const selected = selectBenchmarks(benchmarks, ['engine-tfjs/node', 'patchify']);
  vi.stubEnv('DPAR_TFJS_NODE', '/no/such/folder');
  const left = await withoutObstacles(selected, (line) => void lines.push(line));
  vi.unstubAllEnvs();
  expect(left.map(({ name }) => name)).toEqual(['patchify/offline']);
  const reason = 'DPAR_TFJS_NODE names /no/such/folder, which has no dist/index.js';
  expect(lines).toEqual([`${native.join(', ')}: left out, ${reason}`]);
});

it('has the benchmarks of GPUs, which run only if selected', () => {
  expect(benchmarks.filter(({ name, onlyWith }) => /^(webgpu|cuda)/.test(name) && onlyWith === undefined)).toEqual([]);
  const names = namesFor('webgpu');
  expect(names[0]).toBe('webgpu/gemm-peak');
  expect(namesFor('cuda')).toEqual(names.map((name) => name.replace('webgpu', 'cuda')));
  expect(namesFor('webgpu/train-step').sort()).toEqual(
    [
      ...['dpar', 'llamagen'].flatMap((kind) => [
        `${kind}-b-256/batch-16`,
        `${kind}-b-256/batch-4`,
        `${kind}-l-256/batch-4`,
        `emoji-${kind}/batch-16`,
      ]),
    ]
      .map((name) => `webgpu/train-step/${name}`)
      .sort(),
  );
  expect(namesFor('webgpu/train-step/emoji')).toHaveLength(2);
  const sampled = ['emoji-dpar', 'emoji-llamagen', 'llamagen-b-256', 'dpar-b-256', 'llamagen-l-256', 'dpar-l-256'];
  for (const model of sampled) expect(namesFor(`webgpu/sample/${model}`), model).toHaveLength(2);
  expect(namesFor('webgpu/sample')).toHaveLength(2 * sampled.length);
});

it('compares benchmarks of a GPU with others of the same GPU', () => {
  const found = benchmarks.find(({ name }) => name === 'webgpu/train-step/llamagen-b-256/batch-4');
  expect(found?.uses?.map(({ name }) => name)).toEqual(['webgpu/gemm-peak']);
  const figures = found?.figures([{ seconds: 4 }], (name) => (name === 'webgpu/gemm-peak' ? { gflops: 1000 } : {}));
  expect(figures?.peakShare).toBeCloseTo((figures?.gflops ?? 0) / 1000, 12);
  const dpar = benchmarks.find(({ name }) => name === 'cuda/sample/dpar-l-256/head/float32/batch-1');
  expect(dpar?.uses?.map(({ name }) => name)).toEqual(['cuda/sample/llamagen-l-256/float32/batch-1']);
  const small = benchmarks.find(({ name }) => name === 'webgpu/train-step/emoji-dpar/batch-16');
  expect(small?.uses).toEqual([]);
});

it('names the first benchmarks of many that cannot run', async () => {
  const left = ['a', 'b', 'c', 'd'].map((name) => ({
    ...(benchmarks[0] as (typeof benchmarks)[number]),
    name,
    obstacle: async () => 'there is no GPU',
  }));
  const lines: string[] = [];
  expect(await withoutObstacles(left, (line) => void lines.push(line))).toEqual([]);
  expect(lines).toEqual(['a, b and 2 more: left out, there is no GPU']);
});

it('says how much quantised weights change the loss', () => {
  const names = ['dpar/int8', 'dpar/int4', 'llamagen/int8', 'llamagen/int4'].map((name) => `quantised-loss/${name}`);
  expect(namesFor('quantised-loss')).toEqual(names);
  expect(namesFor('')).not.toContain(names[0]);
  const benchmark = benchmarks.find(({ name }) => name === names[1]);
  const figures = benchmark?.figures([{ lossFloat32: 2, lossQuantised: 2.01 }], () => ({}));
  expect(figures).toMatchObject({ lossFloat32: 2, lossQuantised: 2.01 });
  expect(figures?.changePercent).toBeCloseTo(0.5, 10);
});

it('makes entropies of exactly the wanted number of patches', () => {
  const counts = [141, 141, 100, 180, 141];
  const patching = { threshold: 0, maxPatchLength: 4, rowLength: 16 };
  const images = randomEntropies(counts, 1).map((entropies) => patchLengths(entropies, patching));
  expect(images.map(({ length }) => length)).toEqual(counts);
  for (const lengths of images) {
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(256);
    expect(Math.max(...lengths)).toBe(4);
    // No patch crosses a row of 16 tokens.
    let start = 0;
    for (const length of lengths) {
      expect(Math.floor(start / 16)).toBe(Math.floor((start + length - 1) / 16));
      start += length;
    }
  }
  expect(new Set(images.map((lengths) => lengths.join())).size).toBe(5);
});

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const bench = (...argv: string[]) => spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8' });

it('runs benchmarks in processes of their own and prints JSON', () => {
  const { status, stdout, stderr } = bench('--json', '--only', 'patchify', '--rounds', '1');
  expect(stderr).toContain('patchify/offline: setting up');
  expect(status).toBe(0);
  const { machine, results } = JSON.parse(stdout);
  expect(machine).toMatchObject({ node: process.versions.node, onnxruntime: expect.any(String) });
  expect(results).toEqual([{ name: 'patchify/offline', tokensPerSecond: expect.any(Number) }]);
  expect(results[0].tokensPerSecond).toBeGreaterThan(0);
});

it('refuses what it does not know', () => {
  const { status, stdout, stderr } = bench('--only', 'nothing');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain("got 'nothing'");
});
