import { writeFileAtomic } from '@dpar/io/node';
import { countImages, imageAt } from '@dpar/pipeline';
import {
  formatSeconds,
  type Html,
  heatMap,
  html,
  image,
  imageOfPng,
  lineChart,
  median,
  millions,
  montage,
  page,
  pictureOf,
  smooth,
  type TrainingRun,
  table,
  thin,
  withPatches,
} from '@dpar/report';
import { formatMemory, machine } from '../machine.js';
import { readRun, spread } from '../report/report.js';
import { type Drawn, gridOf } from './drawing.js';
import { describePictures } from './pictures.js';
import { describeStages } from './plan-text.js';
import type { Reconstructions } from './reconstructions.js';
import type { CreateRun } from './run.js';
import { stageTitles, type TrainingStage, trainingStages } from './stage.js';

/** Results that the report shows. */
export interface Shown {
  readonly drawn: Drawn;
  readonly reconstructions: Reconstructions;
}

/** Writes `report.html`, a page that needs no other file. */
export async function writeCreateReport(run: CreateRun, shown: Shown): Promise<void> {
  const curves = await trainingRuns(run);
  const body = html`${summary(run, shown)}
${await drawnSection(run, shown)}
${reconstructionSection(shown)}
${patchSection(shown)}
${curves.map(({ title, run }) => curveSection(title, run))}
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

/** Enlargement of the pictures in the report. */
const zoomOf = (size: number): number => Math.max(1, Math.round(128 / size));

const style = `
.pairs { display: flex; flex-wrap: wrap; gap: 8px; } .pairs img, .maps img { image-rendering: pixelated; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 14px; }
.drawn img { image-rendering: pixelated; width: 100%; max-width: 900px; }
.beside dl { margin-top: 40px; } svg .dot { fill: var(--card); stroke-width: 2; }
.train { stroke: #1d4ed8; } .validation { stroke: #c2410c; }
@media (prefers-color-scheme: dark) { .beside dl { margin-top: 40px; } svg .dot { fill: var(--card); stroke-width: 2; }
.train { stroke: #7aa7ff; } .validation { stroke: #fb923c; } }
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

async function drawnSection({ pictures }: CreateRun, { drawn }: Shown): Promise<Html> {
  const grid = await gridOf(drawn, pictures.classes);
  return html`<h2>Drawn pictures</h2>
<p>Not selected.${pictures.classes.length > 1 ? ' A column for each class.' : ''}</p>
<div class="drawn">${imageOfPng(grid, 'Pictures that the model drew')}</div>`;
}

/** Pairs of pictures that the report shows. */
const shownPairs = 12;

function reconstructionSection({ reconstructions: { originals, decoded, psnr } }: Shown): Html {
  const zoom = zoomOf(originals.size) > 1 ? 2 : 1;
  const pairs = spread([...Array(countImages(originals)).keys()], shownPairs).map((i) =>
    montage([pictureOf(imageAt(originals, i).data, zoom), pictureOf(imageAt(decoded, i).data, zoom)], 1),
  );
  return html`<h2>Originals and their tokens</h2>
<p>Above: validation pictures. Below: the same, decoded from their tokens, ${psnr.toFixed(1)} dB. No drawn picture can be better than these.</p>
<div class="pairs">${pairs.map((pair) => html`<div>${image(pair, 'Original above, decoded below')}</div>`)}</div>`;
}

/** Pictures whose patches the report shows. */
const shownPatches = 6;

function patchSection({ reconstructions: { originals, entropies, patches } }: Shown): Html {
  const zoom = zoomOf(originals.size);
  const side = Math.sqrt((entropies[0]?.length ?? 0) + 1);
  const sorted = entropies.flatMap((row) => [...row]).sort((a, b) => a - b);
  const brightest = sorted[Math.floor(0.99 * sorted.length)] || 1;
  const maps = spread([...Array(countImages(originals)).keys()], shownPatches).map((i) => {
    const picture = pictureOf(imageAt(originals, i).data, zoom);
    const map = heatMap([undefined, ...(entropies[i] ?? [])], brightest, picture.width / side);
    return montage([picture, map, withPatches(picture, patches[i] ?? [], side)], 3, 6);
  });
  return html`<h2>Entropies and patches</h2>
<p>A token that is hard to predict (bright) starts a patch. The large transformer of DPAR runs once for each patch.</p>
<div class="maps">${maps.map((map) => html`<div>${image(map, 'Picture, entropies of its tokens, patches')}</div>`)}</div>`;
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
<div class="beside"><div class="chart-of-run">${lineChart({ title: 'Loss: training (blue), validation (orange)', xLabel: 'Steps', yLabel: 'Loss', series, fitFrom: start * steps })}</div>
${list(rows)}</div>`;
}

function pictureSection({ pictures }: CreateRun): Html {
  return html`<h2>Pictures found</h2>
${list(describePictures(pictures))}`;
}

function planSection(run: CreateRun): Html {
  const { memory_bytes, ...versions } = machine();
  return html`<h2>Plan and time</h2>
${run.record.rounds.map((round) => table(['Stage', 'Planned', 'Taken', 'Work'], describeStages(round)))}
<dl><dt>Machine</dt><dd>${Object.values(versions).join(', ')}, ${formatMemory(memory_bytes)}, ${run.engine.name}</dd>
<dt>Size</dt><dd>${run.plan.size}</dd><dt>Seed</dt><dd>${run.plan.seed}</dd></dl>`;
}

/** List of names and values. */
const list = (rows: readonly (readonly [string, string])[]): Html =>
  html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

function improveSection(run: CreateRun): Html {
  const minutes = 2 * run.round.minutes;
  return html`<h2>For better pictures</h2>
<dl>
<dt>More time</dt><dd><code>dpar create ${run.request.pictures} --output ${run.request.output} --minutes ${minutes}</code> continues the training.</dd>
<dt>More pictures</dt><dd>Thousands of similar pictures in few classes give better shapes than hundreds.</dd>
<dt>Colours only</dt><dd>If the drawn pictures have the right colours but no shapes, the model needs more steps.</dd>
<dt>Blurred</dt><dd>If the decoded pictures above are blurred already, the tokenizer limits the result.</dd>
</dl>`;
}
