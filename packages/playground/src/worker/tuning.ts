import { formatSafetensors } from '@dpar/io';
import { needsEntropyModel } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { messageOf } from '../message-of.js';
import type { Analyser, Analysis } from '../model/analyser.js';
import { likeliestClass } from '../model/class-likelihoods.js';
import { fineTune, mirrored } from '../model/fine-tuning.js';
import type { Models, OpenModel } from '../model/open-model.js';
import type { LazyModels } from './lazy-models.js';
import type { Reply, TuningEvent, TuningRequest, TuningTask } from './protocol.js';
import { startTrainer } from './trainer-engine.js';

/** Parts of the worker that training uses. */
interface TuningParts {
  /** Engine of everything else. */
  readonly engine: Engine;
  readonly model: OpenModel;
  readonly models: LazyModels;
  readonly analyser: Analyser;
  readonly reply: (message: Reply) => void;
  /** Draws with another DPAR, or with the page's own. Ends the current drawing. */
  readonly replaceDpar: (tuned: Models['dpar'] | undefined) => Promise<void>;
  /** Handles waiting messages. */
  readonly nextMessages: () => Promise<void>;
}

/** Fine-tuning at work. */
interface Work {
  readonly id: number;
  readonly stop: AbortController;
  isDiscarded: boolean;
  /** Fulfilled when it has ended, in whatever way. */
  ended: Promise<void>;
}

type Report = (event: TuningEvent) => Promise<void>;

/** Most pictures that the class is found from, and most images that a model with many classes reads for it. */
const [mostClassified, mostClassifications] = [8, 144];

/** Trains DPAR on pictures, and keeps the result until it is used or discarded. Its program is loaded on first use. */
export class Tuning {
  private work: Work | undefined;
  private tuned: Models['dpar'] | undefined;

  constructor(readonly parts: TuningParts) {}

  /** @throws Error that says what is wrong with the request, or why training failed. */
  async handle(request: TuningRequest): Promise<void> {
    const { id } = request;
    switch (request.kind) {
      case 'tune':
        return this.tune(id, request.task);
      case 'stop':
        this.work?.stop.abort();
        return;
      case 'use':
        await this.parts.replaceDpar(this.result());
        this.parts.reply({ kind: 'in-use', id, isTuned: true });
        return;
      case 'discard':
        if (this.work) this.work.isDiscarded = true;
        this.work?.stop.abort();
        await this.work?.ended;
        this.tuned = undefined;
        await this.parts.replaceDpar(undefined);
        this.parts.reply({ kind: 'in-use', id, isTuned: false });
        return;
      case 'export': {
        const file = formatSafetensors(this.result().parameters) as Uint8Array<ArrayBuffer>;
        this.parts.reply({ kind: 'exported', id, file });
      }
    }
  }

  private result(): Models['dpar'] {
    if (this.tuned) return this.tuned;
    throw new Error('There are no fine-tuned weights. Fine-tune the model first.');
  }

  private async tune(id: number, task: TuningTask): Promise<void> {
    if (this.work) throw new Error('The model is being fine-tuned already. Stop that first.');
    const work: Work = { id, stop: new AbortController(), isDiscarded: false, ended: Promise.resolve() };
    this.work = work;
    const run = this.run(work, task).finally(() => {
      this.work = undefined;
    });
    work.ended = run.then(
      () => {},
      () => {},
    );
    const steps = await run;
    // Last, so that a request that follows finds no work.
    if (steps !== undefined) this.parts.reply({ kind: 'tuning', id, event: { kind: 'tuned', steps } });
  }

  /** Trains. @returns Number of finished steps; undefined if the task was discarded. */
  private async run(work: Work, task: TuningTask): Promise<number | undefined> {
    const { engine, model, models, analyser, nextMessages } = this.parts;
    const { id, stop } = work;
    const report = async (event: TuningEvent): Promise<void> => {
      // A discarded task belongs to no part of the page.
      if (!work.isDiscarded) this.parts.reply({ kind: 'tuning', id, event });
      await nextMessages();
    };
    const analyses = await this.read(task, report);
    const label = task.label ?? (await this.findClass(analyses.slice(0, task.pictures.length)));
    const trainer = await startTrainer(task.device, engine);
    try {
      await report({ kind: 'prepared', label, engine: trainer.engine.name, note: trainer.note });
      const base = await models.dpar();
      const entropyModel = needsEntropyModel(base) ? await model.load('entropy') : undefined;
      const inputs = { trainer: trainer.engine, sampler: engine, model: base, entropyModel, analyser, analyses, label };
      const progress = fineTune(inputs, task, stop.signal);
      let steps = 0;
      for (;;) {
        const { done, value } = await progress.next();
        if (done) {
          if (work.isDiscarded) return undefined;
          this.tuned = value;
          return steps;
        }
        if (work.isDiscarded) {
          await progress.return(base);
          return undefined;
        }
        if (value.kind === 'step') steps = value.step;
        await report(value);
      }
    } catch (error) {
      if (trainer.engine === engine) throw error;
      throw new Error(`Training on the graphics processor failed: ${messageOf(error)} Train on the processor instead.`);
    } finally {
      await trainer.dispose();
    }
  }

  /** Tokens and entropies of the pictures, then those of their mirrored copies. */
  private async read({ pictures, mirrors }: TuningTask, report: Report): Promise<Analysis[]> {
    const all = mirrors ? [...pictures, ...pictures.map(mirrored)] : pictures;
    const analyses: Analysis[] = [];
    for (const pixels of all) {
      await report({ kind: 'reading', done: analyses.length, pictures: all.length });
      analyses.push(await this.parts.analyser.analyse(pixels));
    }
    return analyses;
  }

  /** The class under which the pictures are likeliest together. */
  private async findClass(analyses: readonly Analysis[]): Promise<number> {
    const classifier = await this.parts.models.classifier();
    const { classes: C, configs } = this.parts.model;
    const { blockSize: T } = configs.dpar;
    const sums = new Float64Array(C);
    const count = Math.min(mostClassified, Math.ceil(mostClassifications / C));
    for (const analysis of analyses.slice(0, count)) {
      const logLikelihoods = await classifier.logLikelihoods(analysis, this.parts.nextMessages);
      for (let label = 0; label < C; label++) {
        sums[label] = (sums[label] as number) + (logLikelihoods[label * T + T - 1] as number);
      }
    }
    return likeliestClass(sums, C, 1);
  }
}
