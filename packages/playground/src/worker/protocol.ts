import type { PageManifest } from '../manifest.js';
import type { Analysis } from '../model/analyser.js';
import type { DrawingState, DrawOptions } from '../model/drawing.js';
import type { TuningProgress, TuningSettings } from '../model/fine-tuning.js';

/** The models that can draw. */
export type ModelName = 'dpar' | 'llamagen';

/** Device of training steps: a graphics processor, or the processor. */
export type TrainingDevice = 'webgpu' | 'wasm';

/** Pictures to fine-tune DPAR on, and settings. */
export interface TuningTask extends TuningSettings {
  /** Each [S, S, 3]. */
  readonly pictures: readonly Uint8Array[];
  /** Class of all pictures; undefined: the one in which the model finds them most likely. */
  readonly label?: number | undefined;
  /** Adds a mirrored copy of each picture. */
  readonly mirrors: boolean;
  readonly device: TrainingDevice;
}

/** Requests of the part that trains. */
export type TuningRequest =
  /** Fine-tunes the DPAR that draws. The result draws after `use`. */
  | { readonly kind: 'tune'; readonly id: number; readonly task: TuningTask }
  /** Ends fine-tuning after the current step, with samples of it. */
  | { readonly kind: 'stop'; readonly id: number }
  /** Draws with the tuned weights. */
  | { readonly kind: 'use'; readonly id: number }
  /** Ends fine-tuning, forgets tuned weights, and draws with those of the page. */
  | { readonly kind: 'discard'; readonly id: number }
  /** Requests the tuned weights as a file. */
  | { readonly kind: 'export'; readonly id: number };

/** Request of the page. `id` is the page's number of a task. */
export type Request =
  | { readonly kind: 'load'; readonly threads: number; readonly manifest: PageManifest }
  /**
   * Requests tokens and entropies of [S, S, 3] pixels, with `compares` also those of the entropy model beside a boundary
   * head. It replaces a waiting request.
   */
  | { readonly kind: 'analyse'; readonly id: number; readonly pixels: Uint8Array; readonly compares: boolean }
  /** Requests log-likelihoods of the beginnings of an image under each class. An analysis or a drawing ends the work. */
  | { readonly kind: 'classify'; readonly id: number; readonly analysis: Analysis }
  /** Draws an image with each of the models, which take turns. It replaces the drawing before. */
  | { readonly kind: 'draw'; readonly id: number; readonly models: readonly ModelName[]; readonly options: DrawOptions }
  | { readonly kind: 'pause' | 'resume' | 'cancel'; readonly id: number }
  | TuningRequest;

/** Progress of fine-tuning, from its beginning. */
export type TuningEvent =
  | TuningProgress
  /** Reads pictures: `done` of all, with mirrored copies. */
  | { readonly kind: 'reading'; readonly done: number; readonly pictures: number }
  /** Knows the class, and where the steps run, with a reason if that is not where they were requested. */
  | { readonly kind: 'prepared'; readonly label: number; readonly engine: string; readonly note?: string | undefined }
  /** Ended after a number of steps. */
  | { readonly kind: 'tuned'; readonly steps: number };

/** Replies to requests of the part that trains. */
export type TuningReply =
  | { readonly kind: 'tuning'; readonly id: number; readonly event: TuningEvent }
  /** Says whose weights draw from now on. */
  | { readonly kind: 'in-use'; readonly id: number; readonly isTuned: boolean }
  /** The tuned weights as a safetensors file. */
  | { readonly kind: 'exported'; readonly id: number; readonly file: Uint8Array<ArrayBuffer> };

/** Reply of the worker. */
export type Reply =
  | TuningReply
  /** The engine's name with its version and threads. */
  | { readonly kind: 'loaded'; readonly engine: string }
  | { readonly kind: 'analysed'; readonly id: number; readonly analysis: Analysis }
  /** Image of the tokens of an analysis, [S, S, 3]. It follows the analysis. */
  | { readonly kind: 'reconstructed'; readonly id: number; readonly pixels: Uint8Array<ArrayBuffer> }
  /** Log-likelihoods of the beginnings of an image under each class, [C, T]. */
  | { readonly kind: 'classified'; readonly id: number; readonly logLikelihoods: Float64Array }
  | {
      readonly kind: 'drawn';
      readonly id: number;
      /** In the order of the models. */
      readonly drawings: readonly DrawingState[];
      /** No replies follow `paused` until the drawing resumes. */
      readonly status: 'running' | 'paused' | 'finished';
    }
  /** Failure of a task, or without `id` of loading the model. */
  | { readonly kind: 'failed'; readonly id?: number; readonly message: string };
