import { createTfjsEngine, type SkippedBackend } from '@dpar/engine-tfjs';
import type { Engine } from '@dpar/tensor';
import type { Absent, Contender } from './rows.js';
import type { TopicResult } from './topic.js';

/** Compared backends of TensorFlow.js. */
export type ComparedBackend = 'node' | 'wasm';

/** Name of a backend in a row. */
export const tfjsPeer = (backend: ComparedBackend): string =>
  `TensorFlow.js ${backend === 'node' ? 'native' : 'WASM'}, float32`;

/** A contender with the version of its library. */
export interface TfjsContender {
  readonly contender: Contender | Absent;
  readonly versions: TopicResult['versions'];
}

/**
 * Our model on TensorFlow.js, by `@dpar/engine-tfjs`, or why it is missing.
 * @param start Prepares the work on the engine. It is called before values are compared.
 */
export async function tfjsContender(
  backend: ComparedBackend,
  ifSlower: string,
  start: (engine: Engine) => Pick<Contender, 'agree' | 'work'>,
): Promise<TfjsContender> {
  const peer = tfjsPeer(backend);
  try {
    const engine = await createTfjsEngine({ backend });
    let started: ReturnType<typeof start> | undefined;
    const work = () => {
      started ??= start(engine);
      return started;
    };
    const contender = { peer, ifSlower, agree: () => work().agree(), work: (repeat: number) => work().work(repeat) };
    return { contender, versions: { [`TensorFlow.js (${backend})`]: engine.name } };
  } catch (error) {
    const { skipped = [] } = ((error as Error).cause ?? {}) as { skipped?: readonly SkippedBackend[] };
    return { contender: { peer, missing: skipped[0]?.reason ?? (error as Error).message }, versions: {} };
  }
}
