import type { Analysis } from '../model/analyser.js';
import type { DrawingState, DrawOptions } from '../model/drawing.js';
import type { ModelInfo } from '../model/model-info.js';

/** The models that can draw. */
export type ModelName = 'dpar' | 'llamagen';

/** What the page asks of the worker. `id` is a number that the page gives a task. */
export type Request =
  | { readonly kind: 'load'; readonly threads: number }
  /** Tokens and entropies of [S, S, 3] pixels. One that comes while others wait takes their place. */
  | { readonly kind: 'analyse'; readonly id: number; readonly pixels: Uint8Array }
  /** How likely the beginnings of an image are under each class. */
  | { readonly kind: 'classify'; readonly id: number; readonly analysis: Analysis }
  /** Draws an image with each of the models, token by token in turn. It takes the place of the drawing before. */
  | { readonly kind: 'draw'; readonly id: number; readonly models: readonly ModelName[]; readonly options: DrawOptions }
  | { readonly kind: 'pause' | 'resume' | 'cancel'; readonly id: number };

/** What the worker tells the page. */
export type Reply =
  | { readonly kind: 'loaded'; readonly info: ModelInfo }
  | { readonly kind: 'analysed'; readonly id: number; readonly analysis: Analysis }
  /** The image, [S, S, 3], that the tokens of an analysis stand for. It follows the analysis. */
  | { readonly kind: 'reconstructed'; readonly id: number; readonly pixels: Uint8Array<ArrayBuffer> }
  /** Log-likelihoods of the beginnings of an image under each class, [C, T]. */
  | { readonly kind: 'classified'; readonly id: number; readonly logLikelihoods: Float64Array }
  | {
      readonly kind: 'drawn';
      readonly id: number;
      /** In the order of the models. */
      readonly drawings: readonly DrawingState[];
      /** A paused drawing says nothing more until it goes on. */
      readonly status: 'running' | 'paused' | 'finished';
    }
  /** A task that failed, or without `id` the loading of the model. */
  | { readonly kind: 'failed'; readonly id?: number; readonly message: string };
