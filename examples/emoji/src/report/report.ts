import { type Html, html, millions, page, percent, table } from '@dpar/report';
import type { Results } from '../results.js';
import type { Figures } from './figures.js';
import { generatedSection, patchesSection, tokenizerSection, trainingSection } from './sections.js';
import { style } from './style.js';

/** Machine, times and command of a run. */
export interface RunRecord {
  readonly machine: string;
  readonly stages: readonly { readonly name: string; readonly seconds: number }[];
  /** Command that repeats the run. */
  readonly command: string;
}

/** The report as one self-contained HTML page. */
export function reportPage(results: Results, figures: Figures, record: RunRecord): string {
  return page({
    title: 'DPAR and LlamaGen on emoji',
    style,
    body: html`${summary(results, record)}
${generatedSection(figures, results)}
${tokenizerSection(figures, results)}
${patchesSection(figures, results)}
${trainingSection(results)}
${settingsSection(results, record)}`,
  });
}

/** Summary of the run and its key figures. */
function summary(
  { settings, train, validation, dpar, llamaGen, entropyModel, matmulMacs, classes }: Results,
  { stages }: RunRecord,
): Html {
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const reduction = percent(train.patches.tokenReduction);
  const timeRatio = dpar.training.stepSeconds / llamaGen.training.stepSeconds;
  const computeRatio = matmulMacs.dpar / matmulMacs.llamaGen;
  const [dparLoss, llamaGenLoss] = [dpar.training.validationLoss, llamaGen.training.validationLoss];
  const tile = (value: string, meaning: string) => html`<div class="tile"><b>${value}</b><span>${meaning}</span></div>
`;
  return html`<p class="lead">In ${duration(seconds)}, this computer trained two models on ${train.images.labels.length / settings.copies} emoji of ${classes.length}
classes. LlamaGen predicts an image token by token. DPAR first merges tokens that are easy to predict into patches, so its big transformer
processes ${reduction} fewer positions. A training step of DPAR took ${timeRatio.toFixed(2)} times as long as one of LlamaGen, at the same number of
parameters and without the entropy model that makes the patches. On validation images the loss of DPAR is ${dparLoss.toFixed(3)} nats per token, that of
LlamaGen ${llamaGenLoss.toFixed(3)}${comparison(dparLoss, llamaGenLoss)}.</p>
<div class="tiles">
${tile(`${validation.psnr.toFixed(1)} dB`, 'PSNR of the tokenizer, validation images')}
${tile(reduction, `fewer positions (${train.patches.meanLength.toFixed(2)} tokens per patch)`)}
${tile(`${dparLoss.toFixed(3)} / ${llamaGenLoss.toFixed(3)}`, 'validation loss of DPAR / LlamaGen, nats per token')}
${tile(timeRatio.toFixed(2), `time of a training step, DPAR / LlamaGen (computed from FLOPs: ${computeRatio.toFixed(2)})`)}
${tile(`${millions(dpar.training.parameterCount)}`, `parameters of DPAR (LlamaGen: ${millions(llamaGen.training.parameterCount)}); its entropy model: ${millions(entropyModel.training.parameterCount)}`)}
</div>`;
}

function comparison(dpar: number, llamaGen: number): string {
  const difference = (dpar - llamaGen) / llamaGen;
  if (Math.abs(difference) < 0.001) return ' (the same)';
  return ` (${percent(Math.abs(difference))} ${difference < 0 ? 'lower' : 'higher'} with DPAR)`;
}

function duration(seconds: number): string {
  return seconds < 100 ? `${Math.round(seconds)} seconds` : `${(seconds / 60).toFixed(1)} minutes`;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

function settingsSection(results: Results, { machine, stages, command }: RunRecord): Html {
  const { settings, engine, classes, train, validation } = results;
  const { tokenizer, entropyModel, models, patching } = settings;
  const { size } = models;
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  const rate = ({ steps, batchSize, learningRate, warmupSteps }: typeof models | typeof entropyModel) =>
    `${steps} steps of ${batchSize} images, learning rate ${learningRate} after ${warmupSteps} steps of warm-up, then a cosine schedule`;
  return html`<h2>The run</h2>
${table(
  ['Stage', 'Time (s)', 'Share'],
  [
    ...stages.map(({ name, seconds }) => [name, seconds.toFixed(1), percent(seconds / total)]),
    ['All', total.toFixed(1), ''],
  ],
)}
<dl>
<dt>Machine</dt><dd>${machine}; ${engine}</dd>
<dt>Command</dt><dd><code>${command}</code> (seed ${settings.seed} gives the same tokens on the same machine)</dd>
<dt>Images</dt><dd>Google's emoji from emoji-datasource-google 16.0.0, 64×64 pixels on white, with variants of skin tone;
${train.images.labels.length / settings.copies} for training and ${validation.images.labels.length} for validation, without common emoji${settings.copies > 1 ? `; the models learn from ${settings.copies} copies of each, shifted by up to two pixels and mirrored` : ''}. Classes are the categories
${classes.join(', ')}; without the category Component (five skin colours).</dd>
<dt>Tokenizer</dt><dd>${tokenizer.config.codebookSize} codes by ${tokenizer.iterations} rounds of k-means on patches of ${tokenizer.codebookImages} images; decoder with
${tokenizer.config.hiddenDim} hidden units, ${tokenizer.steps} steps of ${tokenizer.batchSize} images, learning rate ${tokenizer.learningRate}</dd>
<dt>Entropy model</dt><dd>${count(entropyModel.nLayer, 'layer')}, width ${entropyModel.dim}, ${count(entropyModel.nHead, 'head')}; ${rate(entropyModel)};
validation loss ${results.entropyModel.training.validationLoss.toFixed(3)} nats per token</dd>
<dt>LlamaGen</dt><dd>${count(size.llamaGenLayers, 'layer')}, width ${size.dim}, ${count(size.nHead, 'head')}; ${rate(models)}</dd>
<dt>DPAR</dt><dd>${size.nLocalEncoderLayers} local encoder, ${size.nLayer} global and ${size.nLocalDecoderLayers} local decoder layers, width ${size.dim},
${count(size.nHead, 'head')}, Dynamic RoPE, patches of ${patching.targetMeanPatchLength} tokens on average and ${patching.maxPatchLength} at most; trained like LlamaGen</dd>
<dt>Optimizer</dt><dd>AdamW, betas 0.9 and 0.95, weight decay 0.05, gradients clipped to norm 1, class dropout 0.1</dd>
</dl>`;
}
