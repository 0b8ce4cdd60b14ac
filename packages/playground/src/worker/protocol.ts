import type { PageManifest } from '../manifest.js';
import type { Analysis } from '../model/analyser.js';
import type { DrawingState, DrawOptions } from '../model/drawing.js';
import type { ModelInfo } from '../model/model-info.js';

/** The models that can draw. */
export type ModelName = 'dpar' | 'llamagen';

/** Request of the page. `id` is the page's number of a task. */
export type Request =
  | { readonly kind: 'load'; readonly threads: number; readonly manifest: PageManifest }
  /**
   * Requests tokens and entropies of [S, S, 3] pixels, with `compares` also those of the entropy model beside a boundary
   * head. It replaces a waiting request.
   */
  | { readonly kind: 'analyse'; readonly id: number; readonly pixels: Uint8Array; readonly compares: boolean }
  /** Requests log-likelihoods of the beginnings of an image under each class. */
  | { readonly kind: 'classify'; readonly id: number; readonly analysis: Analysis }
  /** Draws an image with each of the models, which take turns. It replaces the drawing before. */
  | { readonly kind: 'draw'; readonly id: number; readonly models: readonly ModelName[]; readonly options: DrawOptions }
  | { readonly kind: 'pause' | 'resume' | 'cancel'; readonly id: number };

/** Reply of the worker. */
export type Reply =
  | { readonly kind: 'loaded'; readonly info: ModelInfo }
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
