import type { StageSeconds } from '@dpar/sampler';
import type { Result } from '../command.js';
import { formatRate } from '../progress.js';
import { countOf } from '../table.js';
import type { Made } from './make.js';

/** Figures of a run. */
export interface SampleFigures {
  readonly kind: 'dpar' | 'llamagen';
  readonly engine: string;
  readonly output: string;
  /** Images of the output. */
  readonly images: number;
  /** Images made in this run. */
  readonly made: Made;
  /** T */
  readonly tokensPerImage: number;
  readonly seconds: number;
  readonly stages: StageSeconds;
}

/** Formats the figures as JSON and as text. Rates are null in JSON, and left out of the text, if no image was made. */
export function summarize(figures: SampleFigures): Result {
  const { kind, engine, output, images, made, tokensPerImage, seconds, stages } = figures;
  const summary = `${countOf(images, 'image')} in ${output}, ${made.images} made`;
  const imageRate = made.images / seconds;
  const tokenRate = made.tokens / seconds;
  const meanPatchLength = (made.images * tokensPerImage) / made.patches;
  const any = made.images > 0;
  const rates = `${formatRate(imageRate)} images/s, ${formatRate(tokenRate)} tokens/s`;
  const patches = kind === 'dpar' ? `, ${meanPatchLength.toFixed(2)} tokens per patch` : '';
  return {
    data: {
      kind,
      images,
      generated: made.images,
      seconds,
      images_per_second: any ? imageRate : null,
      tokens_per_second: any ? tokenRate : null,
      ...(kind === 'dpar' && { mean_patch_length: any ? meanPatchLength : null }),
      stages,
      engine,
      output,
    },
    text: any ? `${summary} in ${seconds.toFixed(1)} s: ${rates}${patches}` : summary,
  };
}
