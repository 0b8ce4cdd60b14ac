import type { ModelInfo } from './model/model-info.js';

/** A file of a page, with its size. */
export interface PageFile {
  /** Path in the page's folder; on the page itself its whole address. */
  readonly file: string;
  readonly bytes: number;
}

/** A model of the page: its configuration, and its weights in one safetensors file or several. */
export interface PagePart {
  /** Content of its config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly PageFile[];
}

/** A picture that the page offers. */
export interface PageExample {
  readonly name: string;
  /** Name of its class, where that is known. */
  readonly className?: string;
  /** Path in the page's folder; on the page itself its whole address. */
  readonly file: string;
}

/** Content of `model/model.json`, from which a page knows its model. */
export interface PageManifest {
  readonly title: string;
  /** Source and licence of the pictures, for the foot of the page. */
  readonly credit?: string;
  readonly model: ModelInfo;
  /** Class that is selected at first. */
  readonly label: number;
  readonly parts: {
    readonly tokenizer: PagePart;
    readonly dpar: PagePart;
    /** Needed by a DPAR without a boundary head, and compared with the head of another. */
    readonly entropy?: PagePart;
    /** Compared with DPAR. */
    readonly llamagen?: PagePart;
  };
  readonly examples: readonly PageExample[];
}

/** Path of the manifest in the page's folder. */
export const manifestFile = 'model/model.json';
