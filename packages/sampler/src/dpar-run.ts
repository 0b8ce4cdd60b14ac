import { type DparConfig, patchRotaryRows } from '@dpar/model';
import { createOnlinePatcher, longestPatch, type OnlinePatcher, type PatchingOptions } from '@dpar/patchify';
import { named } from '@dpar/tensor';
import type { StackCache } from './cache.js';
import type { DparPrefill } from './dpar-prefill.js';
import type { DparStages, GlobalInputs } from './dpar-stages.js';
import type { GptStage } from './gpt-stage.js';
import type { LoadPlan } from './loads.js';
import { OpenPatches } from './open-patches.js';
import {
  copiesOf,
  givenTokens,
  imagesAtWork,
  labelRows,
  prefixLength,
  type SampleOptions,
  type SampleStep,
} from './options.js';
import { TokenDraws } from './predictions.js';
import { RecentStates } from './recent-states.js';
import { rowsOfPlaces, takeRows } from './transformer.js';

/** Everything that a generation is made with. */
export interface DparRunOptions {
  readonly config: DparConfig;
  readonly stages: DparStages;
  readonly prefill: DparPrefill;
  /** Entropy model; undefined if patches need no entropies or the boundary head predicts them. */
  readonly entropyStage: GptStage | undefined;
  readonly patching: PatchingOptions;
  /** Distances of the states that the boundary head reads, if it predicts entropies. */
  readonly neighbours: readonly number[] | undefined;
  readonly plan: LoadPlan;
  readonly options: SampleOptions;
  /** Runs a piece of work and adds its time to that of a stage. */
  time<V>(stage: string, work: () => V | Promise<V>): Promise<V>;
}

/** An image at its place. */
interface Image {
  /** Number in `labels`. */
  readonly number: number;
  readonly patcher: OnlinePatcher;
  /** Position of the token that is drawn next. */
  position: number;
  /** True if that token starts a patch. */
  startsPatch: boolean;
  /** Next input of the global transformer, which has to read it before the token is drawn. */
  waitsFor: 'class' | 'patch' | undefined;
}

/**
 * One generation. Each image has a place, a position of its own, and a row or two in the caches. It draws tokens until its
 * patch ends, then waits for the global transformer. A finished image gives its place to the next of the queue.
 */
export class DparRun {
  private readonly copies: number;
  private readonly images: (Image | undefined)[];
  private readonly draws: TokenDraws;
  private readonly open: OpenPatches;
  private readonly recent: RecentStates | undefined;
  private readonly caches: { readonly encoder: StackCache; readonly global: StackCache; readonly decoder: StackCache };
  private readonly entropyCache: StackCache | undefined;
  /** Slots P of a patch. */
  private readonly slots: number;
  /** Contexts that the decoder adds to the tokens of each row's patch, [rows, decoder layers, D]. */
  private readonly contexts: Float32Array;
  /** Encoder state of the newest token at each place, or the start embedding, [places, D]. */
  private readonly states: Float32Array;
  /** Number of the next image of the queue. */
  private next = 0;

  constructor(private readonly given: DparRunOptions) {
    const { config, stages, entropyStage, patching, neighbours, options } = given;
    const { dim, blockSize, nLocalEncoderLayers: layers, nLocalDecoderLayers } = config;
    const places = imagesAtWork(options);
    this.copies = copiesOf(options);
    const rows = places * this.copies;
    this.images = new Array<Image | undefined>(places).fill(undefined);
    this.draws = new TokenDraws(options, blockSize);
    this.slots = longestPatch(blockSize, patching);
    this.open = new OpenPatches({ places, layers, slots: this.slots, dim });
    this.recent = neighbours && new RecentStates({ places, dim, distances: neighbours });
    this.caches = {
      encoder: stages.newCache('encoder', places),
      global: stages.newCache('global', rows),
      decoder: stages.newCache('decoder', rows),
    };
    this.entropyCache = entropyStage?.newCache(places);
    this.contexts = new Float32Array(rows * nLocalDecoderLayers * dim);
    this.states = new Float32Array(places * dim);
  }

  /** Yields all tokens of all images. */
  async *steps(): AsyncGenerator<SampleStep> {
    try {
      yield* this.allSteps();
    } finally {
      for (const cache of [...Object.values(this.caches), this.entropyCache]) cache?.dispose();
    }
  }

  private async *allSteps(): AsyncGenerator<SampleStep> {
    const { options, plan } = this.given;
    for (;;) {
      options.signal?.throwIfAborted();
      yield* this.admit();
      const ready = this.placesOf((image) => image.waitsFor === undefined);
      const waiting = this.placesOf((image) => image.waitsFor !== undefined);
      if (ready.length + waiting.length === 0) return;
      const count = plan({ ready: ready.length, waiting: waiting.length });
      if (count > 0) await this.readGlobal(this.furthestBehind(waiting, count));
      else yield* this.drawNext(ready);
    }
  }

  private placesOf(belongs: (image: Image) => boolean): Int32Array {
    const places: number[] = [];
    this.images.forEach((image, place) => {
      if (image !== undefined && belongs(image)) places.push(place);
    });
    return Int32Array.from(places);
  }

  private imageAt(place: number): Image {
    return this.images[place] as Image;
  }

  /** Those of some places whose images have the fewest tokens, in ascending order. */
  private furthestBehind(places: Int32Array, count: number): Int32Array {
    if (places.length <= count) return places;
    const order = Array.from(places).sort((a, b) => this.imageAt(a).position - this.imageAt(b).position || a - b);
    return Int32Array.from(order.slice(0, count)).sort();
  }

  /** Gives free places to the next images of the queue, and reads their given tokens. */
  private async *admit(): AsyncGenerator<SampleStep> {
    const { options, patching, stages } = this.given;
    const { dim } = this.given.config;
    const free: number[] = [];
    for (let place = 0; place < this.images.length && this.next < options.labels.length; place++) {
      if (this.images[place] !== undefined) continue;
      const number = this.next++;
      const patcher = createOnlinePatcher(patching);
      this.images[place] = { number, patcher, position: 0, startsPatch: true, waitsFor: 'class' };
      this.states.set(stages.startEmbedding, place * dim);
      this.open.restart(place, 0);
      this.recent?.clear(place);
      free.push(place);
    }
    if (free.length === 0) return;
    const rows = rowsOfPlaces(Int32Array.from(free), this.copies);
    this.caches.encoder.clear(free);
    this.caches.global.clear(rows);
    this.caches.decoder.clear(rows);
    this.entropyCache?.clear(free);
    if (prefixLength(options) === 0) return;
    for (const place of free) yield await this.readPrefix(place);
  }

  /** Reads the given tokens of the image at a place. Returns them. */
  private async readPrefix(place: number): Promise<SampleStep> {
    const { config, prefill, options, stages, time } = this.given;
    const { blockSize, dim: D, nLocalEncoderLayers: E, encoderBlockCausal, numClasses } = config;
    const image = this.imageAt(place);
    const given = givenTokens(options, [image.number]);
    const K = given.tokens.length;
    // No entropy follows the last token of an image, and nothing reads its state.
    const read = given.tokens.subarray(0, Math.min(K, blockSize - 1));

    const fromModel = await this.entropiesOfPrefix(place, read);
    // An encoder that sees only the patch of a token needs the patches first; the boundary head needs the encoder first.
    const known = encoderBlockCausal ? this.placeTokens(image, K, fromModel) : undefined;
    const { states, entropies } = await time('encoder', () =>
      prefill.readTokens(this.caches.encoder, place, read, known && firstTokens(known)),
    );
    const startsPatch = known ?? this.placeTokens(image, K, fromModel ?? entropies);
    const flags = startsPatch.slice(0, K);
    if (K === blockSize) {
      this.images[place] = undefined;
      return { ...given, startsPatch: flags };
    }

    // The patch of the last given token is open, or the next token has ended it: steps read it.
    const statesOf = (token: number): Float32Array => states.subarray(token * E * D, (token + 1) * E * D);
    const lastOf = (token: number): Float32Array => statesOf(token).subarray((E - 1) * D);
    const first = firstTokens(flags)[K - 1] as number;
    this.open.restart(place, first);
    for (let token = first; token < K; token++) this.open.add(place, statesOf(token));
    for (let token = 0; token < K; token++) this.recent?.add(place, lastOf(token));
    this.states.set(lastOf(K - 1), place * D);
    if (encoderBlockCausal) this.caches.encoder.hideBefore(place, first);

    const x = new Float32Array(K * D);
    x.set(stages.startEmbedding);
    for (let token = 0; token + 1 < K; token++) x.set(lastOf(token), (token + 1) * D);
    const patches = {
      inputs: this.prefixPatches(flags, statesOf),
      contextOfToken: patchNumbers(flags),
      classes: stages.classEmbeddings(labelRows(options, [image.number], numClasses)),
    };
    const rows = rowsOfPlaces(Int32Array.of(place), this.copies);
    const contexts = await time('global', () => prefill.readPatches(this.caches, rows, x, patches));
    this.contexts.set(contexts, (rows[0] as number) * config.nLocalDecoderLayers * D);
    image.position = K;
    image.startsPatch = startsPatch[K] === 1;
    image.waitsFor = image.startsPatch ? 'patch' : undefined;
    return { ...given, startsPatch: flags };
  }

  /** Entropies that the entropy model gives the tokens after given ones; undefined without an entropy model. */
  private async entropiesOfPrefix(place: number, tokens: Int32Array): Promise<Float32Array | undefined> {
    const { entropyStage, time } = this.given;
    const { entropyCache } = this;
    if (entropyStage === undefined || entropyCache === undefined) return undefined;
    const embedded = entropyStage.tokenEmbeddings(tokens);
    const outputs = await time('entropy', () => entropyStage.prefill(entropyCache, Int32Array.of(place), embedded));
    return named(outputs, 'entropies').data as Float32Array;
  }

  /**
   * Decides which of the first K tokens of an image and the one after them start patches: [K + 1], or [K] if the image ends.
   * @param entropies Of the tokens from the second on.
   */
  private placeTokens(image: Image, K: number, entropies: Float32Array | undefined): Uint8Array {
    const length = Math.min(K + 1, this.given.config.blockSize);
    return Uint8Array.from({ length }, (_, i) => (i === 0 ? 1 : Number(image.patcher.next(entropies?.[i - 1]))));
  }

  /** Inputs of the global transformer for the class and all patches of given tokens but the last one. */
  private prefixPatches(startsPatch: Uint8Array, statesOf: (token: number) => Float32Array): GlobalInputs {
    const { dim: D, nHead, nLocalEncoderLayers: E } = this.given.config;
    const P = this.slots;
    const starts = Array.from(startsPatch.keys()).filter((token) => startsPatch[token] === 1);
    const M = starts.length;
    const inputs = this.newGlobalInputs(M);
    inputs.isClass[0] = 1;
    inputs.slotMask[0] = 1;
    for (let position = 1; position < M; position++) {
      const [start, end] = [starts[position - 1] as number, starts[position] as number];
      const places = [{ index: position - 1, start, length: end - start }];
      inputs.table.set(patchRotaryRows(this.given.config, places), (position * D) / nHead);
      inputs.slotMask.fill(1, position * P, position * P + end - start);
      for (let token = start; token < end; token++) {
        for (let layer = 0; layer < E; layer++) {
          const state = statesOf(token).subarray(layer * D, (layer + 1) * D);
          inputs.states.set(state, ((position * E + layer) * P + token - start) * D);
        }
      }
    }
    return inputs;
  }

  /** Draws a token for the images at some places, and reads it. */
  private async *drawNext(places: Int32Array): AsyncGenerator<SampleStep> {
    const { config, stages, time } = this.given;
    const { blockSize, dim: D, nLocalDecoderLayers: layers } = config;
    const { copies, draws } = this;
    const rows = rowsOfPlaces(places, copies);
    const numbers = places.map((place) => this.imageAt(place).number);
    const positions = places.map((place) => this.imageAt(place).position);
    const x = takeRows(
      this.states,
      D,
      rows.map((row) => Math.floor(row / copies)),
    );
    const contexts = takeRows(this.contexts, layers * D, rows);
    const predictions = await time('decoder', () =>
      stages.predict(this.caches.decoder, rows, x, contexts, places.length, draws.inputs(positions)),
    );
    const tokens = await time('draw', () => draws.draw(predictions, numbers, positions));
    const startsPatch = Uint8Array.from(places, (place) => Number(this.imageAt(place).startsPatch));
    const going = places.filter((place) => {
      const image = this.imageAt(place);
      image.position++;
      if (image.position < blockSize) return true;
      this.images[place] = undefined;
      return false;
    });
    yield { images: numbers, positions, tokens, startsPatch };
    const read = tokens.filter((_, i) => (positions[i] as number) + 1 < blockSize);
    if (going.length > 0) await this.readTokens(going, read);
  }

  /** Reads the new tokens of some images, and decides which of them start a patch with the token that follows. */
  private async readTokens(places: Int32Array, tokens: Int32Array): Promise<void> {
    const { config, stages, entropyStage, time } = this.given;
    const { dim: D, nLocalEncoderLayers: layers } = config;
    const { caches, entropyCache, recent } = this;
    const neighbours = recent?.before(places);
    const read = await time('encoder', () => stages.readTokens(caches.encoder, places, tokens, neighbours));
    const entropies =
      entropyStage && entropyCache
        ? await time('entropy', () => entropyStage.entropies(entropyCache, places, tokens))
        : read.entropies;
    places.forEach((place, i) => {
      const states = read.states.subarray(i * layers * D, (i + 1) * layers * D);
      const last = states.subarray((layers - 1) * D);
      this.open.add(place, states);
      recent?.add(place, last);
      this.states.set(last, place * D);
      const image = this.imageAt(place);
      image.startsPatch = image.patcher.next(entropies?.[i]);
      if (image.startsPatch) image.waitsFor = 'patch';
    });
  }

  /** Runs the global transformer for the images at some places: it reads their classes, or the patches that have ended. */
  private async readGlobal(places: Int32Array): Promise<void> {
    const { config, stages, time } = this.given;
    const width = config.nLocalDecoderLayers * config.dim;
    const rows = rowsOfPlaces(places, this.copies);
    const inputs = this.globalInputs(places);
    const contexts = await time('global', () => stages.readGlobal(this.caches.global, rows, inputs));
    rows.forEach((row, i) => {
      this.contexts.set(contexts.subarray(i * width, (i + 1) * width), row * width);
    });
    for (const place of places) {
      const image = this.imageAt(place);
      if (image.waitsFor === 'patch') this.startPatch(place, image.position);
      image.waitsFor = undefined;
    }
  }

  private startPatch(place: number, position: number): void {
    this.open.restart(place, position);
    if (this.given.config.encoderBlockCausal) this.caches.encoder.hideBefore(place, position);
  }

  /** Inputs of R rows, all zeros. */
  private newGlobalInputs(R: number): GlobalInputs {
    const { dim: D, nHead, nLocalEncoderLayers: E } = this.given.config;
    const P = this.slots;
    return {
      classes: new Float32Array(R * D),
      isClass: new Uint8Array(R),
      states: new Float32Array(R * E * P * D),
      slotMask: new Uint8Array(R * P),
      table: new Float32Array((R * D) / nHead),
    };
  }

  private globalInputs(places: Int32Array): GlobalInputs {
    const { config, stages, options } = this.given;
    const { dim: D, nHead, nLocalEncoderLayers: layers, numClasses } = config;
    const { copies, slots: P } = this;
    const headDim = D / nHead;
    const inputs = this.newGlobalInputs(places.length * copies);
    places.forEach((place, i) => {
      const { number, patcher, position, waitsFor } = this.imageAt(place);
      const isClass = waitsFor === 'class';
      const classes = isClass ? stages.classEmbeddings(labelRows(options, [number], numClasses)) : undefined;
      const start = this.open.starts[place] as number;
      // The image's newest patch has just begun: the one before it has ended.
      const patch = { index: patcher.patches - 2, start, length: position - start };
      const angles = isClass ? undefined : patchRotaryRows(config, [patch]);
      for (let row = i * copies; row < (i + 1) * copies; row++) {
        if (classes) inputs.classes.set(classes.subarray((row % copies) * D, ((row % copies) + 1) * D), row * D);
        inputs.isClass[row] = Number(isClass);
        inputs.slotMask.fill(1, row * P, row * P + (isClass ? 1 : patch.length));
        if (angles === undefined) continue;
        inputs.states.set(this.open.statesOf(place), row * layers * P * D);
        inputs.table.set(angles, row * headDim);
      }
    });
    return inputs;
  }
}

/** Number of the patch of each token, from the flags of tokens that start patches. */
function patchNumbers(startsPatch: Uint8Array): Int32Array {
  let patch = -1;
  return Int32Array.from(startsPatch, (starts) => {
    patch += starts;
    return patch;
  });
}

/** Position of the first token of each token's patch. */
function firstTokens(startsPatch: Uint8Array): Int32Array {
  let first = 0;
  return Int32Array.from(startsPatch, (starts, token) => {
    if (starts === 1) first = token;
    return first;
  });
}
