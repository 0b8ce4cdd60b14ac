import type { EmojiModel } from '@dpar/emoji';
import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createSampler, needsEntropyModel } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAnalyser } from '../model/analyser.js';
import { sampleOptions } from '../model/drawing.js';
import { withHead, withoutHead } from '../testing/heads.js';
import { openModel } from '../testing/open-model.js';
import { started } from '../testing/started-studio.js';
import type { Reply } from './protocol.js';

type Drawn = Extract<Reply, { kind: 'drawn' }>;
const isFinished = (id: number) => (reply: Reply) =>
  reply.kind === 'drawn' && reply.id === id && reply.status === 'finished';

describe('Studio', () => {
  let engine: Engine;
  let model: EmojiModel;
  const options = { label: 2, guidanceScale: 1.5, temperature: 0.9, topP: 0.9, seed: 5, prefix: new Int32Array() };

  beforeAll(async () => {
    engine = await createOrtEngine({ threads: 1 });
    model = await loadEmojiModel();
  });
  afterAll(() => engine.dispose());

  it('draws with both models what their samplers draw, stopped in between or not', async () => {
    const { studio, replies, until } = await started(engine, model);
    studio.handle({ kind: 'draw', id: 1, models: ['llamagen', 'dpar'], options });
    await until((reply) => reply.kind === 'drawn' && (reply.drawings[0]?.tokens.length ?? 0) >= 20);
    studio.handle({ kind: 'pause', id: 1 });
    const paused = await until((reply) => reply.kind === 'drawn' && reply.status === 'paused');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(replies.at(-1)).toBe(paused);
    studio.handle({ kind: 'resume', id: 1 });
    const { drawings } = (await until(isFinished(1))) as Drawn;
    const samplers = [
      createSampler(engine, model.llamagen),
      createSampler(engine, model.dpar, needsEntropyModel(model.dpar) ? { entropyModel: model.entropy } : {}),
    ] as const;
    for (const [i, sampler] of samplers.entries()) {
      const expected = await sampler.generate(sampleOptions(options));
      expect(drawings[i]?.tokens).toEqual(expected.tokens);
      expect(drawings[i]?.startsPatch.reduce((sum, start) => sum + start, 0)).toBe(expected.patchLengths[0]?.length);
      expect(drawings[i]?.seconds).toBeGreaterThan(0);
      expect(drawings[i]?.pixels.length).toBe(3 * 64 * 64);
      await sampler.dispose();
    }
  });

  it('leaves out analyses that newer ones have overtaken, also while it draws', async () => {
    const { studio, replies, until } = await started(engine, model);
    studio.handle({ kind: 'draw', id: 1, models: ['dpar'], options });
    const grey = (value: number) => new Uint8Array(3 * 64 * 64).fill(value);
    for (let id = 2; id <= 9; id++) studio.handle({ kind: 'analyse', id, pixels: grey(20 * id), compares: false });
    const last = await until((reply) => reply.kind === 'reconstructed' && reply.id === 9);
    const analysed = replies.filter(({ kind }) => kind === 'analysed').map((reply) => (reply as { id: number }).id);
    expect(analysed).toEqual([2, 9]);
    // The tokenizer knows plain grey well.
    const { pixels } = last as Extract<Reply, { kind: 'reconstructed' }>;
    expect(pixels.reduce((sum, value) => sum + Math.abs(value - 180), 0) / pixels.length).toBeLessThan(20);
    studio.handle({ kind: 'cancel', id: 1 });
  });

  it.each([
    ['boundary head', withHead, ['tokenizer', 'dpar']],
    ['entropy model', withoutHead, ['tokenizer', 'entropy']],
  ])('reads the weights of the entropy model only when they are needed, with the %s', async (_, variant, first) => {
    const own = variant(model);
    const read: string[] = [];
    const { studio, until } = await started(engine, own, async (name) => {
      read.push(name);
      return openModel(own).load(name);
    });
    const isHead = own.dpar.config.boundaryHead !== undefined;
    const pixels = new Uint8Array(3 * 64 * 64).map((_, i) => (i * i) % 251);
    const analysis = async (id: number, compares: boolean) => {
      studio.handle({ kind: 'analyse', id, pixels, compares });
      const reply = await until(({ kind, ...reply }) => kind === 'analysed' && (reply as { id: number }).id === id);
      return (reply as Extract<Reply, { kind: 'analysed' }>).analysis;
    };
    expect((await analysis(1, false)).reference).toBeUndefined();
    expect(read).toEqual(first);
    studio.handle({ kind: 'draw', id: 2, models: ['dpar'], options });
    await until(isFinished(2));
    expect(read.includes('entropy')).toBe(!isHead);
    const { reference } = await analysis(3, true);
    expect(read.includes('entropy')).toBe(true);
    const { tokenizer, entropy } = model;
    const expected = await createAnalyser(engine, { tokenizer, predictor: entropy }).analyse(pixels);
    expect(reference?.entropies).toEqual(isHead ? expected.entropies : undefined);
    expect(new Set(read).size).toBe(read.length);
  });

  it('ends a drawing for the next one, and says what is wrong with a request', async () => {
    let asked = 0;
    const { studio, replies, until } = await started(engine, model, async (name) => {
      if (name === 'llamagen' && ++asked === 1) throw new Error('no network');
      return openModel(model).load(name);
    });
    studio.handle({ kind: 'draw', id: 1, models: ['dpar'], options });
    await until((reply) => reply.kind === 'drawn');
    studio.handle({ kind: 'draw', id: 2, models: ['dpar'], options: { ...options, label: 99 } });
    const failed = await until((reply) => reply.kind === 'failed');
    expect(failed).toMatchObject({ id: 2, message: expect.stringContaining('expected labels from 0 to 8') });
    studio.handle({ kind: 'draw', id: 3, models: ['llamagen'], options });
    const missing = await until((reply) => reply.kind === 'failed' && reply.id === 3);
    expect(missing).toMatchObject({ message: 'no network' });
    // The next drawing asks for the weights anew.
    studio.handle({ kind: 'draw', id: 4, models: ['llamagen'], options });
    await until((reply) => reply.kind === 'drawn' && reply.id === 4);
    studio.handle({ kind: 'cancel', id: 4 });
    expect(replies.some(isFinished(1))).toBe(false);
  });
});
