import type { Analysis } from '../model/analyser.js';
import type { DrawingState, DrawOptions } from '../model/drawing.js';
import type { ModelInfo } from '../model/model-info.js';
import type { ModelName } from '../worker/protocol.js';
import type { Picture } from './images/read-image.js';

/** The three parts of the page, in their order. */
export const tabs = ['look', 'generate', 'compare'] as const;
export type Tab = (typeof tabs)[number];

/** Whether the model is there. */
export type ModelState =
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly info: ModelInfo }
  | { readonly status: 'failed'; readonly message: string };

/** What the picture shows; small screens have room for one map at a time. */
export type LookView = 'picture' | 'tokens' | 'entropy';

/** What the first part shows. */
export interface LookState {
  picture?: Picture;
  /** Of the picture; while it is drawn, of the picture before the last stroke until that is analysed too. */
  analysis?: Analysis;
  /** Whether the analysis is of the picture as it is now. */
  isAnalysed: boolean;
  /** What the tokens of the analysis stand for, [S, S, 3]. */
  reconstruction?: Uint8Array;
  /** How likely its beginnings are under each class, [C, T]; asked for when it is to be completed and its class is unknown. */
  logLikelihoods?: Float64Array;
  /** Nats; undefined: the model's own. */
  threshold?: number;
  /** Tokens; undefined: the model's own. */
  maxPatchLength?: number;
  view: LookView;
  showsPatches: boolean;
  /** The token that is pointed at. */
  cursor?: number;
  brush?: Brush;
}

/** What the visitor draws with. */
export interface Brush {
  colour: string;
  /** Pixels of the image. */
  width: number;
}

/** What generation and comparison draw. */
export interface Settings {
  label: number;
  guidanceScale: number;
  temperature: number;
  seed: number;
}

/** A task of drawing that was given to the worker. */
export interface Run {
  readonly id: number;
  readonly models: readonly ModelName[];
  readonly options: DrawOptions;
  status: 'preparing' | 'running' | 'paused' | 'finished' | 'ended';
  /** In the order of the models. */
  drawings: readonly DrawingState[];
}

/** All that the page shows. */
export interface State {
  tab: Tab;
  theme: 'light' | 'dark' | undefined;
  threads: number;
  model: ModelState;
  /** What went wrong last, until it is dismissed. */
  problem?: string;
  /** Whether the page would start without a network. */
  worksOffline: boolean;
  look: LookState;
  settings: Settings;
  /** Rows of the picture that are kept when an image is completed; undefined: a whole image is drawn. */
  keptRows?: number;
  /** The class that was chosen for the picture to complete; undefined: that of the picture. Another picture forgets it. */
  completionLabel?: number;
  generation?: Run;
  comparison?: Run;
}
