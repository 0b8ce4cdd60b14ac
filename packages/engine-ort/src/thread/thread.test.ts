import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle } from '@dpar/config/bundle';
import {
  createRandom,
  DparError,
  type Engine,
  float32,
  type HostTensor,
  named,
  type TensorFunction,
} from '@dpar/tensor';
import { checkCase, conformanceCases } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { openEngine } from '../engine.js';
import { createOrtEngine } from '../index.js';

const folder = await mkdtemp(join(tmpdir(), 'dpar-test-'));
// The bundled program finds onnxruntime-node where the package does.
await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
const worker = pathToFileURL(await bundle(new URL('./worker.ts', import.meta.url), folder));

const open = (): Promise<Engine> => openEngine({ thread: true, threads: 1 }, worker);
const engine = await open();
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

const increase: TensorFunction = (ops, inputs) => ({ y: ops.add(named(inputs, 'x'), 1) });
const x = float32([2], [1, 2]);

/** A product of large matrices, many times: as long as a step of a large model. */
const longStep: TensorFunction = (ops, inputs) => {
  let y = named(inputs, 'x');
  for (let i = 0; i < 24; i++) y = ops.matmul(y, named(inputs, 'x'));
  return { y };
};
const large = float32([1024, 1024]);

/** Number of ticks of a timer of 5 ms during a call. */
async function ticksDuring(call: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await call();
  clearInterval(timer);
  return ticks;
}

const sharedTensor = (shape: number[]): HostTensor => {
  const length = shape.reduce((product, size) => product * size, 1);
  return float32(shape, new Float32Array(new SharedArrayBuffer(4 * length)));
};

describe('conformance in a thread', () => {
  it.each(conformanceCases())('$name', async (conformanceCase) => {
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
  });
});

describe('the event loop', () => {
  it('keeps its rhythm during a long step, which stops it without a thread', async () => {
    const direct = await createOrtEngine({ threads: 1 });
    const [plain, threaded] = [direct.compile(longStep), engine.compile(longStep)];
    await Promise.all([plain.run({ x: large }), threaded.run({ x: large })]);
    expect(await ticksDuring(() => plain.run({ x: large }))).toBeLessThanOrEqual(2);
    expect(await ticksDuring(() => threaded.run({ x: large }))).toBeGreaterThan(10);
    await direct.dispose();
  });
});

describe('results', () => {
  it('have the bits of an engine without a thread', async () => {
    const direct = await createOrtEngine({ threads: 1 });
    const weight = float32([64, 64], createRandom(1).fillNormal(new Float32Array(64 * 64)));
    const layer: TensorFunction = (ops, inputs) => ({
      y: ops.silu(ops.matmul(named(inputs, 'x'), named(inputs, 'w'))),
    });
    const rows = float32([8, 64], createRandom(2).fillNormal(new Float32Array(8 * 64)));
    const [expected, found] = await Promise.all(
      [direct, engine].map((e) => e.compile(layer, { constants: { w: weight } }).run({ x: rows })),
    );
    expect(found).toEqual(expected);
    // The user's memory does not move.
    expect([weight.data.length, rows.data.length]).toEqual([64 * 64, 8 * 64]);
    await direct.dispose();
  });

  it('belong to their calls, in order, while inputs change their kind of memory, shape and content', async () => {
    const fn = engine.compile(increase, { dynamicAxes: { x: { 0: 'n' } } });
    const shared = sharedTensor([3]);
    const calls: Promise<unknown>[] = [];
    const order: number[] = [];
    for (let i = 0; i < 30; i++) {
      const ordinary = float32([(i % 2) + 1], new Float32Array((i % 2) + 1).fill(i));
      const expected = i % 3 === 0 ? new Float32Array(3).fill(1) : new Float32Array((i % 2) + 1).fill(i + 1);
      calls.push(
        fn.run({ x: i % 3 === 0 ? shared : ordinary }).then(({ y }) => {
          order.push(i);
          expect(y?.data).toEqual(expected);
        }),
      );
    }
    await Promise.all(calls);
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
    shared.data.fill(5);
    expect((await fn.run({ x: shared })).y?.data).toEqual(new Float32Array(3).fill(6));
  });

  it('are written into given tensors, also in shared memory', async () => {
    const [input, target] = [float32([2], [1, 2]), sharedTensor([2])];
    const fn = engine.compile(increase);
    expect((await fn.run({ x: input }, { into: { y: input } })).y).toBe(input);
    await fn.run({ x: input }, { into: { y: target } });
    expect([...input.data, ...target.data]).toEqual([2, 3, 3, 4]);
  });

  it('stay in the thread, also those that are inputs', async () => {
    const same = engine.compile((_, inputs) => ({ y: named(inputs, 'x') }));
    const uploaded = await engine.upload(x);
    const kept = named(await same.runOnDevice({ x }), 'y');
    await same.run({ x: float32([2], [8, 9]) });
    const next = engine.compile(increase).runOnDevice({ x: uploaded });
    // Its memory is freed after the call.
    uploaded.dispose();
    expect(await named(await next, 'y').read()).toEqual(float32([2], [2, 3]));
    expect(await kept.read()).toEqual(x);
    expect(await kept.read()).toEqual(x);
    kept.dispose();
    await expect(kept.read()).rejects.toThrow('expected a live tensor');
  });

  it('leave no memory behind in 10,000 calls', async () => {
    const fn = engine.compile(increase);
    const rows = float32([64 * 256]);
    const callMany = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        await fn.run({ x: rows });
        named(await fn.runOnDevice({ x: rows }), 'y').dispose();
      }
    };
    await callMany(1000);
    const before = process.memoryUsage.rss();
    await callMany(4500);
    // All outputs together have 590 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
  });
});

describe('errors', () => {
  it('of functions and of ONNX Runtime come through', async () => {
    const failing = engine.compile(() => {
      throw new RangeError('its own');
    });
    await expect(failing.run({})).rejects.toThrow(RangeError);
    const pickRow: TensorFunction = (ops, inputs) => ({ y: ops.takeRows(named(inputs, 'x'), named(inputs, 'i')) });
    const indices = { dtype: 'int32', shape: [1], data: Int32Array.of(2) } as const;
    const picked = engine.compile(pickRow).run({ x, i: indices });
    await expect(picked).rejects.toThrow("run: ONNX Runtime failed in 'pickRow': ");
    await expect(picked).rejects.toBeInstanceOf(DparError);
    expect((await engine.compile(increase).run({ x })).y).toEqual(float32([2], [2, 3]));
  });

  it('say that the thread has ended, and the engine can still be disposed', async () => {
    // Loads, then ends at the next message.
    const source = `import { workerData } from 'node:worker_threads';
      workerData.port.on('message', ({ id }) => {
        if (id > 0) process.exit(1);
        workerData.port.postMessage({ id, content: { version: '1.0.0' } });
      });`;
    const program = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const crashing = await openEngine({ thread: true }, program);
    const fn = crashing.compile(increase);
    for (let attempt = 0; attempt < 2; attempt++) {
      const run = fn.run({ x });
      await expect(run).rejects.toThrow('expected a thread that runs ONNX Runtime, got: the end of it');
      await expect(run).rejects.toBeInstanceOf(DparError);
    }
    await crashing.dispose();
  });

  it('say that a thread does not start', async () => {
    const program = new URL('data:text/javascript,throw new Error("no memory")');
    const opened = openEngine({ thread: true }, program);
    await expect(opened).rejects.toThrow('createOrtEngine: expected a thread that runs ONNX Runtime, got: no memory.');
    await expect(opened).rejects.toBeInstanceOf(DparError);
  });

  it('refuse onnxruntime-web', async () => {
    await expect(createOrtEngine({ thread: true, runtime: 'web' })).rejects.toThrow(
      "createOrtEngine: expected the runtime 'node' for 'thread', got 'web'. In a page, create the engine in a Web Worker.",
    );
  });
});

describe('dispose', () => {
  it('waits for the runs so far, and ends the engine', async () => {
    const other = await open();
    const fn = other.compile(longStep);
    await fn.run({ x: large });
    const [run] = await Promise.all([fn.run({ x: large }), other.dispose()]);
    expect(run.y?.data.length).toBe(large.data.length);
    await expect(fn.run({ x: large })).rejects.toThrow('expected a live function');
    await expect(other.compile(increase).run({ x })).rejects.toThrow(
      'run: expected a live engine, got a disposed one.',
    );
    await other.dispose();
  });

  it('is one of many engines at the same time', async () => {
    for (let round = 0; round < 3; round++) {
      const engines = await Promise.all([open(), open(), open()]);
      const results = await Promise.all(engines.map((e) => e.compile(increase).run({ x })));
      expect(results.map(({ y }) => y)).toEqual(engines.map(() => float32([2], [2, 3])));
      await Promise.all(engines.map((e) => e.dispose()));
    }
  });
});

describe('the end of the process', () => {
  it('waits for the run, which it would abort', async () => {
    const source = new URL('../testing/exit-during-run.ts', import.meta.url);
    const program = await bundle(source, join(folder, 'exit'));
    const ended = await new Promise<string>((resolve) => {
      execFile(process.execPath, [program, fileURLToPath(worker)], (error, _, stderr) =>
        resolve(`code ${error?.code}, signal ${error?.signal}, ${stderr}`),
      );
    });
    expect(ended).toBe('code 3, signal null, ');
  });
});
