// biome-ignore lint/correctness/useImportExtensions: This is a style sheet.
import '../../styles/train.css';
import type { App } from '../app.js';
import type { TrainingPart } from '../state.js';
import { paintTraining } from './paint-training.js';
import { trainView } from './train-view.js';
import { Training } from './training.js';

/** Makes the part of the page that trains. This file and what it imports load when that part is first shown. */
export function trainingPart(app: App): TrainingPart {
  const training = new Training(app);
  return {
    view: (info) => trainView(training, info),
    paint: () => paintTraining(training),
    addFiles: (files) => training.addFiles(files),
    receive: (reply) => training.receive(reply),
    forget: () => training.forget(),
  };
}
