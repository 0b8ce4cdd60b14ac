import { describe, expect, it } from 'vitest';
import { promptLabel } from './classes.js';

describe('the label of a prompt', () => {
  const info = { classes: ['cat', 'dog'], words: ['red', 'heart'], hasGuidance: true };

  it('has the known words, and names the others', () => {
    expect(promptLabel(info, 'A red heart')).toEqual({ label: [2, 3], unknown: ['a'] });
    expect(promptLabel(info, ' ')).toBeUndefined();
  });

  it('is that of images without a class when no word is known, if the model draws such', () => {
    expect(promptLabel(info, 'sky')).toEqual({ label: 4, unknown: ['sky'] });
    expect(promptLabel({ ...info, hasGuidance: false }, 'sky')).toEqual({ label: undefined, unknown: ['sky'] });
  });
});
