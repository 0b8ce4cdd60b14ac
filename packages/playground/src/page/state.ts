import type { TemplateResult } from 'lit-html';
import type { Analysis } from '../model/analyser.js';
import type { DrawingState, DrawOptions } from '../model/drawing.js';
import type { EntropySource } from '../model/entropy-source.js';
import type { ModelInfo } from '../model/model-info.js';
import type { ModelName, Reply } from '../worker/protocol.js';
import type { Picture } from './images/read-image.js';

/** The parts of the page, in their order. */
export const tabs = ['look', 'generate', 'compare', 'train'] as const;
export type Tab = (typeof tabs)[number];

/** State of loading the model. */
export type ModelState =
  | { readonly status: 'loading' }
  /** The engine's name with its version and threads. */
  | { readonly status: 'ready'; readonly engine: string }
  | { readonly status: 'failed'; readonly message: string };

/** View of the picture. */
export type LookView = 'picture' | 'tokens' | 'entropy';

/** State of the first part. */
export interface LookState {
  picture?: Picture;
  /** Analysis of the picture, or of the picture before the last stroke until that is analysed too. */
  analysis?: Analysis;
  /** True if the analysis is of the current picture. */
  isAnalysed: boolean;
  /** Image of the analysed tokens, [S, S, 3]. */
  reconstruction?: Uint8Array;
  /** Log-likelihoods of its beginnings under each class, [C, T], requested to complete a picture of unknown class. */
  logLikelihoods?: Float64Array;
  /** Nats; undefined: the model's own. */
  threshold?: number;
  /** Tokens; undefined: the model's own. */
  maxPatchLength?: number;
  /** True if the boundary head is compared with the entropy model. */
  compares: boolean;
  /** Source of the entropies that make the patches while they are compared; undefined: the one that DPAR draws with. */
  source?: EntropySource;
  view: LookView;
  showsPatches: boolean;
  /** Token under the cursor. */
  cursor?: number;
  brush?: Brush;
}

/** Brush of the visitor. */
export interface Brush {
  colour: string;
  /** Width in pixels of the image. */
  width: number;
}

/** Settings of generation and comparison. */
export interface Settings {
  /** Index of the class. */
  label: number;
  /** Text of a prompt, in place of the class; empty for none. */
  prompt: string;
  guidanceScale: number;
  temperature: number;
  /** Probability of nucleus sampling. */
  topP: number;
  seed: number;
}

/** A drawing task of the worker. */
export interface Run {
  readonly id: number;
  readonly models: readonly ModelName[];
  readonly options: DrawOptions;
  status: 'preparing' | 'running' | 'paused' | 'finished' | 'ended';
  /** In the order of the models. */
  drawings: readonly DrawingState[];
}

/** The part that trains. Its program is loaded when it is first shown. */
export interface TrainingPart {
  view(info: ModelInfo): TemplateResult;
  paint(): void;
  /** Adds pictures that were dropped or pasted. */
  addFiles(files: readonly File[]): Promise<void>;
  receive(reply: Reply): void;
  /** The worker, and with it the trained weights, is gone. */
  forget(): void;
}

/** Fine-tuned weights that draw. */
export interface Tuned {
  /** Number of pictures that they were trained on. */
  readonly pictures: number;
  /** Class of these pictures. */
  readonly label: number;
}

/** State of the page. */
export interface State {
  tab: Tab;
  theme: 'light' | 'dark' | undefined;
  threads: number;
  model: ModelState;
  /** Message of the last error, until it is dismissed. */
  problem?: string;
  /** True if the page would start without a network. */
  worksOffline: boolean;
  look: LookState;
  settings: Settings;
  /** Rows of the picture that are kept when it is completed; undefined to draw a whole image. */
  keptRows?: number;
  /** Chosen class of the picture to complete; undefined for its own class. Another picture resets it. */
  completionLabel?: number;
  generation?: Run;
  comparison?: Run;
  /** Fine-tuned weights in place of the page's own, if they draw. */
  tuned?: Tuned;
}
