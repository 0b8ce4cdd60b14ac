import { crossEntropy, initializeParameters } from '@dpar/nn';
import { createRandom, type Engine, type HostTensor, int32, named, valueAndGradients } from '@dpar/tensor';
import { AdamW, clipFactor, cosineSchedule, globalNorm } from '@dpar/train';
import type { Progress } from '../../../emoji/src/progress.js';
import { imagesAt } from '../../../emoji/src/stages/tokenizer.js';
import type { TrainingSettings } from '../settings.js';
import { type ClassifierConfig, classifier, classifierSpecs } from './network.js';

/** Images with their classes. */
export interface LabelledImages {
  /** [N, 64, 64, 3] */
  readonly pixels: Uint8Array;
  /** [N] */
  readonly labels: Int32Array;
}

/** Trains a classifier: cross-entropy, AdamW, half a cosine wave. */
export async function trainClassifier(
  engine: Engine,
  config: ClassifierConfig,
  { pixels, labels }: LabelledImages,
  { steps, batchSize, learningRate, warmupSteps }: TrainingSettings,
  progress: Progress,
): Promise<Record<string, HostTensor>> {
  const parameters = initializeParameters(classifierSpecs(config), 0);
  const by = Object.keys(parameters);
  const step = engine.compile((ops, inputs) => {
    const { outputs, gradients } = valueAndGradients(
      ops,
      (tapeOps, all) => {
        const { logits } = classifier(tapeOps, config, all, named(all, 'images'));
        return { loss: crossEntropy(tapeOps, logits, named(all, 'labels')) };
      },
      inputs,
      { of: 'loss', by },
    );
    return { loss: named(outputs, 'loss'), ...gradients };
  });
  const optimizer = new AdamW(parameters, { betas: [0.9, 0.99], weightDecay: 0.05 });
  const schedule = cosineSchedule({ learningRate, steps, warmupSteps });
  const random = createRandom(0, 7);
  let order: Int32Array = new Int32Array(0);
  let smoothed = Number.NaN;
  for (let done = 0; done < steps; done++) {
    if (order.length < batchSize) order = random.permutation(labels.length);
    const batch = order.subarray(0, batchSize);
    order = order.subarray(batchSize);
    const { loss, ...gradients } = await step.run({
      ...parameters,
      images: imagesAt(pixels, batch),
      labels: int32(
        [batch.length],
        batch.map((image) => labels[image] as number),
      ),
    });
    optimizer.update(gradients, {
      learningRate: schedule(done),
      gradientScale: clipFactor(globalNorm(gradients), 1),
    });
    const value = loss?.data[0] as number;
    smoothed = done === 0 ? value : 0.95 * smoothed + 0.05 * value;
    progress.update(done + 1, `loss ${smoothed.toFixed(3)}`);
  }
  await step.dispose();
  return parameters;
}
