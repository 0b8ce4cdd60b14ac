import type { JsonObject } from '../input-files.js';

/** Stages that train a model, in order. */
export const trainingStages = ['tokenizer', 'entropy', 'dpar', 'llamagen'] as const;
export type TrainingStage = (typeof trainingStages)[number];

/** Stages of a run. */
export type StageName = TrainingStage | 'tokens' | 'result';

/** Names of stages for people. */
export const stageTitles: Readonly<Record<StageName, string>> = {
  tokenizer: 'Tokenizer',
  tokens: 'Tokens',
  entropy: 'Entropy model',
  dpar: 'DPAR',
  llamagen: 'LlamaGen',
  result: 'Result',
};

/** Models of tokens that a run trains. */
export type TokenModel = 'entropy' | 'dpar' | 'llamagen';

/** State of a stage. */
export interface StageRecord {
  readonly name: StageName;
  /** Minutes in the plan. */
  minutes: number;
  /** Steps of a training stage: those of the plan, until it starts. */
  steps?: number;
  /** Seconds so far, in all processes. */
  seconds: number;
  done: boolean;
  /** Training configuration, without paths. It is fixed when the stage starts, so that a resumed run has the same one. */
  config?: JsonObject;
  /** Figures of the result. */
  figures: Record<string, number>;
}
