import type { Label, SampleOptions, SampleStep, StageSeconds } from '@dpar/sampler';
import type { Analyser } from './analyser.js';

/** Options of drawing one image. */
export interface DrawOptions {
  /** Index of the class, or of each word of a prompt. */
  readonly label: Label;
  /** Scale of guidance by the class; 1 for none. */
  readonly guidanceScale: number;
  readonly temperature: number;
  /** Probability of nucleus sampling: the most likely tokens of this share are drawn from. */
  readonly topP: number;
  readonly seed: number;
  /** Given tokens: the first of the image in raster order. */
  readonly prefix: Int32Array;
}

/** Options for a sampler. */
export function sampleOptions({ label, prefix, ...options }: DrawOptions): SampleOptions {
  return { ...options, labels: [label], prefix };
}

/** Either sampler. */
export interface Sampler {
  readonly stageSeconds: StageSeconds;
  steps(options: SampleOptions): AsyncGenerator<SampleStep>;
  dispose(): Promise<void>;
}

/** A drawing after some tokens. */
export interface DrawingState {
  /** Tokens so far, [position]. */
  readonly tokens: Int32Array;
  /** [position]: 1 where a patch starts. */
  readonly startsPatch: Uint8Array;
  /** Time of these tokens in seconds, without pauses. */
  readonly seconds: number;
  /** Seconds of each stage of the sampler in this time: its networks, and the choice of tokens. */
  readonly stageSeconds: StageSeconds;
  /** Seconds of decoding the image once. */
  readonly decodingSeconds: number;
  /** The image, [S, S, 3]; pixels that are not drawn yet have any colour. */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** An image that a sampler draws token by token. It can pause between any two. */
export class Drawing {
  private readonly steps: AsyncGenerator<SampleStep>;
  private readonly tokens: Int32Array;
  private readonly startsPatch: Uint8Array;
  private position = 0;
  private seconds = 0;
  private readonly stageSeconds: Record<string, number> = {};

  /** @param length Tokens T of an image */
  constructor(
    private readonly sampler: Sampler,
    options: DrawOptions,
    private readonly length: number,
  ) {
    this.steps = sampler.steps(sampleOptions(options));
    this.tokens = new Int32Array(length);
    this.startsPatch = new Uint8Array(length);
  }

  get isFinished(): boolean {
    return this.position === this.length;
  }

  /** Draws the next token, if one is left. */
  async advance(): Promise<void> {
    if (this.isFinished) return;
    const stagesBefore = this.sampler.stageSeconds;
    const before = performance.now();
    const { value } = await this.steps.next();
    this.seconds += (performance.now() - before) / 1000;
    for (const [stage, seconds] of Object.entries(this.sampler.stageSeconds)) {
      this.stageSeconds[stage] = (this.stageSeconds[stage] ?? 0) + seconds - (stagesBefore[stage] ?? 0);
    }
    const { positions, tokens, startsPatch } = value as SampleStep;
    positions.forEach((position, i) => {
      this.tokens[position] = tokens[i] as number;
      this.startsPatch[position] = startsPatch[i] as number;
      this.position = position + 1;
    });
  }

  async state(analyser: Analyser): Promise<DrawingState> {
    const before = performance.now();
    const pixels = await analyser.decode(this.tokens);
    return {
      tokens: this.tokens.slice(0, this.position),
      startsPatch: this.startsPatch.slice(0, this.position),
      seconds: this.seconds,
      stageSeconds: { ...this.stageSeconds },
      decodingSeconds: (performance.now() - before) / 1000,
      pixels,
    };
  }
}

/** Tokens after which a sampler has compiled all its graphs: a class, a token and a patch. */
const warmUpTokens = 3;

/** Compiles the graphs of a sampler, so that the time of a drawing does not include it. */
export async function warmUp(sampler: Sampler, options: DrawOptions): Promise<void> {
  const steps = sampler.steps(sampleOptions(options));
  for (let token = 0; token < warmUpTokens; token++) await steps.next();
  await steps.return(undefined);
}
