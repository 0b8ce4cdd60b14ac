import { writeFileAtomic } from '@dpar/io/node';
import { countImages, imageAt } from '@dpar/pipeline';
import {
  formatSeconds,
  type Html,
  heatMap,
  html,
  image,
  lineChart,
  median,
  millions,
  montage,
  narrowNote,
  page,
  patchedImage,
  pictureOf,
  shortRunNote,
  smooth,
  stepTimes,
  type TrainingRun,
  table,
  thin,
} from '@dpar/report';
import { formatMemory, machine } from '../machine.js';
import { readRun, spread } from '../report/report.js';
import type { Drawn } from './drawing.js';
import { describePictures } from './pictures.js';
import { mostSteps } from './plan.js';
import { describeStages } from './plan-text.js';
import type { Reconstructions } from './reconstructions.js';
import { type CreateRun, createCommand } from './run.js';
import { stageTitles, type TrainingStage, trainingStages } from './stage.js';

/** Results that the report shows. */
export interface Shown {
  readonly drawn: Drawn;
  readonly reconstructions: Reconstructions;
}

/** Writes `report.html`, a page that needs no other file. */
export async function writeCreateReport(run: CreateRun, shown: Shown): Promise<void> {
  const curves = await trainingRuns(run);
  const body = html`${firstPatches(shown)}
${summary(run, shown)}
${drawnSection(run, shown)}
${reconstructionSection(shown)}
${morePatches(shown)}
${curves.map(({ title, run }) => curveSection(title, run))}
${comparisonSection(curves)}
${pictureSection(run)}
${planSection(run)}
${improveSection(run)}`;
  await writeFileAtomic(
    run.path('report.html'),
    page({
      title: `A model of ${run.pictures.classes.length === 1 ? run.pictures.classes[0] : 'your pictures'}`,
      style,
      body,
    }),
  );
}

const style = `
:root { --train: #1d4ed8; --validation: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --train: #7aa7ff; --validation: #fb923c; } }
.train { stroke: var(--train); } .validation { stroke: var(--validation); } svg .dot { fill: var(--card); stroke-width: 2; }
.group img, .drawn img, .pairs img { image-rendering: pixelated; width: 100%; background: #fff; border-radius: 4px; }
.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 6px 36px; }
.groups .group { gap: 10px; } .groups .picture path { stroke-width: 1px; } .groups .picture .halo { stroke-width: 2px; }
.drawn { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 128px); gap: 10px; margin: 14px 0; }
.drawn figcaption { min-height: 2.9em; line-height: 1.35; display: flex; align-items: end; }
.drawings { display: grid; gap: 10px; }
.drawn.one { grid-auto-columns: 1fr; } .one figcaption { min-height: 0; } .one .drawings { grid-template-columns: repeat(auto-fill, minmax(110px, 1fr)); }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 10px; }
.beside dl { margin-top: 40px; }
@media (max-width: 620px) { .groups { grid-template-columns: 1fr; } .groups .group { grid-template-columns: 1fr 1fr; } .groups figure:last-child { grid-column: 1 / -1; }
  .drawn { grid-auto-flow: row; grid-template-columns: 1fr; grid-auto-columns: auto; }
  .drawn figcaption { min-height: 0; } .drawings { grid-template-columns: repeat(4, 1fr); } .pairs { grid-template-columns: repeat(3, 1fr); } .beside dl { margin-top: 0; } }
`;

/** Training runs of all rounds, in order. */
async function trainingRuns(run: CreateRun): Promise<{ readonly title: string; readonly run: TrainingRun }[]> {
  const runs: { title: string; run: TrainingRun }[] = [];
  for (const name of trainingStages) {
    for (const [round, { stages }] of run.record.rounds.entries()) {
      if (!stages.some((stage) => stage.name === name && stage.config !== undefined)) continue;
      const title = round === 0 ? stageTitles[name] : `${stageTitles[name]}, continued (${round + 1})`;
      runs.push({ title, run: await readRun(run.folder(name, round)) });
    }
  }
  return runs;
}

const tile = (
  value: string,
  meaning: string,
): Html => html`<div class="tile"><b>${value}</b><span>${meaning}</span></div>
`;

/** Lowest validation loss of a stage so far. */
function lossOf(run: CreateRun, name: TrainingStage): string {
  const loss = run.figure(name, 'validation_loss');
  return loss === undefined ? '-' : loss.toFixed(3);
}

function summary(run: CreateRun, { reconstructions: { psnr, patches } }: Shown): Html {
  const tokens = (run.plan.resolution / run.plan.pixelsPerToken) ** 2;
  const mean = (patches.length * tokens) / patches.reduce((sum, lengths) => sum + lengths.length, 0);
  const seconds = run.record.rounds.flatMap(({ stages }) => stages).reduce((sum, stage) => sum + stage.seconds, 0);
  return html`<div class="tiles">
${tile(String(run.pictures.set.count), 'pictures')}
${tile(formatSeconds(seconds), 'in all')}
${tile(`${psnr.toFixed(1)} dB`, 'PSNR of the tokenizer on validation pictures')}
${tile(lossOf(run, 'dpar'), 'validation loss of DPAR, nats per token')}
${run.request.compare ? tile(lossOf(run, 'llamagen'), 'validation loss of LlamaGen') : undefined}
${tile(mean.toFixed(2), 'tokens per patch')}
</div>`;
}

/** Minutes of `dpar create` if none are given. */
const usualMinutes = 30;

/** Note of a run that was too short, with the command of a longer one. Undefined for models that continue trained ones. */
function shortNote(run: CreateRun): Html | undefined {
  const [first] = run.record.rounds;
  if (first === undefined || first.start !== undefined) return undefined;
  const views = run.record.rounds.reduce((sum, { plan, stages }) => {
    const { steps = 0 } = stages.find(({ name }) => name === 'dpar') ?? {};
    return sum + steps * plan.batchSize;
  }, 0);
  return shortRunNote(views, (factor) => {
    if (run.request.set.some((assignment) => assignment.startsWith('dpar.steps='))) {
      return html`Leave out <code>--set dpar.steps</code>, or raise it.`;
    }
    if (factor * views > mostSteps(run.plan) * run.plan.batchSize) {
      return html`Add pictures: more visits of these ${run.plan.training} would only learn them by heart.`;
    }
    // A longer run also has a better tokenizer and a larger model. Its plan needs a folder of its own.
    const longer = 10 * Math.ceil((run.round.minutes * factor) / 10);
    // Much of a run of few minutes is preparation, so that its time says little: the command's usual time is enough.
    const minutes = run.round.minutes < usualMinutes ? Math.min(usualMinutes, longer) : longer;
    const output = `${run.request.output}-${minutes}-minutes`;
    return html`Start a longer run: <code>${createCommand({ ...run.request, output, minutes })}</code>`;
  });
}

/** Pictures of each class, its name over them. */
function drawnSection(run: CreateRun, { drawn: { images, labels } }: Shown): Html {
  const { classes } = run.pictures;
  const group = (label: number): Html => {
    const chosen = [...labels.keys()].filter((i) => labels[i] === label);
    const name = classes[label] ?? `Class ${label}`;
    const drawings = chosen.map((i) => image(pictureOf(imageAt(images, i).data), `${name}, drawn by the model`));
    return html`<figure><figcaption>${name}</figcaption><div class="drawings">${drawings}</div></figure>
`;
  };
  return html`<h2>Drawn pictures</h2>
${shortNote(run)}
<p>Not selected.</p>
<div class="drawn${classes.length > 1 ? '' : ' one'}">${[...new Set(labels)].map(group)}</div>`;
}

/** Pairs of pictures that the report shows. */
const shownPairs = 12;

function reconstructionSection({ reconstructions: { originals, decoded, psnr } }: Shown): Html {
  const pairs = spread([...Array(countImages(originals)).keys()], shownPairs).map((i) =>
    montage([pictureOf(imageAt(originals, i).data), pictureOf(imageAt(decoded, i).data)], 1, 2),
  );
  return html`<h2>Originals and their tokens</h2>
<p>Above: validation pictures. Below: the same, decoded from their tokens, ${psnr.toFixed(1)} dB. No drawn picture can be better than these.</p>
<div class="pairs">${pairs.map((pair) => image(pair, 'Original above, decoded below'))}</div>`;
}

/** Validation pictures of the sections about patches, the first of which opens the page. */
function shownPatches({ reconstructions: { patches } }: Shown): number[] {
  const mean = patches.reduce((sum, { length }) => sum + length, 0) / patches.length;
  const distance = (i: number): number => Math.abs((patches[i]?.length ?? 0) - mean);
  const usual = [...patches.keys()].reduce((best, i) => (distance(i) < distance(best) ? i : best), 0);
  return [
    usual,
    ...spread(
      [...patches.keys()].filter((i) => i !== usual),
      4,
    ),
  ];
}

/** A picture, the entropies of its tokens, and its patches: three pictures with their names. */
function patchGroup({ reconstructions: { originals, entropies, patches } }: Shown, i: number): Html {
  const side = Math.sqrt((entropies[0]?.length ?? 0) + 1);
  const sorted = entropies.flatMap((row) => [...row]).sort((a, b) => a - b);
  const brightest = sorted[Math.floor(0.99 * sorted.length)] || 1;
  const picture = pictureOf(imageAt(originals, i).data);
  const lengths = patches[i] ?? [];
  const map = heatMap([undefined, ...(entropies[i] ?? [])], brightest, 4);
  return html`<div class="group"><figure><figcaption>Picture: ${side ** 2} tokens</figcaption>${image(picture, 'A validation picture')}</figure>
<figure><figcaption>Entropy of each token</figcaption>${image(map, 'Entropies of its tokens, bright where a token is hard to predict')}</figure>
<figure><figcaption>Patches: ${lengths.length}</figcaption>${patchedImage(picture, lengths, side, `Its ${lengths.length} patches`)}</figure></div>
`;
}

function firstPatches(shown: Shown): Html {
  return html`<p class="lead">A token that is hard to predict (bright) starts a patch. The large transformer of DPAR runs once for each patch.</p>
${narrowNote('From top to bottom: a picture, the entropies of its tokens, its patches.')}
${shownPatches(shown)
  .slice(0, 1)
  .map((i) => patchGroup(shown, i))}`;
}

function morePatches(shown: Shown): Html | undefined {
  const others = shownPatches(shown).slice(1);
  if (others.length === 0) return undefined;
  return html`<h2>Entropies and patches of other pictures</h2>
<div class="groups">${others.map((i) => patchGroup(shown, i))}</div>`;
}

/** First share of a run that the y axis ignores, because its steep fall would flatten the rest. */
const start = 0.1;

function curveSection(title: string, { metrics, model, settings }: TrainingRun): Html {
  const steps = metrics.length;
  const points = (key: string) =>
    metrics.flatMap(({ step, [key]: value }) => (value === undefined ? [] : [[step as number, value] as const]));
  const series = [
    { name: 'training', style: 'train', points: thin(smooth(points('loss'), Math.max(5, steps / 50)), 250) },
    { name: 'validation', style: 'validation', points: points('validation_loss'), dots: true },
  ];
  const seconds = median(metrics.flatMap(({ seconds }) => seconds ?? []));
  const rows: [string, string][] = [
    ['Parameters', model === undefined ? '-' : millions(model.parameters)],
    ['Steps', `${steps} of ${settings.batch_size} pictures`],
    ['Time of a step, median', `${Math.round(1000 * seconds)} ms`],
  ];
  return html`<h2>${title}</h2>
<div class="beside">${lineChart({ title: 'Loss: training (blue), validation (orange)', xLabel: 'Steps', yLabel: 'Loss', series, fitFrom: start * steps })}
${list(rows)}</div>`;
}

/** Time and operations of a step of the newest DPAR and of the newest LlamaGen. */
function comparisonSection(curves: readonly { readonly run: TrainingRun }[]): Html | undefined {
  const newest = (kind: string): TrainingRun | undefined =>
    curves.map(({ run }) => run).findLast(({ model }) => model?.kind === kind);
  const [dpar, llamagen] = [newest('dpar'), newest('llamagen')];
  const times =
    dpar &&
    llamagen &&
    stepTimes([
      { ...dpar, name: 'DPAR' },
      { ...llamagen, name: 'LlamaGen' },
    ]);
  return (
    times &&
    html`<h2>DPAR beside LlamaGen</h2>
${times}`
  );
}

function pictureSection({ pictures }: CreateRun): Html {
  return html`<h2>Pictures found</h2>
${list(describePictures(pictures))}`;
}

function planSection(run: CreateRun): Html {
  const { memory_bytes, ...facts } = machine();
  // The runtime's name has the version of Node.
  const shown = Object.entries(facts).filter(([name]) => name !== 'node');
  return html`<h2>Plan and time</h2>
${narrowNote('Wide tables scroll sideways.')}
${run.record.rounds.map((round) => table(['Stage', 'Planned', 'Taken', 'Work'], describeStages(round)))}
<dl><dt>Machine</dt><dd>${shown.map(([name, value]) => `${name} ${value}`).join(', ')}, memory ${formatMemory(memory_bytes)}, ${run.engine.name}</dd>
<dt>Size</dt><dd>${run.plan.size}</dd><dt>Seed</dt><dd>${run.plan.seed}</dd></dl>`;
}

/** List of names and values. */
const list = (rows: readonly (readonly [string, string])[]): Html =>
  html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

function improveSection(run: CreateRun): Html {
  const longer = createCommand({ ...run.request, minutes: 2 * run.round.minutes });
  return html`<h2>For better pictures</h2>
<dl>
<dt>More time</dt><dd><code>${longer}</code> continues the training.</dd>
<dt>More pictures</dt><dd>Thousands of similar pictures in few classes give better shapes than hundreds.</dd>
<dt>Colours only</dt><dd>If the drawn pictures have the right colours but no shapes, the model needs more steps.</dd>
<dt>Blurred</dt><dd>If the decoded pictures above are blurred already, the tokenizer limits the result.</dd>
</dl>`;
}
