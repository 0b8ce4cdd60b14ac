import { createTfjsEngine, loadTfjs, type SkippedBackend, type TfjsBackend } from '@dpar/engine-tfjs';
import type { Engine } from '@dpar/tensor';
import type { TopicResult } from './topic.js';

/** An engine on TensorFlow.js with its version, or why it is missing. */
export async function openTfjs(
  backend: Extract<TfjsBackend, 'node' | 'wasm'>,
): Promise<{ readonly engine: Engine; readonly versions: TopicResult['versions'] } | string> {
  try {
    const engine = await createTfjsEngine({ backend });
    return { engine, versions: { [`TensorFlow.js (${backend})`]: engine.name } };
  } catch (error) {
    return reasonOf(error);
  }
}

/** Why native TensorFlow.js cannot be loaded; undefined if it can. */
export async function nativeObstacle(): Promise<string | undefined> {
  try {
    await loadTfjs({ backend: 'node' });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const { skipped = [] } = ((error as Error).cause ?? {}) as { skipped?: readonly SkippedBackend[] };
  return skipped[0]?.reason ?? (error as Error).message;
}
