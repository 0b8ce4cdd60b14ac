import { createReferenceEngine, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import { type Analyser, type Analysts, createAnalyser } from './analyser.js';

/** Most multiply-adds of an image that plain JavaScript computes sooner than an engine starts: about two seconds. */
const earlyMacs = 300e6;

/**
 * Creates an analyser of the first picture. Loading and compiling WebAssembly takes longer than an image of a small model in
 * plain JavaScript, so that such a model works before its engine has started.
 * @param started Fulfilled when the engine can run.
 */
export function createEarlyAnalyser(engine: Engine, started: Promise<unknown>, analysts: Analysts): Analyser {
  const final = createAnalyser(engine, analysts);
  if (macsOf(analysts) > earlyMacs) return after(started, final);
  let current = createAnalyser(createReferenceEngine(), analysts);
  started.then(
    () => {
      current = final;
    },
    () => {}, // Plain JavaScript remains in use.
  );
  return {
    analyse: (pixels) => current.analyse(pixels),
    decode: (tokens) => current.decode(tokens),
    dispose: () => final.dispose(),
  };
}

/** An analyser that waits until its engine has started. */
function after(started: Promise<unknown>, analyser: Analyser): Analyser {
  return {
    ...analyser,
    async analyse(pixels) {
      await started;
      return analyser.analyse(pixels);
    },
  };
}

/** About as many multiply-adds as an image takes: each matrix runs once for each token. Convolutions take far more. */
function macsOf({ tokenizer, predictor }: Analysts): number {
  const tokens = predictor.config.blockSize;
  const weights = (parameters: Tensors<HostTensor>): number =>
    Object.values(parameters).reduce((sum, { shape, data }) => {
      if (shape.length > 2) return Number.POSITIVE_INFINITY;
      return sum + (shape.length === 2 ? data.length : 0);
    }, 0);
  return tokens * (weights(tokenizer.parameters) + weights(readBy(predictor)));
}

/** Parameters that the entropies of a model depend on. */
function readBy({ kind, parameters }: Analysts['predictor']): Tensors<HostTensor> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => kind.entropySource?.reads(name)));
}
