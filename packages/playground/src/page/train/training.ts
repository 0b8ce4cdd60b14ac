import type { PageExample } from '../../manifest.js';
import { messageOf } from '../../message-of.js';
import { type Samples, samplingSteps } from '../../model/fine-tuning.js';
import type { Reply, TrainingDevice } from '../../worker/protocol.js';
import type { App } from '../app.js';
import { saveFile } from '../images/download.js';
import { type Picture, readExample, readImage } from '../images/read-image.js';
import { classLabel } from '../parts/classes.js';
import { hasGraphicsProcessor } from './graphics-processor.js';

/** Most pictures of a training. */
export const mostPictures = 48;

/** Settings of the next training. */
export interface TrainSettings {
  /** Class of the pictures; undefined: the model finds it. */
  label?: number | undefined;
  mirrors: boolean;
  steps: number;
  learningRate: number;
  device: TrainingDevice;
}

/** A training, at work or ended. */
export interface TrainRun {
  readonly id: number;
  readonly pictures: number;
  readonly steps: number;
  /** Steps after which samples are drawn. */
  readonly samplingSteps: readonly number[];
  status: 'running' | 'stopping' | 'finished' | 'failed' | 'discarded';
  /** Current activity in words. */
  activity: string;
  label?: number;
  engine?: string;
  note?: string | undefined;
  /** Loss of each step, nats per token. */
  readonly losses: number[];
  /** Seconds of all steps. */
  seconds: number;
  readonly samples: Samples[];
  /** True while its weights draw. */
  isUsed: boolean;
}

/** State of the part that trains, and the actions of its visitors. */
export class Training {
  readonly pictures: Picture[] = [];
  readonly settings: TrainSettings = { mirrors: true, steps: 60, learningRate: 1e-3, device: 'wasm' };
  run: TrainRun | undefined;
  /** True where WebGPU runs on hardware. */
  hasGraphicsProcessor = false;
  /** Number of the request for the file of weights. */
  private exportId = 0;

  constructor(readonly app: App) {
    void hasGraphicsProcessor().then((found) => {
      if (!found) return;
      this.hasGraphicsProcessor = true;
      this.change(this.settings, { device: 'webgpu' });
    });
  }

  /** True while the worker trains. */
  get isAtWork(): boolean {
    return this.run?.status === 'running' || this.run?.status === 'stopping';
  }

  /** Changes some properties of a part of the state. */
  change<Part extends object>(part: Part, change: Partial<Part>): void {
    this.app.set(part, change);
  }

  /** Adds pictures of files, in their order. Files that cannot be read are reported, and the others are added. */
  async addFiles(files: readonly File[]): Promise<void> {
    await this.add(files.map((file) => () => readImage(file, file.name, this.app.imageSize)));
  }

  /** Adds an example of the page, or removes it. */
  async toggleExample(example: PageExample): Promise<void> {
    const there = this.pictures.find(({ name }) => name === example.name);
    if (there) this.remove(there);
    else await this.add([() => readExample(example, this.app.imageSize)]);
  }

  private async add(reads: readonly (() => Promise<Picture>)[]): Promise<void> {
    const problems: string[] = [];
    for (const read of reads) {
      if (this.pictures.length >= mostPictures) {
        problems.push(`A training takes at most ${mostPictures} pictures. Remove some to add others.`);
        break;
      }
      try {
        this.pictures.push(await read());
      } catch (error) {
        problems.push(messageOf(error));
      }
    }
    this.app.update((state) => {
      if (problems.length > 0) state.problem = problems.join(' ');
      else delete state.problem;
    });
  }

  remove(picture: Picture): void {
    this.app.update(() => {
      this.pictures.splice(this.pictures.indexOf(picture), 1);
    });
  }

  removeAll(): void {
    this.app.update(() => {
      this.pictures.length = 0;
    });
  }

  /** Starts a training on the pictures. */
  start(): void {
    const { pictures, app, settings } = this;
    if (pictures.length === 0 || this.isAtWork) return;
    const { guidanceScale, temperature, topP, seed } = app.state.settings;
    const { steps } = settings;
    app.update((state) => {
      delete state.problem;
      const id = app.request({
        kind: 'tune',
        task: {
          ...settings,
          label: settings.label ?? this.commonClass(),
          pictures: pictures.map(({ pixels }) => pixels),
          drawing: { guidanceScale, temperature, topP, seed },
        },
      });
      const about = { pictures: pictures.length, steps, samplingSteps: samplingSteps(steps) };
      const none = { losses: [], seconds: 0, samples: [], isUsed: false };
      this.run = { id, ...about, ...none, status: 'running', activity: 'Reading the pictures' };
    });
  }

  /** Label of the class of all pictures, if it is known and the same. */
  private commonClass(): number | undefined {
    const [first, ...others] = this.pictures.map(({ className }) => classLabel(this.app.info, className));
    return others.every((label) => label === first) ? first : undefined;
  }

  /** Ends the training after the current step. */
  stop(): void {
    const { run, app } = this;
    if (run?.status !== 'running') return;
    app.request({ kind: 'stop' });
    this.change(run, { status: 'stopping', activity: 'Stopping after this step' });
  }

  /** Draws with the tuned weights from now on. */
  use(): void {
    this.app.endRuns();
    this.app.request({ kind: 'use' });
  }

  /** Forgets the tuned weights. The page draws with its own again. */
  discard(): void {
    this.app.endRuns();
    this.app.request({ kind: 'discard' });
  }

  /** Saves the tuned weights. */
  save(): void {
    this.exportId = this.app.request({ kind: 'export' });
  }

  /** The worker, and with it the tuned weights, is gone. */
  forget(): void {
    const { run, app } = this;
    if (!run || run.status === 'failed' || run.status === 'discarded') return;
    run.status = 'discarded';
    run.isUsed = false;
    run.activity = 'The model was loaded anew, without the fine-tuned weights';
    app.update((state) => {
      delete state.tuned;
    });
  }

  receive(reply: Reply): void {
    const { run } = this;
    switch (reply.kind) {
      case 'tuning':
        if (run?.id === reply.id) receiveEvent(run, reply.event);
        break;
      case 'in-use':
        this.receiveUse(reply.isTuned);
        break;
      case 'exported':
        if (reply.id === this.exportId) saveFile(new Blob([reply.file]), 'model.safetensors');
        break;
      case 'failed':
        if (run === undefined || run.id !== reply.id) break;
        run.status = 'failed';
        run.activity = 'Ended by an error';
    }
  }

  private receiveUse(isTuned: boolean): void {
    const { run, app } = this;
    if (!isTuned) {
      delete app.state.tuned;
      if (!run) return;
      run.isUsed = false;
      run.status = 'discarded';
      run.activity = 'Discarded. The page draws with its own weights';
    } else if (run?.label !== undefined) {
      run.isUsed = true;
      run.activity = 'In use: Generate and Compare draw with the fine-tuned weights';
      app.state.tuned = { pictures: run.pictures, label: run.label };
      app.state.settings.label = run.label;
    }
  }
}

function receiveEvent(run: TrainRun, event: Extract<Reply, { kind: 'tuning' }>['event']): void {
  const isStopping = run.status === 'stopping';
  switch (event.kind) {
    case 'reading':
      run.activity = event.done === 0 ? 'Reading the pictures' : run.activity;
      break;
    case 'prepared':
      run.label = event.label;
      run.engine = event.engine;
      run.note = event.note;
      break;
    case 'drawing':
      run.activity =
        event.step === 0 ? 'Drawing images before the first step' : `Drawing images after step ${event.step}`;
      break;
    case 'samples':
      run.samples.push({ step: event.step, images: event.images });
      if (!isStopping) run.activity = 'Training';
      break;
    case 'step':
      run.losses.push(event.loss);
      run.seconds += event.seconds;
      break;
    case 'tuned':
      run.status = 'finished';
      run.activity =
        event.steps < run.steps
          ? `Stopped after ${event.steps} of ${run.steps} steps`
          : `Finished ${event.steps} steps`;
  }
}
