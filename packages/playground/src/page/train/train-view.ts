import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { TrainingDevice } from '../../worker/protocol.js';
import { classLabel, classOptions, classTitle } from '../parts/classes.js';
import { choice, figures, fixed, measure, quantity, slider } from '../parts/controls.js';
import { isTouch } from '../parts/pointer.js';
import { lossChart } from './loss-chart.js';
import { canvasOfPicture, canvasOfSamples } from './paint-training.js';
import { mostPictures, type Training, type TrainRun } from './training.js';

/** Fewest and most steps of a training. */
const [fewestSteps, mostSteps] = [20, 400];

/** Part of the page that fine-tunes the model on pictures of the visitor. */
export function trainView(part: Training, info: ModelInfo): TemplateResult {
  return html`<div class="lead">
      <h2>Teach it your pictures</h2>
      <p>
        The model trains on this device: it learns to predict the tokens of your pictures, and draws others like them.
        ${isTouch() ? 'Open several pictures' : 'Drop several pictures on the page, open them'} or choose examples.
      </p>
    </div>
    ${info.tuning.batch === 0 ? tooLarge(info) : workbench(part, info)}`;
}

function tooLarge({ tuning }: ModelInfo): TemplateResult {
  return html`<p class="note" data-figure="too-large">
    This model is too large to be trained in a page: a step would need ${measure(fixed(tuning.bytes / 1e9, 1), 'GB')} of
    memory even for one picture. Train it with the <code>dpar train</code> command instead.
  </p>`;
}

function workbench(part: Training, info: ModelInfo): TemplateResult {
  const { run } = part;
  return html`${pictureSources(part)}
    <div class="workbench">
      <div class="stage">
        ${pictures(part)}
        <div class="samples">${samples(run, info)}</div>
        ${lossChart(run?.losses ?? [], run)}
      </div>
      <div class="panel">
        <section class="card" aria-label="Training">${settings(part, info)}</section>
        <div class="run">
          ${runButton(part)}
          <p class="hint" role="status" data-figure="training-status">${statusOf(part, info)}</p>
        </div>
        ${progress(run)}
        <section class="card" aria-label="Trained weights">${resultButtons(part)}</section>
      </div>
    </div>`;
}

function pictureSources(part: Training): TemplateResult {
  const names = new Set(part.pictures.map(({ name }) => name));
  return html`<div class="sources" role="group" aria-label="Pictures to add">
    <label class="source action">
      <input
        type="file"
        class="visually-hidden"
        accept="image/*"
        multiple
        @change=${(event: Event) => openFiles(part, event.target as HTMLInputElement)}
      />
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 16V5m0 0L7.5 9.5M12 5l4.5 4.5M5 15v3.5h14V15" /></svg>
      <span>Open</span>
    </label>
    ${part.app.manifest.examples.map(
      (example) => html`<button
        type="button"
        class="source"
        aria-pressed=${names.has(example.name)}
        title=${example.name}
        @click=${() => void part.toggleExample(example)}
      >
        <img src=${example.file} alt=${example.name} width="64" height="64" />
      </button>`,
    )}
  </div>`;
}

function openFiles(part: Training, input: HTMLInputElement): void {
  const files = [...(input.files ?? [])];
  // The same files can be chosen again.
  input.value = '';
  void part.addFiles(files);
}

/** The pictures, each with a button that removes it. */
function pictures(part: Training): TemplateResult {
  const count = part.pictures.length;
  return html`<section class="card pictures" aria-label="Your pictures">
    <div class="control-head">
      <h3 data-figure="pictures">${count === 0 ? 'No pictures yet' : quantity(count, 'picture')}</h3>
      <button type="button" class="quiet" aria-disabled=${count === 0} @click=${() => part.removeAll()}>Remove all</button>
    </div>
    ${
      count === 0
        ? html`<p class="hint">
            Three to twenty of one kind are a good start, at&nbsp;most&nbsp;${mostPictures}. The model reads the central square
            of each, at ${measure(part.app.imageSize, '×')}&nbsp;${measure(part.app.imageSize, 'pixels')}.
          </p>`
        : html`<div class="thumbnails">
            ${part.pictures.map(
              (picture, i) => html`<button
                type="button"
                aria-label="Remove ${picture.name}"
                title="Remove ${picture.name}"
                @click=${() => part.remove(picture)}
              >
                <canvas data-canvas=${canvasOfPicture(i)} width="64" height="64"></canvas>
                <svg viewBox="0 0 12 12" aria-hidden="true"><path d="M3 3l6 6m0-6l-6 6" /></svg>
              </button>`,
            )}
          </div>`
    }
  </section>`;
}

/** Images before training, between and after: places are there from the start, so that nothing moves. */
function samples(run: TrainRun | undefined, info: ModelInfo): TemplateResult[] {
  const steps = run?.samplingSteps ?? [0, undefined, undefined, undefined];
  const className = run?.label === undefined ? '' : ` of the class ${classTitle(info, run.label)}`;
  return steps.map((step, i) => {
    const title = step === 0 ? 'Before' : step === undefined ? 'Later' : `Step ${run?.samples[i]?.step ?? step}`;
    const isThere = run?.samples[i] !== undefined;
    return html`<figure>
      <figcaption><h3>${title}</h3></figcaption>
      <canvas
        class="tokens"
        data-canvas=${canvasOfSamples(i)}
        role="img"
        aria-label=${isThere ? `${title}: four images${className}` : `${title}: not drawn yet`}
      ></canvas>
    </figure>`;
  });
}

function settings(part: Training, info: ModelInfo): TemplateResult {
  const { settings } = part;
  const { batch, bytes } = info.tuning;
  return html`<div class="control">
      <label for="train-class">Class of the pictures</label>
      <select
        id="train-class"
        @change=${(event: Event) =>
          part.change(settings, { label: classLabel(info, (event.target as HTMLSelectElement).value) })}
      >
        <option value="" .selected=${live(settings.label === undefined)}>The one that fits best</option>
        ${classOptions(info, settings.label)}
      </select>
    </div>
    ${slider({
      id: 'train-steps',
      label: 'Steps',
      min: fewestSteps,
      max: mostSteps,
      step: 20,
      value: settings.steps,
      text: `${settings.steps}`,
      hint: `A step reads ${quantity(batch, 'picture')} and takes about ${measure(fixed(bytes / 1e6, 0), 'MB')} of memory.`,
      onInput: (steps) => part.change(settings, { steps }),
    })}
    ${slider({
      id: 'train-rate',
      label: 'Learning rate',
      min: -4,
      max: -2.5,
      step: 0.1,
      value: Math.log10(settings.learningRate),
      text: `${Number(settings.learningRate.toPrecision(1))}`,
      hint: 'A higher rate learns faster, and forgets more of what the model knew.',
      onInput: (exponent) => part.change(settings, { learningRate: 10 ** exponent }),
    })}
    <label class="check">
      <input
        type="checkbox"
        .checked=${settings.mirrors}
        @change=${(event: Event) => part.change(settings, { mirrors: (event.target as HTMLInputElement).checked })}
      />
      Mirrored copies too
    </label>
    ${
      part.hasGraphicsProcessor
        ? html`<div class="control">
            <div class="control-head"><span>Trains on</span></div>
            ${choice<TrainingDevice>(
              'Trains on',
              [
                ['webgpu', 'Graphics processor'],
                ['wasm', 'Processor'],
              ],
              settings.device,
              (device) => part.change(settings, { device }),
            )}
          </div>`
        : nothing
    }`;
}

/** One button starts and stops, so that it keeps the keyboard's focus. */
function runButton(part: Training): TemplateResult {
  const { run, isAtWork } = part;
  const isReady = isAtWork ? run?.status === 'running' : part.app.isReady && part.pictures.length > 0;
  const text = run?.status === 'stopping' ? 'Stopping' : isAtWork ? 'Stop' : 'Fine-tune';
  return html`<div class="buttons">
    <button
      type="button"
      class="primary"
      aria-disabled=${!isReady}
      @click=${(event: MouseEvent) => {
        // The second click of a double click is not meant for what the button has become.
        if (!isReady || event.detail > 1) return;
        if (isAtWork) part.stop();
        else part.start();
      }}
      @keydown=${(event: KeyboardEvent) => event.repeat && event.key === 'Enter' && event.preventDefault()}
    >
      ${text}
    </button>
  </div>`;
}

function statusOf({ run, pictures, app }: Training, info: ModelInfo): string {
  if (!app.isReady) return 'Loading the model';
  if (!run) return pictures.length === 0 ? 'Add pictures first' : 'Ready';
  const about = run.label === undefined ? '' : ` Class: ${classTitle(info, run.label)}.`;
  return `${run.activity}.${about}${run.note === undefined ? '' : ` ${run.note}`}`;
}

/** Progress as a bar and in figures. */
function progress(run: TrainRun | undefined): TemplateResult {
  const done = run?.losses.length ?? 0;
  const speed = run && run.seconds > 0 ? done / run.seconds : undefined;
  const isRunning = run?.status === 'running';
  const last = run?.losses.at(-1);
  return html`<section class="card" aria-label="Progress">
    <progress max=${run?.steps ?? 1} value=${done} aria-label="Steps done"></progress>
    ${figures([
      [run ? `Step of ${run.steps}` : 'Step', run ? `${done}` : '–', 'training-step'],
      ['Loss', last === undefined ? '–' : fixed(last, 2), 'training-loss'],
      ['Steps/s', speed === undefined ? '–' : fixed(speed, speed < 10 ? 2 : 0), 'training-speed'],
      ['Left', isRunning && speed ? duration((run.steps - done) / speed) : '–', 'training-left'],
    ])}
    <p class="hint">${run?.engine ? `Steps run on ${run.engine}.` : 'Nothing is sent anywhere.'}</p>
  </section>`;
}

const duration = (seconds: number): string =>
  seconds < 90 ? measure(Math.ceil(seconds), 's') : measure(Math.ceil(seconds / 60), 'min');

/** Buttons for the trained weights. They are always there, so that nothing moves and the focus stays. */
function resultButtons(part: Training): TemplateResult {
  const { run } = part;
  const isFinished = run?.status === 'finished';
  const canDiscard = isFinished || part.isAtWork || part.app.state.tuned !== undefined;
  const button = (text: string, isReady: boolean, act: () => void): TemplateResult => html`<button
    type="button"
    aria-disabled=${!isReady}
    @click=${() => isReady && act()}
  >
    ${text}
  </button>`;
  return html`${button('Use this model', isFinished && !run?.isUsed, () => part.use())}
    <div class="buttons">
      ${button('Discard', canDiscard, () => part.discard())} ${button('Download', isFinished, () => part.save())}
    </div>
    <p class="hint">
      Generate and Compare draw with the weights that are in use. The download is a safetensors file: put it in place of
      <code>dpar/model.safetensors</code> in the model folder.
    </p>`;
}
