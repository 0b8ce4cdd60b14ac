import type { Model } from '@dpar/nn';
import { float32, type HostTensor, type Tensors } from '@dpar/tensor';
import type { AdamW } from '../optimizer/adamw.js';
import type { StepMetrics } from './metrics.js';

/** A trainer as a run drives it and its checkpoints keep it. */
export interface RunTrainer {
  readonly model: Model;
  readonly seed: number;
  /** Number of finished steps. */
  readonly step: number;
  /**
   * The parameters, changed by each step. They, `average` and `state` may be those of an earlier step until
   * {@link RunTrainer.download}.
   */
  readonly parameters: Tensors<HostTensor>;
  /** Moving average of the parameters, if there is one. */
  readonly average: Tensors<HostTensor> | undefined;
  /** Runs the remaining steps and yields the metrics of each. Ends after a whole step when the signal is aborted. */
  run(signal?: AbortSignal): AsyncGenerator<StepMetrics>;
  /** Copies what the engine has in memory of its own to the host: undefined if that is nothing. */
  download?(): Promise<void>;
  /** Content of the model's config.json after this step. */
  configNow(): Promise<Record<string, unknown>>;
  /** All further tensors that the next steps depend on, by name: shared, not copied. */
  state(): Record<string, HostTensor>;
  /** Continues after a step, once parameters and {@link state} have their values of that step. */
  resumeAt(step: number): void;
  dispose(): Promise<void>;
}

/** Prefixes of the names of moments, as in PyTorch. */
export const momentPrefixes = { first: 'exp_avg.', second: 'exp_avg_sq.' } as const;

/** Moments of all parameters of an optimizer by PyTorch's names: shared, not copied. */
export function optimizerTensors(parameters: Tensors<HostTensor>, optimizer: AdamW): Record<string, HostTensor> {
  const tensors: Record<string, HostTensor> = {};
  for (const [name, { first, second }] of Object.entries(optimizer.moments)) {
    const shape = parameters[name]?.shape ?? [];
    tensors[momentPrefixes.first + name] = float32(shape, first);
    tensors[momentPrefixes.second + name] = float32(shape, second);
  }
  return tensors;
}

/** Options of a trainer about validation, and the steps of the whole run. */
interface ValidationPlan {
  readonly validation?: unknown;
  readonly validateEvery?: number | undefined;
  readonly steps: number;
}

/** Returns true if the validation data are measured after a step: every `validateEvery` steps and after the last. */
export function validationIsDue({ validation, validateEvery, steps }: ValidationPlan, step: number): boolean {
  if (validation === undefined) return false;
  return step === steps || (validateEvery !== undefined && step % validateEvery === 0);
}
