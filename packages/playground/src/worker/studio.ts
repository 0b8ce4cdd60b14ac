import { pearsonCorrelation } from '@dpar/entropy';
import type { DparConfig } from '@dpar/model';
import type { Engine } from '@dpar/tensor';
import { messageOf } from '../message-of.js';
import type { Analyser, Analysis, Analysts } from '../model/analyser.js';
import { Drawing, type DrawOptions, warmUp } from '../model/drawing.js';
import { createEarlyAnalyser } from '../model/early-analyser.js';
import { drawingSource } from '../model/entropy-source.js';
import type { OpenModel } from '../model/open-model.js';
import { LazyModels } from './lazy-models.js';
import type { ModelName, Reply, Request, TuningRequest } from './protocol.js';
import type { Tuning } from './tuning.js';

/** Milliseconds between two pictures of a drawing: the refresh rate of most screens. */
const pictureMs = 1000 / 60;

/** Shortest time between two pictures in times of decoding one, so that a slow tokenizer does not hold up the tokens. */
const decodingShare = 3;

/** Requests that need a loaded model. */
export type StudioRequest = Exclude<Request, { readonly kind: 'load' }>;

type Drawn = Extract<Reply, { kind: 'drawn' }>;

/** The current drawing, running or paused. */
interface Task {
  readonly id: number;
  isPaused: boolean;
  isCancelled: boolean;
  /** Ends a pause. */
  wake: () => void;
}

/**
 * Handles the requests of the page. It checks for new requests between two tokens, so that it pauses at once and an
 * analysis does not wait for a drawing.
 */
export class Studio {
  private readonly config: DparConfig;
  private readonly hasLlamaGen: boolean;
  private readonly analyser: Analyser;
  private readonly models: LazyModels;
  private readonly isWarm = new Set<ModelName>();
  private task: Task | undefined;
  /** Fulfilled when the current drawing has ended. */
  private drawing: Promise<void> = Promise.resolve();
  /** The part that trains, loaded for its first request. */
  private tuning: Promise<Tuning> | undefined;
  private waiting: Extract<Request, { kind: 'analyse' }> | undefined;
  private isAnalysing = false;
  /** Number of the classification at work. Another picture or a drawing ends it. */
  private classification: number | undefined;

  /**
   * @param model The model. The weights of its samplers are read after the first analysis, or for the first drawing. Those
   * of an entropy model beside a boundary head are read for the first comparison.
   * @param analysts Its tokenizer, and the model that predicts entropies.
   * @param started Fulfilled when the engine can run.
   */
  constructor(
    private readonly engine: Engine,
    private readonly model: OpenModel,
    analysts: Analysts,
    started: Promise<unknown>,
    private readonly reply: (message: Reply) => void,
  ) {
    this.config = model.configs.dpar;
    this.hasLlamaGen = model.configs.llamagen !== undefined;
    this.models = new LazyModels(engine, model);
    this.analyser = createEarlyAnalyser(engine, started, analysts);
  }

  handle(request: StudioRequest): void {
    switch (request.kind) {
      case 'analyse':
        this.classification = undefined;
        this.waiting = request;
        if (!this.isAnalysing) void this.analyseWaiting();
        break;
      case 'classify':
        void this.classify(request);
        break;
      case 'draw':
        this.classification = undefined;
        this.drawing = this.draw(request.id, request.models, request.options);
        break;
      case 'pause':
      case 'resume':
      case 'cancel':
        this.steer(request.kind, request.id);
        break;
      default:
        void this.tune(request);
    }
  }

  /** Passes a request to the part that trains, whose program is loaded for the first one. */
  private async tune(request: TuningRequest): Promise<void> {
    try {
      this.tuning ??= this.startTuning();
      await (await this.tuning).handle(request);
    } catch (error) {
      this.reply({ kind: 'failed', id: request.id, message: messageOf(error) });
    }
  }

  private async startTuning(): Promise<Tuning> {
    try {
      const { Tuning } = await import('./tuning.js');
      const { engine, model, models, analyser, reply } = this;
      const replaceDpar: Tuning['parts']['replaceDpar'] = async (tuned) => {
        if (this.task) this.steer('cancel', this.task.id);
        await this.drawing;
        this.isWarm.delete('dpar');
        await models.replaceDpar(tuned);
      };
      return new Tuning({ engine, model, models, analyser, reply, replaceDpar, nextMessages });
    } catch (error) {
      this.tuning = undefined;
      throw error;
    }
  }

  private async analyseWaiting(): Promise<void> {
    this.isAnalysing = true;
    for (let next = this.waiting; next !== undefined; next = this.waiting) {
      const { id } = next;
      this.waiting = undefined;
      try {
        const analysis = await this.analyse(next);
        this.reply({ kind: 'analysed', id, analysis });
        this.reply({ kind: 'reconstructed', id, pixels: await this.analyser.decode(analysis.tokens) });
      } catch (error) {
        this.reply({ kind: 'failed', id, message: messageOf(error) });
      }
      await nextMessages();
    }
    this.isAnalysing = false;
    void this.prepareSamplers();
  }

  private async analyse({ pixels, compares }: Extract<Request, { kind: 'analyse' }>): Promise<Analysis> {
    const analysis = await this.analyser.analyse(pixels);
    if (!compares || drawingSource(this.config) === 'entropy') return analysis;
    const entropyModel = await this.models.entropyModel();
    const entropies = await entropyModel.entropies(analysis.tokens);
    return { ...analysis, reference: { entropies, correlation: pearsonCorrelation(analysis.entropies, entropies) } };
  }

  /** Loads the weights of the samplers ahead of the first drawing. */
  private async prepareSamplers(): Promise<void> {
    try {
      await this.models.sampler('dpar');
      if (this.hasLlamaGen) await this.models.sampler('llamagen');
    } catch {
      // A drawing tries again, and reports the error.
    }
  }

  private async classify({ id, analysis }: Extract<Request, { kind: 'classify' }>): Promise<void> {
    this.classification = id;
    const betweenPasses = async (): Promise<void> => {
      await nextMessages();
      if (this.classification !== id) throw new Error('ended');
    };
    try {
      const classifier = await this.models.classifier();
      const logLikelihoods = await classifier.logLikelihoods(analysis, betweenPasses);
      this.reply({ kind: 'classified', id, logLikelihoods });
    } catch (error) {
      if (this.classification === id) this.reply({ kind: 'failed', id, message: messageOf(error) });
    }
  }

  private steer(kind: 'pause' | 'resume' | 'cancel', id: number): void {
    const { task } = this;
    if (task?.id !== id) return;
    task.isPaused = kind === 'pause';
    task.isCancelled = kind === 'cancel';
    if (!task.isPaused) task.wake();
  }

  private async draw(id: number, models: readonly ModelName[], options: DrawOptions): Promise<void> {
    if (this.task) this.steer('cancel', this.task.id);
    const task: Task = { id, isPaused: false, isCancelled: false, wake: () => {} };
    this.task = task;
    try {
      const drawings = await this.begin(models, options);
      let next = Number.NEGATIVE_INFINITY;
      for (;;) {
        for (const drawing of drawings) await drawing.advance();
        await nextMessages();
        if (task.isCancelled) return;
        const isFinished = drawings.every((drawing) => drawing.isFinished);
        if (isFinished || task.isPaused || performance.now() >= next) {
          const before = performance.now();
          await this.show(id, drawings, isFinished ? 'finished' : task.isPaused ? 'paused' : 'running');
          const after = performance.now();
          next = after + Math.max(pictureMs, decodingShare * (after - before));
        }
        if (isFinished) return;
        while (task.isPaused) {
          await new Promise<void>((wake) => {
            task.wake = wake;
          });
        }
        if (task.isCancelled) return;
      }
    } catch (error) {
      this.reply({ kind: 'failed', id, message: messageOf(error) });
    }
  }

  private async begin(models: readonly ModelName[], options: DrawOptions): Promise<Drawing[]> {
    const drawings: Drawing[] = [];
    for (const name of models) {
      const sampler = await this.models.sampler(name);
      if (!this.isWarm.has(name)) await warmUp(sampler, options);
      this.isWarm.add(name);
      drawings.push(new Drawing(sampler, options, this.config.blockSize));
    }
    return drawings;
  }

  private async show(id: number, drawings: readonly Drawing[], status: Drawn['status']): Promise<void> {
    const states = [];
    for (const drawing of drawings) states.push(await drawing.state(this.analyser));
    this.reply({ kind: 'drawn', id, drawings: states, status });
  }
}

/** Handles waiting messages. Timers would wait for some milliseconds. */
function nextMessages(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
