import { likeliestClass } from '../../model/class-likelihoods.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import type { ClassChoice } from './settings.js';

/** Class of a picture to complete, once it is known, with a text on its source. */
export function completionClass({ state }: App, { classes, gridSize }: ModelInfo): { label?: number; hint: string } {
  const { look, keptRows = 0, completionLabel } = state;
  const { picture, logLikelihoods } = look;
  if (completionLabel !== undefined) return { label: completionLabel, hint: 'You chose this class.' };
  const known = classes.indexOf(picture?.className ?? '');
  if (picture && known >= 0) return { label: known, hint: `The class of ‘${picture.name}’. You can choose another.` };
  if (!logLikelihoods) return { hint: 'Finding the class that fits the picture. You can choose one.' };
  const label = likeliestClass(logLikelihoods, classes.length, keptRows * gridSize);
  return { label, hint: 'The model finds the given rows most likely in this class. You can choose another.' };
}

/** Choice of the class of a picture to complete. */
export function completionClassChoice(app: App, info: ModelInfo): ClassChoice {
  return {
    ...completionClass(app, info),
    onChoose: (label) => app.set(app.state, { completionLabel: label }),
  };
}
