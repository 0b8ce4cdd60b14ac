import { listOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';
import { ReportError } from '../error.js';
import { type Html, html, narrowNote } from '../html.js';
import { page } from '../page.js';
import { imageOfPng } from '../picture.js';
import { trainingStyle } from '../style.js';
import { curvesSection } from './curves.js';
import { type TrainingRun, trainingRunKinds, trainsTokenizer } from './run.js';
import { machineSection, modelSection, settingsSection, startSection } from './settings.js';
import { shortRun } from './short-run.js';
import { stepTimes } from './step-times.js';
import { comparison, failure, tiles } from './summary.js';
import { timeSection } from './time.js';

/**
 * Formats the report of one training run or of several in comparison: a self-contained HTML page, light or dark as the reader's
 * system.
 * @throws ReportError if there is no run.
 */
export function trainingReport(runs: readonly TrainingRun[]): string {
  checkArguments('trainingReport', { runs }, { runs: listOf(trainingRunKinds) });
  const [first, second] = runs;
  if (first === undefined) throw new ReportError('trainingReport: expected at least one run, got none. Pass a run.');
  const alone = runs.length === 1;
  return page({
    title: alone ? `Training of ${first.name}` : `Training of ${runs.map(({ name }) => name).join(', ')}`,
    style: trainingStyle,
    body: html`${runs.map(failure)}
${runs.map(shortRun)}
${alone ? tiles(first) : comparison(runs)}
${narrowNote('Wide tables scroll sideways.')}
${runs.map((run) => samplesSection(run, alone))}
${curvesSection(runs)}
${timeSection(runs)}
${second && runs.length === 2 ? stepsSection(first, second) : undefined}
${alone ? modelSection(first) : undefined}
${runs.map((run) => startSection(run, alone))}
${settingsSection(runs)}
${machineSection(runs)}`,
  });
}

/** Time of a step of two runs beside its operations. DPAR comes first, because it is the one that saves operations. */
function stepsSection(first: TrainingRun, second: TrainingRun): Html | undefined {
  const times = stepTimes(second.model?.kind === 'dpar' ? [second, first] : [first, second]);
  return (
    times &&
    html`<h2>Time and operations of a step</h2>
${times}`
  );
}

/** Texts about grids of generated images. */
const generated = {
  title: 'Samples',
  text: 'The same random numbers each time, drawn with the weights of that moment; the newest first.',
  alt: 'Images drawn',
};

/** Texts about grids of a tokenizer. */
const pairs = {
  title: 'Reconstructions',
  text: 'Pairs of pictures: the original on the left, its reconstruction on the right. The same originals each time; the newest first.',
  alt: 'Originals beside their reconstructions',
};

/** Grids of images, the newest first: generated from the same random numbers, or pairs of pictures of a tokenizer. */
function samplesSection(run: TrainingRun, alone: boolean): Html {
  const { name, samples = [], sampleCount = samples.length } = run;
  if (samples.length === 0) return html``;
  const some = sampleCount > samples.length ? ` ${samples.length} of ${sampleCount} grids.` : '';
  const { title, text, alt } = trainsTokenizer(run) ? pairs : generated;
  return html`<h2>${title}${alone ? '' : ` of ${name}`}</h2>
<p class="soft">${text}${some}</p>
<div class="samples">${samples.toReversed().map(
    ({
      step,
      png,
    }) => html`<figure><figcaption>Step ${step}</figcaption>${imageOfPng(png, `${alt} at step ${step}`)}</figure>
`,
  )}</div>`;
}
