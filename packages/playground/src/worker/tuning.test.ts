import type { EmojiModel } from '@dpar/emoji';
import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { parseSafetensors, toHostTensors } from '@dpar/io';
import { isReadByHead } from '@dpar/model';
import type { Engine } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrored, samplingSteps } from '../model/fine-tuning.js';
import { tuningBatch } from '../model/tuning-memory.js';
import { started } from '../testing/started-studio.js';
import { tinyModel } from '../testing/tiny-model.js';
import type { Reply, TuningEvent, TuningTask } from './protocol.js';

const label = 1;
const drawing = { guidanceScale: 1.5, temperature: 1, topP: 0.98, seed: 5 };

describe('fine-tuning in the worker', () => {
  let engine: Engine;
  let model: EmojiModel;

  /** Two pictures of stripes, [16, 16, 3]. */
  const pictures = [5, 16].map((width) =>
    new Uint8Array(16 * 16 * 3).map((_, i) => (i % (3 * width) < width ? 230 : 20)),
  );

  beforeAll(async () => {
    engine = await createOrtEngine({ threads: 1 });
    model = tinyModel();
  });
  afterAll(() => engine.dispose());

  const task = (settings: Partial<TuningTask> = {}): TuningTask => ({
    pictures,
    mirrors: false,
    device: 'wasm',
    steps: 12,
    learningRate: 1e-2,
    label,
    drawing,
    ...settings,
  });

  /** A studio with helpers that send a request and wait for its end. */
  async function trained() {
    const { studio, replies, until } = await started(engine, model);
    let last = 0;
    const events = (id: number): TuningEvent[] =>
      replies.flatMap((reply) => (reply.kind === 'tuning' && reply.id === id ? [reply.event] : []));
    const isOf = (id: number) => (reply: Reply) => 'id' in reply && reply.id === id;
    const send = (request: { kind: 'stop' | 'use' | 'discard' | 'export' }): Promise<Reply> => {
      const id = ++last;
      studio.handle({ ...request, id });
      return until(isOf(id));
    };
    const tune = (settings?: Partial<TuningTask>) => {
      const id = ++last;
      studio.handle({ kind: 'tune', id, task: task(settings) });
      const ended = until(
        (reply) =>
          isOf(id)(reply) && (reply.kind === 'failed' || (reply.kind === 'tuning' && reply.event.kind === 'tuned')),
      );
      return { id, ended, events: () => events(id) };
    };
    const draw = async (): Promise<Int32Array> => {
      const id = ++last;
      studio.handle({ kind: 'draw', id, models: ['dpar'], options: { ...drawing, label, prefix: new Int32Array() } });
      const reply = await until((reply) => isOf(id)(reply) && reply.kind === 'drawn' && reply.status === 'finished');
      return (reply as Extract<Reply, { kind: 'drawn' }>).drawings[0]?.tokens as Int32Array;
    };
    return { studio, until, send, tune, draw };
  }

  it('lowers the loss, draws with the trained weights when asked, and restores the old ones', async () => {
    const { send, tune, draw } = await trained();
    const before = await draw();
    const parameters = Object.entries(model.dpar.parameters).map(([name, { data }]) => [name, data.slice()] as const);
    const { ended, events } = tune();
    expect(await ended).toMatchObject({ kind: 'tuning' });

    const steps = events().filter((event) => event.kind === 'step');
    const losses = steps.map(({ loss }) => loss);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(losses.slice(-3))).toBeLessThan(0.8 * mean(losses.slice(0, 3)));
    const prepared = events().find((event) => event.kind === 'prepared');
    expect(prepared).toMatchObject({ label, engine: engine.name });
    const samples = events().filter((event) => event.kind === 'samples');
    expect(samples.map(({ step }) => step)).toEqual([0, 4, 8, 12]);
    for (const { images } of samples) expect(images.map(({ length }) => length)).toEqual(Array(4).fill(3 * 16 * 16));
    expect(samples[3]?.images).not.toEqual(samples[0]?.images);

    // Training alone changes nothing, not even in the weights in memory.
    expect(await draw()).toEqual(before);
    for (const [name, data] of parameters) expect(model.dpar.parameters[name]?.data).toEqual(data);
    expect(await send({ kind: 'use' })).toMatchObject({ kind: 'in-use', isTuned: true });
    const after = await draw();
    expect(after).not.toEqual(before);

    const exported = await send({ kind: 'export' });
    const { file } = exported as Extract<Reply, { kind: 'exported' }>;
    const written = toHostTensors(parseSafetensors(file).tensors);
    expect(Object.keys(written).sort()).toEqual(parameters.map(([name]) => name).sort());
    for (const [name, data] of parameters) {
      // What the boundary head reads stays, so that entropies do.
      if (isReadByHead(name)) expect(written[name]?.data).toEqual(data);
    }
    expect(written['output.weight']?.data).not.toEqual(model.dpar.parameters['output.weight']?.data);

    expect(await send({ kind: 'discard' })).toMatchObject({ kind: 'in-use', isTuned: false });
    expect(await draw()).toEqual(before);
    expect(await send({ kind: 'use' })).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('no fine-tuned'),
    });
  });

  it('stops after the current step, with images of it, and can be discarded at work', async () => {
    const { studio, until, send, tune, draw } = await trained();
    const { id, ended, events } = tune({ steps: 4000, mirrors: true });
    expect(await until((reply) => reply.kind === 'tuning' && reply.event.kind === 'reading')).toMatchObject({
      event: { pictures: 4 },
    });
    await until((reply) => reply.kind === 'tuning' && reply.event.kind === 'step');
    const second = tune();
    expect(await second.ended).toMatchObject({ kind: 'failed', message: expect.stringContaining('already') });
    studio.handle({ kind: 'stop', id });
    expect(await ended).toMatchObject({ kind: 'tuning', event: { kind: 'tuned' } });
    const last = events().findLast((event) => event.kind === 'step');
    expect(last?.step).toBeLessThan(4000);
    expect(events().findLast((event) => event.kind === 'samples')?.step).toBe(last?.step);

    const third = tune({ steps: 4000 });
    await until((reply) => reply.kind === 'tuning' && reply.id === third.id && reply.event.kind === 'step');
    expect(await send({ kind: 'discard' })).toMatchObject({ isTuned: false });
    expect(third.events().some(({ kind }) => kind === 'tuned')).toBe(false);
    expect((await draw()).length).toBe(64);
  });

  it('finds the class in which the pictures are most likely', async () => {
    const { tune, send } = await trained();
    expect(await tune({ steps: 30, mirrors: true }).ended).toMatchObject({ kind: 'tuning' });
    await send({ kind: 'use' });
    const { ended, events } = tune({ steps: 2, label: undefined });
    expect(await ended).toMatchObject({ kind: 'tuning' });
    expect(events().find((event) => event.kind === 'prepared')).toMatchObject({ label });
  });

  it('says what is wrong', async () => {
    const { tune } = await trained();
    expect(await tune({ label: 99 }).ended).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('labels'),
    });
    expect(await tune({ steps: 8, learningRate: 1e30 }).ended).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('Lower the learning rate'),
    });
  });
});

it('mirrors pictures', () => {
  // 2 x 2 pixels.
  const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  expect([...mirrored(pixels)]).toEqual([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
  expect(mirrored(mirrored(pixels))).toEqual(pixels);
});

it('draws images at times that do not repeat', () => {
  expect(samplingSteps(60)).toEqual([0, 20, 40, 60]);
  expect(samplingSteps(2)).toEqual([0, 1, 2]);
});

it('refuses models that need more memory than a page has', async () => {
  const { config } = (await loadEmojiModel()).dpar;
  expect(tuningBatch(config)).toBe(4);
  expect(tuningBatch({ ...config, dim: 768, nHead: 12 })).toBe(2);
  expect(tuningBatch({ ...config, dim: 1024, nHead: 16, nLayer: 24 })).toBeUndefined();
});
