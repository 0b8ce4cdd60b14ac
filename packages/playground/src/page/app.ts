import { patchLengths } from '@dpar/patchify';
import type { PageExample, PageManifest } from '../manifest.js';
import { messageOf } from '../message-of.js';
import type { DrawOptions } from '../model/drawing.js';
import type { EntropySource } from '../model/entropy-source.js';
import type { ModelInfo } from '../model/model-info.js';
import type { ModelName, Reply, TuningRequest } from '../worker/protocol.js';
import { ModelClient, type Numbered } from './client.js';
import { blankSheet, newBrush } from './images/own-drawing.js';
import { type Picture, readExample, readImage } from './images/read-image.js';
import { classLabel, promptLabel } from './parts/classes.js';
import { type Run, type State, type Tab, type TrainingPart, tabs } from './state.js';

/** Largest number of WebAssembly threads on the page. */
const mostThreads = 8;

/** Given tokens of a picture to complete, and its class. */
export type Completion = Pick<DrawOptions, 'prefix' | 'label'>;

/** State of the page and the actions of visitors. Views read the state and call these methods. */
export class App {
  readonly state: State;
  /** The part that trains, once its program is loaded. */
  training: TrainingPart | undefined;
  private analysisId = 0;
  private classificationId = 0;
  /** Number of requested pictures: a picture that is read slowly must not replace a later one. */
  private asked = 0;

  /**
   * @param client Runs the model with one thread.
   * @param onChange Renders the state.
   * @param openTraining Loads the part that trains.
   */
  constructor(
    readonly manifest: PageManifest,
    private client: ModelClient,
    private readonly onChange: () => void,
    private readonly openTraining: (app: App) => Promise<TrainingPart>,
  ) {
    this.state = {
      tab: 'look',
      theme: undefined,
      model: { status: 'loading' },
      worksOffline: false,
      threads: 1,
      look: { view: 'picture', showsPatches: true, isAnalysed: false, compares: false },
      settings: {
        label: manifest.label,
        prompt: '',
        guidanceScale: manifest.model.hasGuidance ? 1.5 : 1,
        temperature: 1,
        topP: 0.98,
        seed: 1,
      },
    };
    client.listen((reply) => this.receive(reply));
    const [first] = manifest.examples;
    if (first) void this.showExample(first);
    else this.startDrawing();
  }

  /** Parts of the page that this model has. */
  get tabs(): readonly Tab[] {
    return this.manifest.parts.llamagen ? tabs : tabs.filter((tab) => tab !== 'compare');
  }

  /** Loads the model again, to run with a number of threads. Ends all drawings. */
  useThreads(threads: number): void {
    this.client.terminate();
    this.client = new ModelClient(this.manifest, threads);
    this.client.listen((reply) => this.receive(reply));
    this.update((state) => {
      state.threads = threads;
      state.model = { status: 'loading' };
      this.endRuns();
      this.training?.forget();
    });
  }

  /** Shows a part of the page. */
  showTab(tab: Tab): void {
    this.set(this.state, { tab });
    if (tab === 'train') void this.loadTraining();
  }

  /** Loads the program of the part that trains. */
  private async loadTraining(): Promise<void> {
    if (this.training) return;
    try {
      const training = await this.openTraining(this);
      this.update(() => {
        this.training ??= training;
      });
    } catch {
      this.report('The program that trains could not be loaded. Check the connection, and reload the page.');
    }
  }

  /** Gives the worker a task of the part that trains. @returns The number of the task. */
  request(task: Numbered<TuningRequest>): number {
    return this.client.start(task);
  }

  /** Information on the model, before it is loaded and after. */
  get info(): ModelInfo {
    return this.manifest.model;
  }

  /** True once the model is loaded. */
  get isReady(): boolean {
    return this.state.model.status === 'ready';
  }

  update(change: (state: State) => void): void {
    change(this.state);
    this.onChange();
  }

  /** Changes some properties of a part of the state. */
  set<Part extends object>(part: Part, change: Partial<Part>): void {
    this.update(() => Object.assign(part, change));
  }

  report(problem: string): void {
    this.set(this.state, { problem });
  }

  /** Width and height of images. */
  get imageSize(): number {
    return this.info.imageSize;
  }

  async showExample(example: PageExample): Promise<void> {
    await this.showRead(() => readExample(example, this.imageSize));
  }

  async showFile(file: Blob, name: string): Promise<void> {
    await this.showRead(() => readImage(file, name, this.imageSize));
  }

  /** Shows an empty sheet to draw on. */
  startDrawing(): void {
    this.state.look.brush = newBrush(this.imageSize);
    this.showPicture(blankSheet(this.imageSize));
  }

  /** Shows a picture, forgets the results of the one before, and requests its tokens and entropies. */
  showPicture(picture: Picture): void {
    delete this.state.look.analysis;
    delete this.state.look.reconstruction;
    this.showStroke(picture);
  }

  /** Shows the picture after a stroke. Its old tokens and entropies stay until the new ones arrive. */
  showStroke(picture: Picture): void {
    this.asked++;
    this.update((state) => {
      state.look.picture = picture;
      state.look.isAnalysed = false;
      delete state.look.logLikelihoods;
      delete state.completionLabel;
      // A picture to complete replaces the drawing.
      if (state.keptRows !== undefined) this.clearGeneration();
    });
    this.analysePicture();
  }

  /** Sets the rows of the picture that are kept when it is completed; undefined to draw a whole image. */
  keepRows(rows: number | undefined): void {
    this.update((state) => {
      if (rows === undefined) delete state.keptRows;
      else state.keptRows = rows;
      this.clearGeneration();
    });
    this.classifyPicture();
  }

  private analysePicture(): void {
    const { picture, compares } = this.state.look;
    if (!this.isReady || !picture) return;
    this.analysisId = this.client.start({ kind: 'analyse', pixels: picture.pixels, compares });
  }

  /** Requests the class of a picture to complete if it is unknown. */
  private classifyPicture(): void {
    const { keptRows, completionLabel, look } = this.state;
    const { analysis, isAnalysed, picture, logLikelihoods } = look;
    if (keptRows === undefined || !analysis || !isAnalysed || logLikelihoods) return;
    if (completionLabel !== undefined || classLabel(this.info, picture?.className) !== undefined) return;
    // Already requested.
    if (this.classificationId > this.analysisId) return;
    this.classificationId = this.client.start({ kind: 'classify', analysis });
  }

  /** Compares the boundary head with the entropy model, whose weights are loaded for this, or no longer. */
  compareEntropies(compares: boolean): void {
    this.update(({ look }) => {
      look.compares = compares;
      delete look.source;
    });
    if (compares) this.analysePicture();
  }

  /** Source of the entropies that make the patches of the picture. */
  lookSource(): EntropySource {
    return this.state.look.source ?? this.info.source;
  }

  /** Entropies of the picture by a source (default: the one that makes its patches), if they are known. */
  lookEntropies(source: EntropySource = this.lookSource()): Float32Array | undefined {
    const { analysis } = this.state.look;
    return source === this.info.source ? analysis?.entropies : analysis?.reference?.entropies;
  }

  /** Patch lengths of the picture by a source with the current settings, if its entropies are known. */
  lookPatches(source: EntropySource = this.lookSource()): Int32Array | undefined {
    const entropies = this.lookEntropies(source);
    return entropies && patchLengths(entropies, this.lookPatching(source));
  }

  /** Threshold in nats and longest patch in tokens: the visitor's choice, or the model's. */
  lookPatching(source: EntropySource) {
    const { threshold, maxPatchLength } = this.state.look;
    const { patching, gridSize } = this.info;
    const own = patching[source] ?? {};
    return {
      ...own,
      endOfImage: false,
      threshold: threshold ?? own.threshold ?? 0,
      maxPatchLength: maxPatchLength ?? own.maxPatchLength ?? gridSize,
    };
  }

  /** Draws an image with one model, or with several that take turns. */
  draw(place: 'generation' | 'comparison', models: readonly ModelName[], completion?: Completion): void {
    const { prompt, label, ...settings } = this.state.settings;
    const drawn = { label: promptLabel(this.info, prompt)?.label ?? label };
    const options = { ...settings, ...drawn, prefix: new Int32Array(), ...completion };
    this.update((state) => {
      this.endRuns();
      delete state.problem;
      // The worker ends a classification for it.
      this.classificationId = 0;
      const id = this.client.start({ kind: 'draw', models, options });
      state[place] = { id, models, options, status: 'preparing', drawings: [] };
    });
  }

  /** Pauses a run between two tokens, resumes it, or ends it. */
  steer(kind: 'pause' | 'resume' | 'cancel', run: Run): void {
    this.client.steer(kind, run.id);
    // Tokens still arrive until the worker replies that it has paused.
    if (kind === 'pause') return;
    this.update(() => {
      run.status = kind === 'resume' ? 'running' : 'ended';
    });
  }

  /** Ends the drawing and shows an empty image, or the picture to complete. */
  clearGeneration(): void {
    const { generation: run } = this.state;
    if (run && isAtWork(run)) this.client.steer('cancel', run.id);
    delete this.state.generation;
    this.onChange();
  }

  /** Ends all drawings: the worker has forgotten them. */
  endRuns(): void {
    const { generation, comparison } = this.state;
    for (const run of [generation, comparison]) if (run && isAtWork(run)) run.status = 'ended';
  }

  private async showRead(read: () => Promise<Picture>): Promise<void> {
    const number = ++this.asked;
    try {
      const picture = await read();
      if (number !== this.asked) return;
      this.update((state) => {
        delete state.problem;
        delete state.look.brush;
      });
      this.showPicture(picture);
    } catch (error) {
      if (number === this.asked) this.report(messageOf(error));
    }
  }

  private receive(reply: Reply): void {
    this.update((state) => {
      switch (reply.kind) {
        case 'loaded':
          state.model = { status: 'ready', engine: reply.engine };
          this.analysePicture();
          break;
        case 'analysed':
          // Another picture may have been chosen since.
          if (reply.id !== this.analysisId) break;
          state.look.analysis = reply.analysis;
          state.look.isAnalysed = true;
          this.classifyPicture();
          break;
        case 'classified':
          // A newer picture has its own analysis.
          if (reply.id === this.classificationId && reply.id > this.analysisId) {
            state.look.logLikelihoods = reply.logLikelihoods;
          }
          break;
        case 'reconstructed':
          if (reply.id === this.analysisId) state.look.reconstruction = reply.pixels;
          break;
        case 'drawn': {
          const run = this.runOf(reply.id);
          if (run && isAtWork(run)) {
            run.drawings = reply.drawings;
            if (reply.status !== 'running') {
              run.status = reply.status;
              this.classifyPicture();
            } else if (run.status === 'preparing') run.status = 'running';
          }
          break;
        }
        case 'tuning':
        case 'in-use':
        case 'exported':
          this.training?.receive(reply);
          break;
        case 'failed': {
          this.training?.receive(reply);
          const run = reply.id === undefined ? undefined : this.runOf(reply.id);
          if (run) run.status = 'ended';
          if (state.model.status === 'loading') state.model = { status: 'failed', message: reply.message };
          else state.problem = reply.message;
        }
      }
    });
  }

  private runOf(id: number): Run | undefined {
    return [this.state.generation, this.state.comparison].find((run) => run?.id === id);
  }
}

/** True if the worker still has the run. */
export function isAtWork({ status }: Run): boolean {
  return status === 'preparing' || status === 'running' || status === 'paused';
}

/** Largest number of threads. Threads need shared memory, which browsers give to isolated pages only. */
export function threadLimit(): number {
  return globalThis.crossOriginIsolated ? Math.min(mostThreads, navigator.hardwareConcurrency || 1) : 1;
}
