import { checkArguments } from '../check-arguments.js';
import { type Html, html } from '../html.js';
import { type TrainingRun, trainsOnlyHead, trainsTokenizer } from './run.js';

/**
 * Pictures that a model sees in training before it draws shapes. The ten-minute runs of the guide 'Your own pictures' show 30,000 and draw flags
 * and faces.
 */
const fewestViews = 20_000;

/**
 * Note that a model saw too few pictures in training to draw well.
 * @param views Pictures of all steps together. A picture counts each time.
 * @param remedy Advice, given the factor by which training should be longer.
 * @returns undefined if the model saw enough.
 */
export function shortRunNote(views: number, remedy: (factor: number) => Html): Html | undefined {
  checkArguments('shortRunNote', { views, remedy }, { views: 'number', remedy: 'function' });
  if (views >= fewestViews) return undefined;
  const shown = (count: number): string => count.toLocaleString('en-US');
  return html`<p class="note"><b>Too short to draw well.</b> The model saw ${shown(views)} pictures in training, each visit counted. It learns colours first.
Shapes take ${shown(fewestViews)} or more. ${remedy(fewestViews / Math.max(1, views))}</p>`;
}

/** The note for a finished run of an image model that starts from no other weights. */
export function shortRun(run: TrainingRun): Html | undefined {
  const { model, record, start, settings, metrics } = run;
  const drawsImages = !trainsTokenizer(run) && !trainsOnlyHead(run) && model?.kind !== 'entropy';
  const batchSize = Number(settings.batch_size);
  if (record?.state !== 'done' || start !== undefined || !drawsImages || !Number.isFinite(batchSize)) return undefined;
  const steps = metrics.at(-1)?.step ?? 0;
  return shortRunNote(
    steps * batchSize,
    () => html`Raise <code>steps</code> to ${Math.ceil(fewestViews / batchSize)} or more.`,
  );
}
