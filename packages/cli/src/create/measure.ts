import type { Engine } from '@dpar/tensor';
import { createRandom, int32 } from '@dpar/tensor';
import { architectureFromSettings, initializeNarrow, type StepMetrics, Trainer } from '@dpar/train';
import { costOf, modelOf, type TokenShape } from './configs.js';
import { batchSize, ladder, type Rung } from './ladder.js';

/** Speed of training steps on this machine: seconds = overhead + operations / rate. */
export interface Speed {
  /** Seconds of a step besides its operations. */
  readonly overhead: number;
  /** Floating-point operations per second. */
  readonly rate: number;
}

/** Seconds of a training step with some operations. */
export const stepSeconds = ({ overhead, rate }: Speed, flop: number): number => overhead + flop / rate;

/** Steps of a measurement. The first ones compile. */
const measuredSteps = 8;

/** Times in seconds of some steps, without those that compile. */
export async function stepTimes(steps: AsyncIterable<StepMetrics>): Promise<number[]> {
  const all: StepMetrics[] = [];
  for await (const metrics of steps) {
    all.push(metrics);
    if (all.length >= measuredSteps) break;
  }
  const compiled = all.filter(({ graphs }, i) => i > 0 && graphs === all[i - 1]?.graphs);
  return (compiled.length > 0 ? compiled : all).map(({ seconds }) => seconds);
}

/**
 * Measures two sizes for some seconds, with random tokens. Larger sizes use the processor better, so one would mislead. The fastest
 * step counts: other load on the machine should not decide on the size.
 */
export async function measureSpeed(engine: Engine, shape: TokenShape, signal: AbortSignal): Promise<Speed> {
  const [small, large] = [ladder[0] as Rung, ladder[2] as Rung];
  const points: { flop: number; seconds: number }[] = [];
  for (const rung of [small, large]) {
    const settings = {
      ...modelOf('dpar', rung, shape),
      patching: { mode: 'static', max_patch_length: 2 },
      boundary_head: undefined,
    };
    const model = architectureFromSettings(settings);
    const images = 4 * batchSize;
    const random = createRandom(0);
    const T = shape.tokensPerImage;
    const tokens = Int32Array.from({ length: images * T }, () => random.integer(shape.codes));
    const trainer = new Trainer({
      engine,
      model: { ...model, parameters: initializeNarrow(model.kind.specs(model.config), 0) },
      data: { tokens: int32([images, T], tokens), labels: int32([images]) },
      steps: measuredSteps,
      batchSize,
      seed: 0,
    });
    try {
      points.push({
        flop: batchSize * costOf(settings).flop,
        seconds: Math.min(...(await stepTimes(trainer.run(signal)))),
      });
      signal.throwIfAborted();
    } finally {
      await trainer.dispose();
    }
  }
  return fitted(points[0] as Point, points[1] as Point);
}

interface Point {
  readonly flop: number;
  readonly seconds: number;
}

/** The line through two measurements. If noise makes the overhead negative, it is left out. */
export function fitted(small: Point, large: Point): Speed {
  const slope = (large.seconds - small.seconds) / (large.flop - small.flop);
  const overhead = small.seconds - slope * small.flop;
  if (slope > 0 && overhead >= 0) return { overhead, rate: 1 / slope };
  return { overhead: 0, rate: large.flop / large.seconds };
}
