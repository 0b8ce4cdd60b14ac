import { formatSeconds, millions } from '@dpar/report';
import { countOf } from '../command/format.js';
import { costOf } from './configs.js';
import type { Plan } from './plan.js';
import type { Round } from './record.js';
import { type StageRecord, stageTitles, type TokenModel } from './stage.js';

/** Stages of a round as rows: name, planned time, time so far, work. */
export function describeStages({ plan, stages }: Round): [string, string, string, string][] {
  return stages.map((stage) => [
    stageTitles[stage.name],
    formatSeconds(60 * stage.minutes),
    stage.seconds > 0 ? formatSeconds(stage.seconds) : '',
    workOf(plan, stage),
  ]);
}

function workOf(plan: Plan, { name, steps }: StageRecord): string {
  const { codes, resolution, pixelsPerToken, training, validation, batchSize } = plan;
  const side = resolution / pixelsPerToken;
  switch (name) {
    case 'tokenizer':
      return `${codes} codes, ${side} x ${side} tokens of ${pixelsPerToken} px`;
    case 'tokens': {
      const variants = plan.crop === 'ten' ? ' in ten crops' : plan.flip ? ' and mirrored' : '';
      return `${countOf(training, 'picture')}${variants}, ${validation} for validation`;
    }
    case 'result':
      return 'grid and report';
    default:
      return `${modelText(plan, name)}, ${countOf(steps ?? 0, 'step')} of ${batchSize} pictures`;
  }
}

function modelText({ models }: Plan, name: TokenModel): string {
  const model = models[name];
  return model === undefined ? '' : `${millions(costOf(model).parameters)} parameters`;
}
