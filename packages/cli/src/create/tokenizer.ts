import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cropVariants } from '@dpar/images';
import { writeCheckpoint } from '@dpar/io/node';
import { MovingMean } from '@dpar/report';
import {
  createRandom,
  type Engine,
  float32,
  type HostTensor,
  type HostTensorOf,
  int32,
  named,
  valueAndGradients,
} from '@dpar/tensor';
import {
  createTokenizer,
  fitCodebook,
  imagesFromBytes,
  initializePatchVq,
  type PatchVqConfig,
  patchesOfImages,
  patchVqKind,
  patchVqLoss,
  patchVqTrainable,
  patchWidthOf,
} from '@dpar/tokenizer';
import { AdamW, cosineSchedule } from '@dpar/train';
import type { Context } from '../command/command.js';
import { spread } from '../report/report.js';
import type { LabelledImages } from '../tokenize/labelled-images.js';
import type { Plan } from './plan.js';

/** Pictures that the tokenizer learns from. */
const mostPictures = 1500;

/** Trains the tokenizer of a run and writes its checkpoint. */
export async function trainTokenizer(
  engine: Engine,
  pictures: LabelledImages,
  plan: Plan,
  seconds: number,
  folder: string,
  context: Context,
  given?: number,
): Promise<void> {
  const output = join(folder, 'last');
  if (existsSync(output)) return;
  const size = plan.resolution;
  const config: PatchVqConfig = {
    imageSize: size,
    patchSize: plan.pixelsPerToken,
    codebookSize: plan.codes,
    hiddenDim: 256,
  };
  const chosen = spread([...Array(pictures.set.count).keys()], mostPictures);
  const pixels = new Uint8Array(chosen.length * 3 * size * size);
  for (const [i, index] of chosen.entries()) {
    for await (const image of pictures.set.read(index, 1)) {
      const [square] = cropVariants(image, { crop: 'center', flip: false, size, cropRange: 1 });
      if (square) pixels.set(square.data, i * square.data.length);
    }
  }
  const at = (rows: ArrayLike<number>): HostTensorOf<'float32'> => {
    const bytes = new Uint8Array(rows.length * 3 * size * size);
    for (let i = 0; i < rows.length; i++) {
      bytes.set(
        pixels.subarray((rows[i] as number) * 3 * size * size, ((rows[i] as number) + 1) * 3 * size * size),
        i * 3 * size * size,
      );
    }
    return imagesFromBytes(bytes, size);
  };
  const cut = engine.compile((ops, inputs) => ({
    patches: patchesOfImages(ops, named(inputs, 'images'), config.patchSize),
  }));
  const patches: Float32Array[] = [];
  for (let start = 0; start < chosen.length; start += 100) {
    const rows = Array.from({ length: Math.min(100, chosen.length - start) }, (_, i) => start + i);
    patches.push(named(await cut.run({ images: at(rows) }), 'patches').data as Float32Array);
  }
  await cut.dispose();
  const width = patchWidthOf(config);
  const all = new Float32Array(patches.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of patches) {
    all.set(part, offset);
    offset += part.length;
  }
  const progress = context.progress({ label: 'codebook', unit: 'rounds', total: 15 });
  const codebook = await fitCodebook(engine, float32([all.length / width, width], all), {
    codes: config.codebookSize,
    seed: plan.seed,
    iterations: 15,
    onIteration: (done) => progress.update(done),
  });
  progress.stop();
  context.signal.throwIfAborted();
  const parameters = initializePatchVq(config, codebook, plan.seed);
  const by = patchVqTrainable(config);
  const tokenizer = createTokenizer(engine, { kind: patchVqKind, config, parameters });
  const codes = await tokenizer.encode(at([...chosen.keys()]));
  const T = codes.shape[1] ?? 0;
  const step = engine.compile((ops, inputs) => {
    const loss: Parameters<typeof valueAndGradients>[1] = (tape, every) => ({
      loss: patchVqLoss(tape, config, every, named(every, 'codes'), named(every, 'images')),
    });
    const { outputs, gradients } = valueAndGradients(ops, loss, inputs, { of: 'loss', by });
    return { loss: named(outputs, 'loss'), ...gradients };
  });
  const optimizer = new AdamW(Object.fromEntries(by.map((name) => [name, named(parameters, name)])), {
    betas: [0.9, 0.99],
    weightDecay: 0,
  });
  const steps = given ?? Math.max(20, Math.min(4000, Math.round(seconds / 0.05)));
  const schedule = cosineSchedule({ learningRate: 4e-3, steps, warmupSteps: Math.min(20, steps - 1) });
  const random = createRandom(plan.seed, 2);
  const loss = new MovingMean(20);
  const bar = context.progress({ label: 'tokenizer', unit: 'steps', total: steps });
  for (let done = 0; done < steps; done++) {
    context.signal.throwIfAborted();
    const rows = Int32Array.from({ length: Math.min(16, chosen.length) }, () => random.integer(chosen.length));
    const tokens = int32([rows.length, T]);
    rows.forEach((row, i) => {
      tokens.data.set(codes.data.subarray(row * T, (row + 1) * T), i * T);
    });
    const outputs: Record<string, HostTensor> = await step.run({ ...parameters, codes: tokens, images: at(rows) });
    optimizer.update(outputs, { learningRate: schedule(done) });
    bar.update(done + 1, `${(10 * Math.log10(4 / loss.add(named(outputs, 'loss').data[0] as number))).toFixed(2)} dB`);
  }
  bar.stop();
  await step.dispose();
  await writeCheckpoint(output, patchVqKind.writeConfig(config), parameters);
}
