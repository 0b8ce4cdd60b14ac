import { readEntropyModelConfig } from '@dpar/entropy';
import { dparMatmulMacs, llamaGenMatmulMacs, readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import type { MetricsLine, ModelFigures } from '@dpar/report';
import { modelFromSettings, type TrainableModel, type TrainConfig } from '@dpar/train';

/** Size and cost of the model of a run. @param metrics They tell a DPAR model's patches; without them each is one token. */
export function modelFigures(settings: TrainConfig['model'], metrics: readonly MetricsLine[]): ModelFigures {
  const model = modelFromSettings(settings);
  return { kind: model.kind, parameters: countParameters(model.specs), forwardMacs: forwardMacs(model, metrics) };
}

function forwardMacs({ kind, configJson, predictedTokens }: TrainableModel, metrics: readonly MetricsLine[]): number {
  if (kind === 'entropy') return llamaGenMatmulMacs(readEntropyModelConfig(configJson));
  if (kind === 'llamagen') return llamaGenMatmulMacs(readLlamaGenConfig(configJson));
  const patches = metrics.map(({ mean_patch_length: length = 1 }) => predictedTokens / length);
  const mean = patches.reduce((sum, count) => sum + count, 0) / patches.length;
  return dparMatmulMacs(readDparConfig(configJson), patches.length > 0 ? mean : predictedTokens);
}
