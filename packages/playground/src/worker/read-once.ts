import type { OpenModel } from '../model/open-model.js';
import { Once } from './once.js';

/** A model that reads the weights of each part only once, or again after a failure. */
export function readOnce(model: OpenModel): OpenModel {
  const weights = new Once();
  return { ...model, load: (name) => weights.get(name, () => model.load(name)) };
}
