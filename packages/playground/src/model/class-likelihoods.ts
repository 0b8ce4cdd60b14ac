import { type DparConfig, dpar, dparInputs, dparKind } from '@dpar/model';
import type { Model } from '@dpar/nn';
import { padPatchLengths, patchLengths } from '@dpar/patchify';
import { type Engine, int32, named } from '@dpar/tensor';
import type { Analysis } from './analyser.js';
import { drawingSource, patchingBy } from './entropy-source.js';

/** Classifier of images. C classes, T tokens, V codes. */
export interface Classifier {
  /**
   * Log-likelihoods of the beginnings of an image in nats, [C, T]: entry (c, t) is that of tokens 0 to t under class c.
   * One pass gives all beginnings, as no token depends on later ones.
   * @param betweenPasses Called between two passes over some of the classes. If it throws, the work ends.
   */
  logLikelihoods(image: Analysis, betweenPasses?: () => Promise<void>): Promise<Float64Array>;
  dispose(): Promise<void>;
}

/** Most classes that one pass computes. This bounds its memory, and the time in which nothing else can run. */
const classesOfPass = 4;

/**
 * Creates a classifier from a DPAR: one row of a pass over the image for each class.
 * @param C Number of classes, without words.
 */
export function createClassifier(engine: Engine, { config, parameters }: Model<DparConfig>, C: number): Classifier {
  const { blockSize: T, vocabSize: V } = config;
  const forward = engine.compile((ops, inputs) => ({ logits: dpar(ops, config, inputs, inputs as never).logits }), {
    constants: parameters,
    // One compiled graph serves all images, however many patches they have.
    dynamicAxes: dparKind.dynamicAxes,
  });
  const B = Math.ceil(C / Math.ceil(C / classesOfPass));
  return {
    async logLikelihoods({ tokens, entropies }, betweenPasses = async () => {}) {
      const lengths = patchLengths(entropies, patchingBy(drawingSource(config), config));
      const repeated = new Int32Array(B * T).map((_, i) => tokens[i % T] as number);
      const patches = padPatchLengths(new Array<Int32Array>(B).fill(lengths));
      const found = new Float64Array(C * T);
      for (let first = 0; first < C; first += B) {
        if (first > 0) await betweenPasses();
        // The last pass repeats the last class.
        const labels = Int32Array.from({ length: B }, (_, i) => Math.min(C - 1, first + i));
        const outputs = await forward.run(dparInputs(config, int32([B, T], repeated), int32([B], labels), patches));
        const sums = cumulated(named(outputs, 'logits').data as Float32Array, repeated, { T, V });
        found.set(sums.subarray(0, Math.min(B, C - first) * T), first * T);
      }
      return found;
    },
    dispose: () => forward.dispose(),
  };
}

/** Sums of the log-probabilities of tokens [C, T] under logits [C, T, V], up to each token. */
function cumulated(logits: Float32Array, tokens: Int32Array, { T, V }: { T: number; V: number }): Float64Array {
  const sums = new Float64Array(tokens.length);
  tokens.forEach((token, i) => {
    const row = logits.subarray(i * V, (i + 1) * V);
    const most = row.reduce((a, b) => Math.max(a, b));
    const total = row.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
    const before = i % T === 0 ? 0 : (sums[i - 1] as number);
    sums[i] = before + (row[token] as number) - most - Math.log(total);
  });
  return sums;
}

/**
 * The class under which an image's first tokens are likeliest.
 * @param logLikelihoods [C, T], of {@link Classifier}
 * @param given Number of given tokens, 1 to T.
 */
export function likeliestClass(logLikelihoods: Float64Array, classes: number, given: number): number {
  const T = logLikelihoods.length / classes;
  const of = (label: number): number => logLikelihoods[label * T + given - 1] as number;
  let best = 0;
  for (let label = 1; label < classes; label++) if (of(label) > of(best)) best = label;
  return best;
}
