import { fullSettings } from '../variants.js';
import { loadDigits, placeOn } from '../vision/digits.js';
import { tokenize } from '../vision/tokens.js';
import { drawPositions } from './picture.js';

/** The drawing of a test digit, a five, as the comparison sees it. */
export async function examplePicture(): Promise<string> {
  const { test } = await loadDigits();
  const digit = test.pictures[test.labels.indexOf(5) + 3];
  if (!digit) throw new Error('examplePicture: expected a five among the test digits, got none.');
  const picture = placeOn(...fullSettings.size, digit, 0, 9);
  return drawPositions(picture, tokenize(picture, undefined), tokenize(picture, fullSettings.tolerance));
}
