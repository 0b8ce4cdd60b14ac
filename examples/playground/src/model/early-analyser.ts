import { createReferenceEngine, type Engine } from '@dpar/tensor';
import { type Analyser, type Analysts, createAnalyser } from './analyser.js';

/**
 * Creates an analyser that works before its engine has started. Loading and compiling WebAssembly takes longer than one
 * image in plain JavaScript.
 * @param started Fulfilled when the engine can run.
 */
export function createEarlyAnalyser(engine: Engine, started: Promise<unknown>, analysts: Analysts): Analyser {
  const final = createAnalyser(engine, analysts);
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
