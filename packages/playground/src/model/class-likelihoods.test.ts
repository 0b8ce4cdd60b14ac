import type { EmojiModel } from '@dpar/emoji';
import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { isWord } from '@dpar/io';
import { dpar, dparInputs } from '@dpar/model';
import { padPatchLengths, patchLengths } from '@dpar/patchify';
import { type Engine, int32, named } from '@dpar/tensor';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../testing/open-model.js';
import { sampleClass, sampleFile } from '../testing/sample-file.js';
import { type Analysis, createAnalyser, loadAnalysts } from './analyser.js';
import { createClassifier, likeliestClass } from './class-likelihoods.js';
import { drawingSource, patchingBy } from './entropy-source.js';

describe('the class of an image', () => {
  let engine: Engine;
  let model: EmojiModel;
  let classes: number;
  const analyse = async (emoji: string): Promise<Analysis> => {
    const image = sharp(sampleFile(emoji)).flatten({ background: '#fff' }).toColourspace('srgb');
    return createAnalyser(engine, await loadAnalysts(openModel(model))).analyse(await image.raw().toBuffer());
  };
  beforeAll(async () => {
    engine = await createOrtEngine();
    model = await loadEmojiModel();
    classes = model.classes.filter((name) => !isWord(name)).length;
  });
  afterAll(() => engine.dispose());

  it('is likeliest by the loss of the model, also of a beginning', async () => {
    const { config, parameters } = model.dpar;
    const rage = await analyse('angry-face');
    const classifier = createClassifier(engine, model.dpar, classes);
    const logLikelihoods = await classifier.logLikelihoods(rage);
    const loss = engine.compile((ops, inputs) => ({ loss: dpar(ops, config, inputs, inputs as never).loss }), {
      constants: parameters,
    });
    const lengths = padPatchLengths([patchLengths(rage.entropies, patchingBy(drawingSource(config), config))]);
    for (const label of [0, 6]) {
      const outputs = await loss.run(dparInputs(config, int32([1, 256], rage.tokens), int32([1], [label]), lengths));
      const nats = 256 * (named(outputs, 'loss').data[0] as number);
      expect(-(logLikelihoods[label * 256 + 255] as number) / nats).toBeCloseTo(1, 4);
    }
    // What follows changes nothing about a beginning.
    const tokens = rage.tokens.map((token, i) => (i < 128 ? token : 7));
    const other = await classifier.logLikelihoods({ ...rage, tokens });
    for (const at of [0, 127, 6 * 256 + 127]) expect(other[at]).toBeCloseTo(logLikelihoods[at] as number, 3);
    expect(other[255]).not.toBeCloseTo(logLikelihoods[255] as number, 0);
  });

  it('is found for pictures that the model has not seen', async () => {
    const classifier = createClassifier(engine, model.dpar, classes);
    const found: string[] = [];
    for (const emoji of ['flag-of-australia', 'rose', 'angry-face', 'broccoli']) {
      const logLikelihoods = await classifier.logLikelihoods(await analyse(emoji));
      found.push(model.classes[likeliestClass(logLikelihoods, classes, 128)] as string);
    }
    expect(found).toEqual(['Flag of Australia', 'Rose', 'Angry face', 'Broccoli'].map(sampleClass));
  });

  it('depends on how much is given', () => {
    const logLikelihoods = Float64Array.of(-1, -5, -2, -3, -4, -4);
    expect([1, 2].map((given) => likeliestClass(logLikelihoods, 3, given))).toEqual([0, 1]);
  });
});
