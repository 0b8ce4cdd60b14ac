import type { Progress } from '@dpar/example-kit';
import { imagesAt, randomBatches } from '@dpar/example-kit/emoji';
import { crossEntropy, initializeParameters } from '@dpar/nn';
import { MovingMean } from '@dpar/report';
import { createRandom, type Engine, type HostTensor, int32, named, valueAndGradients } from '@dpar/tensor';
import { AdamW, clipFactor, cosineSchedule, globalNorm } from '@dpar/train';
import type { TrainingSettings } from '../settings.js';
import { type ClassifierConfig, classifier, classifierSpecs } from './network.js';

/** Images with their classes. */
export interface LabelledImages {
  /** [N, 64, 64, 3] */
  readonly pixels: Uint8Array;
  /** [N] */
  readonly labels: Int32Array;
}

/** Trains a classifier: cross-entropy, AdamW, cosine schedule. */
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
    const loss: Parameters<typeof valueAndGradients>[1] = (tape, all) => {
      const { logits } = classifier(tape, config, all, named(all, 'images'));
      return { loss: crossEntropy(tape, logits, named(all, 'labels')) };
    };
    const { outputs, gradients } = valueAndGradients(ops, loss, inputs, { of: 'loss', by });
    return { loss: named(outputs, 'loss'), ...gradients };
  });
  const optimizer = new AdamW(parameters, { betas: [0.9, 0.99], weightDecay: 0.05 });
  const schedule = cosineSchedule({ learningRate, steps, warmupSteps });
  const batches = randomBatches(labels.length, batchSize, createRandom(0, 7));
  const mean = new MovingMean(20);
  for (let done = 0; done < steps; done++) {
    const batch = batches.next().value;
    const { loss, ...gradients } = await step.run({
      ...parameters,
      images: imagesAt(pixels, batch),
      labels: int32(
        [batchSize],
        Array.from(batch, (image) => labels[image] as number),
      ),
    });
    optimizer.update(gradients, {
      learningRate: schedule(done),
      gradientScale: clipFactor(globalNorm(gradients), 1),
    });
    progress.update(done + 1, `loss ${mean.add(loss?.data[0] as number).toFixed(3)}`);
  }
  await step.dispose();
  return parameters;
}
