import { describe, expect, it } from 'vitest';
import { splitPictures } from './split-pictures.js';

const names = (count: number) => Array.from({ length: count }, (_, i) => `class ${i % 7}/picture ${i}.jpg`);

describe('splitPictures', () => {
  it('holds out about the share, the same pictures whatever is added', () => {
    const some = splitPictures(names(5000), 0.05);
    expect(some.validation.length).toBeGreaterThan(200);
    expect(some.validation.length).toBeLessThan(300);
    expect([...some.training, ...some.validation].sort((a, b) => a - b)).toEqual(names(5000).map((_, i) => i));
    const more = splitPictures(names(8000), 0.05);
    expect(more.validation.filter((i) => i < 5000)).toEqual(some.validation);
  });

  it('leaves both parts a picture', () => {
    for (let count = 2; count <= 20; count++) {
      for (const share of [1e-9, 0.05, 0.5, 0.999999]) {
        const { training, validation } = splitPictures(names(count), share);
        expect(training.length, `${count}, ${share}`).toBeGreaterThan(0);
        expect(validation.length, `${count}, ${share}`).toBeGreaterThan(0);
        expect(training.length + validation.length).toBe(count);
      }
    }
    expect(splitPictures(names(3), 0)).toEqual({ training: [0, 1, 2], validation: [] });
    expect(splitPictures([], 0.5)).toEqual({ training: [], validation: [] });
  });

  it('goes by the text of a name, not by how a system writes its accents', () => {
    const composed = ['é', 'ü', 'ñ', 'à', 'ô', 'ç', 'ï', 'å'].map((name) => `${name}.png`);
    const apart = composed.map((name) => name.normalize('NFD'));
    expect(apart).not.toEqual(composed);
    expect(splitPictures(apart, 0.4)).toEqual(splitPictures(composed, 0.4));
  });

  it('refuses a share out of range', () => {
    for (const share of [1, -0.1, 5]) {
      expect(() => splitPictures(['a.png'], share)).toThrow(`expected a share from 0 to below 1, got ${share}.`);
    }
  });
});
