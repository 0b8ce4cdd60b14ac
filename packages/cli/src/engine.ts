import { createOrtEngine } from '@dpar/engine-ort';
import type { Engine } from '@dpar/tensor';
import { CommandError } from './errors.js';
import type { Globals } from './globals.js';

/** Which engine, and how it computes. */
export type EngineOptions = Pick<Globals, 'engine' | 'device' | 'threads'>;

/** @throws CommandError if the engine is not part of this version; DparError if its runtime is not installed. */
export function createEngine({ engine, device, threads }: EngineOptions): Promise<Engine> {
  if (engine === 'tfjs') {
    throw new CommandError(
      '--engine tfjs: expected the TensorFlow.js engine (@dpar/engine-tfjs), got a version without it. Use --engine ort.',
    );
  }
  return createOrtEngine({ device, ...(threads !== undefined && { threads }) });
}
