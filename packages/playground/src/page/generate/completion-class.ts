import { likeliestClass } from '../../model/class-likelihoods.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import { classLabel } from '../parts/classes.js';
import type { ClassChoice } from './settings.js';

/** Class of a picture to complete, once it is known, with a text on its source. */
export function completionClass({ state }: App, info: ModelInfo): { label?: number; hint: string } {
  const { look, keptRows = 0, completionLabel } = state;
  const { picture, logLikelihoods } = look;
  if (completionLabel !== undefined) return { label: completionLabel, hint: 'You chose this class.' };
  const known = classLabel(info, picture?.className);
  if (picture && known !== undefined) {
    return { label: known, hint: `The class of ‘${picture.name}’. You can choose another.` };
  }
  if (!logLikelihoods) return { hint: 'Finding the class that fits the picture. You can choose one.' };
  const label = likeliestClass(logLikelihoods, info.classes.length, keptRows * info.gridSize);
  return { label, hint: 'The model finds the given rows most likely in this class. You can choose another.' };
}

/** Id of the text on the source of the class. */
export const classHintId = 'generate-class-hint';

/** Choice of the class of a picture to complete. */
export function completionClassChoice(app: App, info: ModelInfo): ClassChoice {
  const { label } = completionClass(app, info);
  return {
    ...(label !== undefined && { label }),
    describedBy: classHintId,
    onChoose: (label) => app.set(app.state, { completionLabel: label }),
  };
}
