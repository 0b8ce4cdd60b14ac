import type { StepMetrics } from '@dpar/train';
import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { noteOf } from './display.js';
import { TrainFollower, type TrainState } from './state.js';
import { viewLines } from './view.js';

const plain = picocolors.createColors(false);

const metrics = (step: number, more: Partial<StepMetrics> = {}): StepMetrics => ({
  step,
  epoch: 0,
  loss: 4,
  gradientNorm: 0.5,
  learningRate: 1e-3,
  seconds: 1,
  imagesPerSecond: 50,
  waitSeconds: 0,
  optimizerSeconds: 0.1,
  meanPatchLength: 1.81,
  paddingShare: 0,
  graphs: 1,
  ...more,
});

/** A run of 100 steps, a second each, after 40 of them. */
function follow(more: (step: number) => Partial<StepMetrics> = () => ({}), start = 0): TrainFollower {
  let now = 1000;
  const follower = new TrainFollower({ kind: 'dpar', steps: 100 }, start, () => now);
  for (let step = start + 1; step <= 40; step++) {
    now += 1;
    follower.step(metrics(step, more(step)));
  }
  return follower;
}

const textOf = (state: TrainState, columns = 200): string => viewLines(state, columns, plain).join('\n');

describe('the state of a run', () => {
  it('has the mean loss, the best validation and the time that is left', () => {
    const { state } = follow((step) => ({
      loss: 5 - step / 20,
      ...(step % 10 === 0 && { validationLoss: step === 20 ? 2 : 3 + step / 100 }),
    }));
    expect(state.loss).toBeGreaterThan(3); // behind the last loss
    expect(state.loss).toBeLessThan(4);
    expect(state.validation).toEqual({ last: 3.4, best: 2, bestStep: 20 });
    expect([state.elapsed, state.left]).toEqual([40, 60]);
    expect(state.course).toHaveLength(40);
  });

  it('counts the time of its own steps alone', () => {
    const { state } = follow(undefined, 30);
    expect([state.step, state.elapsed, state.left]).toEqual([40, 10, 60]);
  });

  it('has the error of a boundary head, and how it agrees with the validation data', () => {
    const { state } = follow((step) => ({
      boundaryLoss: 0.5,
      ...(step === 20 && {
        validationLoss: 3,
        validationBoundaryLoss: 0.25,
        validationBoundaryCorrelation: 0.9444,
        validationBoundaryAgreement: 0.91,
      }),
    }));
    expect(state.boundary).toEqual({ loss: 0.5, validation: { loss: 0.25, correlation: 0.9444, agreement: 0.91 } });
    expect(textOf(state)).toContain('boundary   0.5000 nats²  validation 0.2500  correlation 0.944  agreement 91.0 %');
    expect(noteOf(state)).toContain(
      'boundary 0.5000 nats², validation of the boundary head 0.2500, correlation 0.944, agreement 91.0 %',
    );
    expect(follow().state.boundary).toBeUndefined();
  });

  it('has the terms, the codes and the pictures of a tokenizer', () => {
    let now = 0;
    const follower = new TrainFollower({ kind: 'vq', steps: 100, codebookSize: 64 }, 0, () => now++);
    const terms = { absolute: 0.25, squared: 0.125, codebook: 0.5, commitment: 0.5 };
    const found = {
      validationPsnr: 21.456,
      validationSsim: 0.8125,
      validationCodesInUse: 40,
      validationFid: 12.5,
      validationImages: 8,
    };
    for (const step of [1, 2]) {
      const validated = step === 1 ? { validationLoss: 2, ...found } : { adversarial: -0.5, discriminator: 1 };
      const codes = { codesInUse: 48 + step, revivedCodes: 3, waitSeconds: 0.1, meanPatchLength: 1 };
      follower.step(metrics(step, { ...terms, ...codes, ...validated }));
    }
    const { state } = follower;
    const text = textOf(state);
    for (const part of [
      /^pictures {3}PSNR 21\.46 dB {2}SSIM 0\.81[23] {2}rFID 12\.5 \(N = 8\) {2}codes 40$/m,
      /^terms {6}absolute 0\.250 {2}squared 0\.125 {2}codebook 0\.500 {2}commitment 0\.500 {2}adversarial -0\.500 {2}discriminator 1\.00$/m,
      /^codes {6}50 of 64 in use {2}revived 6$/m,
      /^speed {6}50\.0 images\/s {2}waiting for pictures 10\.0 %$/m,
    ]) {
      expect(text).toMatch(part);
    }
    expect(text).not.toContain('patches');
    expect(noteOf(state)).toContain(
      'absolute 0.250, squared 0.125, codebook 0.500, commitment 0.500, adversarial -0.500, discriminator 1.00, ' +
        'PSNR 21.46 dB, SSIM 0.813, rFID 12.50 (N = 8), 40 codes in the validation pictures, 50 of 64 codes in use, ' +
        'waiting for pictures 10.0 %',
    );
    for (let columns = 1; columns <= 130; columns++) {
      for (const line of viewLines(state, columns, plain)) expect(line.length).toBeLessThanOrEqual(columns);
    }
    expect(follow().state.tokenizer).toBeUndefined();
  });

  it('does not mind a loss that is not finite', () => {
    const { state } = follow((step) => (step === 40 ? { loss: Number.NaN } : {}));
    expect(state.loss).toBeCloseTo(4, 9);
    expect(textOf(state)).toContain('last NaN');
  });
});

describe('the view', () => {
  const { state } = follow((step) => ({ loss: 5 - step / 20, ...(step === 30 && { validationLoss: 3.25 }) }));

  it('shows all figures', () => {
    const text = textOf({ ...state, samples: 'run/samples/step-000030.png' });
    for (const part of [
      /^train {6}dpar {2}━{16}─{24} {2}40\/100 steps {2}40 % {2}epoch 1$/m,
      /^loss {7}3\.\d{4} {2}last 3\.0000 {2}█[▁-█]{38}▁$/m,
      /^validation 3\.2500 {2}best 3\.2500 at step 30$/m,
      /^gradient {3}0\.500 {2}learning rate 0\.00100$/m,
      /^speed {6}50\.0 images\/s {2}patches of 1\.81 tokens$/m,
      /^time {7}40 s {2}1 min 0 s left$/m,
      /^samples {4}run\/samples\/step-000030\.png$/m,
    ]) {
      expect(text).toMatch(part);
    }
  });

  it('leaves out what a run does not have', () => {
    const { state: early } = new TrainFollower({ kind: 'llamagen', steps: 10 }, 0, () => 0);
    expect(textOf(early)).toBe(`train      llamagen  ${'─'.repeat(40)}  0/10 steps  0 %\ntime       0 s`);
    expect(textOf(follow(() => ({ meanPatchLength: 1 })).state)).not.toMatch(/patches|validation|samples/);
  });

  it('fits any terminal', () => {
    const samples = 'a/folder/with/a/long/name/samples/step-000030.png';
    for (const end of ['running', 'failed'] as const) {
      for (let columns = 1; columns <= 130; columns++) {
        const lines = viewLines({ ...state, samples, activity: 'drawing samples', end }, columns, plain);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        if (columns >= 30) expect(lines.join('\n')).toContain('40/100 steps');
        if (columns >= 60) expect(lines.join('\n')).toContain('best 3.2500 at step 30');
      }
    }
  });

  it('says how a run ended', () => {
    expect(textOf({ ...state, end: 'failed' })).toContain('failed after step 40');
    expect(textOf({ ...state, end: 'interrupted' })).toContain('interrupted');
    expect(textOf({ ...state, end: 'done' })).not.toContain('left');
    const red = picocolors.createColors(true).red('failed after step 40');
    expect(viewLines({ ...state, end: 'failed' }, 200, picocolors.createColors(true)).join('')).toContain(red);
  });

  it('has colours that do not change its text', () => {
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    for (const columns of [20, 45, 80, 120]) {
      const colored = viewLines(state, columns, picocolors.createColors(true)).join('\n');
      expect(colored).toMatch(escapes);
      expect(colored.replace(escapes, '')).toBe(textOf(state, columns));
    }
  });
});
