import { createReferenceEngine, type Engine } from '@dpar/tensor';
import { type Analyser, type Analysts, createAnalyser } from './analyser.js';

/**
 * An analyser that is there before its engine: WebAssembly takes longer to load and to compile than one image takes in
 * plain JavaScript.
 * @param started Is fulfilled when the engine can run.
 */
export function createEarlyAnalyser(engine: Engine, started: Promise<unknown>, analysts: Analysts): Analyser {
  const final = createAnalyser(engine, analysts);
  let current = createAnalyser(createReferenceEngine(), analysts);
  started.then(
    () => {
      current = final;
    },
    () => {}, // Plain JavaScript goes on.
  );
  return {
    analyse: (pixels) => current.analyse(pixels),
    decode: (tokens) => current.decode(tokens),
    dispose: () => final.dispose(),
  };
}
