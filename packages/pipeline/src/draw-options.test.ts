import { describe, expect, it } from 'vitest';
import { type Classes, nameOf } from './class-choice.js';
import { planDrawing } from './draw-options.js';

const classes: Classes = { numClasses: 3, hasNull: true, names: ['cat', 'dog', 'Animals & Nature'], place: 'model' };

describe('planDrawing', () => {
  it.each([
    [{}, [0]],
    [{ count: 4 }, [0, 1, 2, 0]],
    [{ class: 'dog' }, [1]],
    [{ class: 'dog', count: 2 }, [1, 1]],
    [{ class: ['dog', 0, null] }, [1, 0, 3]],
    [{ class: ['dog', 0], count: 3 }, [1, 0, 1]],
    [{ class: [2, 0], count: 3, firstIndex: 3 }, [0, 2, 0]],
    [{ class: null, count: 2 }, [3, 3]],
    [{ class: undefined, count: undefined }, [0]],
  ])('%j draws the classes %j', (options, labels) => {
    expect([...planDrawing('draw', options, classes).labels]).toEqual(labels);
  });

  it('takes a group for its classes, and the name within a group', () => {
    const grouped = { ...classes, names: ['pets/cat', 'food/fruit', 'pets/dog'] };
    expect([...planDrawing('draw', { class: 'pets' }, grouped).labels]).toEqual([0, 2]);
    expect([...planDrawing('draw', { class: ['fruit', 'pets'], count: 4 }, grouped).labels]).toEqual([1, 0, 2, 1]);
  });

  it('takes known words for a prompt', () => {
    const names = ['pets/cat', 'food/fruit', '/red', '/cat', '/heart'];
    const worded = { ...classes, numClasses: 5, names };
    expect(planDrawing('draw', { class: 'a Red, red heart!' }, worded).labels).toEqual([[2, 4]]);
    // A class comes before the word of that name.
    expect(planDrawing('draw', { class: ['cat', '/cat', 'heart', 'food'] }, worded).labels).toEqual([0, 3, 4, 1]);
    // By default the classes take turns, but no words.
    expect(planDrawing('draw', { count: 4 }, worded).labels).toEqual([0, 1, 0, 1]);
    expect(() => planDrawing('draw', { class: 'blue sky' }, worded)).toThrow("got 'blue sky'");
    expect(() => planDrawing('draw', { class: 'cat dog' }, classes)).toThrow("got 'cat dog'");
    expect(nameOf([2, 4], worded)).toBe('red heart');
  });

  it('has the defaults that draw well, and passes on what is given', () => {
    expect(planDrawing('draw', {}, classes)).toMatchObject({
      topP: 0.98,
      guidanceScale: 1.5,
      batchSize: 16,
    });
    const given = { topP: 1, guidanceScale: 3, batchSize: 2, seed: 7, temperature: 0.5 };
    expect(planDrawing('draw', { ...given, onProgress: () => {} }, classes)).toEqual({
      ...given,
      labels: [0],
    });
    expect(planDrawing('draw', {}, { ...classes, hasNull: false })).not.toHaveProperty('guidanceScale');
  });

  it.each([
    [{ class: 'Dog' }, "expected a name of a class of 'model', got 'Dog'. The nearest names are 'dog', 'cat'"],
    [{ class: ['cat', 'nature'] }, "got 'nature'. The nearest names are 'Animals & Nature'"],
    [{ class: 4 }, 'expected classes from 0 to 2, or null for none, got 4. Correct the class.'],
    [{ class: 0.5 }, 'got 0.5'],
    [{ count: 0 }, "expected 1 to 1000000 images, got 0. Check 'count'."],
    [{ class: [] }, 'got 0. Name at least one class.'],
  ])('refuses %j', (options, message) => {
    expect(() => planDrawing('draw', options, classes)).toThrow(message);
  });

  it('says where names come from, and that a model has no null class', () => {
    expect(() => planDrawing('draw', { class: 'cat' }, { ...classes, names: undefined })).toThrow(
      "from 0 to 2, got 'cat'. 'model' has no names of classes. Pass a number, or write the names to its classes.json",
    );
    const plain = { ...classes, hasNull: false };
    expect(() => planDrawing('draw', { class: null }, plain)).toThrow(
      "got null for 'model', which was trained without",
    );
    expect(() => planDrawing('draw', { class: 3 }, plain)).toThrow('expected classes from 0 to 2, got 3.');
  });
});
