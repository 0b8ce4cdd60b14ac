import { join } from 'node:path';
import { readTrainConfig, type StepMetrics, trainConfigKeys } from '@dpar/train';
import { type DataProgress, runFiles, train as trainRun } from '@dpar/train/node';
import { defineCommand } from '../command.js';
import type { Context } from '../context.js';
import { CommandError } from '../errors.js';
import { readJsonObject } from '../json-file.js';
import { assignment, file, folder, optional, repeated, required } from '../options.js';
import { type Progress, silent } from '../progress.js';
import { formatList } from '../table.js';

export const train = defineCommand({
  name: 'train',
  summary: 'trains an entropy model, a LlamaGen or a DPAR model',
  details: `The configuration is JSON. Its keys, of which 'model.preset' gives most of the model's:\n\n${keyTable()}`,
  options: {
    config: required(file, 'configuration, JSON'),
    output: optional(folder, "folder to write, in place of the configuration's"),
    set: repeated(assignment, 'changes the configuration, as in optimizer.learning_rate=1e-3'),
  },
  run: async ({ config: path, output, set }, context) => {
    const json = await readJsonObject(path);
    const changes = output === undefined ? set : [...set, `output=${JSON.stringify(output)}`];
    const config = readTrainConfig(json, changes);
    const engine = await context.engine();
    context.note(`train: ${config.model.kind}, ${config.steps} steps of ${config.batch_size} images, ${engine.name}`);
    const data = dataProgress(context);
    let progress = silent;
    const onStart = (): void => {
      data.stop();
      progress = context.progress({ label: 'train', unit: 'steps', total: config.steps });
    };
    const begin = performance.now();
    let last: StepMetrics | undefined;
    let validationLoss: number | undefined;
    let [stepSeconds, waitSeconds] = [0, 0];
    try {
      for await (const metrics of trainRun(engine, config, context.signal, { onData: data.update, onStart })) {
        last = metrics;
        stepSeconds += metrics.seconds;
        waitSeconds += metrics.waitSeconds;
        validationLoss = metrics.validationLoss ?? validationLoss;
        progress.update(metrics.step, noteOf(metrics.loss, validationLoss));
      }
    } finally {
      data.stop();
      progress.stop();
    }
    const checkpoint = join(config.output, runFiles.checkpoint);
    if (context.signal.aborted && last !== undefined) context.note(`train: step ${last.step} is in ${checkpoint}`);
    context.signal.throwIfAborted();
    if (last === undefined) throw new CommandError('expected steps to train, got none. Check the configuration.');
    const seconds = (performance.now() - begin) / 1000;
    return {
      data: {
        steps: last.step,
        loss: last.loss,
        validation_loss: validationLoss ?? null,
        seconds,
        wait_share: waitSeconds / stepSeconds,
        engine: engine.name,
        output: config.output,
        checkpoint,
      },
      text: `${last.step} steps, ${noteOf(last.loss, validationLoss)} nats per token, ${((100 * waitSeconds) / stepSeconds).toFixed(1)} % of the time waiting for data; checkpoint in ${checkpoint}`,
    };
  },
});

/** Shows how far the preparation of the data is, a bar for each stage. */
function dataProgress(context: Context): { update(progress: DataProgress): void; stop(): void } {
  let shown: { readonly stage: DataProgress['stage']; readonly progress: Progress } | undefined;
  const stop = (): void => {
    shown?.progress.stop();
    shown = undefined;
  };
  return {
    update({ stage, done, total }) {
      if (shown?.stage !== stage) {
        stop();
        shown = { stage, progress: context.progress({ label: stage, unit: 'images', total, start: done }) };
      }
      shown?.progress.update(done);
      if (done >= total) stop();
    },
    stop,
  };
}

function noteOf(loss: number, validationLoss: number | undefined): string {
  return `loss ${loss.toFixed(4)}${validationLoss === undefined ? '' : `, validation ${validationLoss.toFixed(4)}`}`;
}

function keyTable(): string {
  const rows = trainConfigKeys('dpar').map(({ key, description }) => [`  ${key}`, description] as const);
  return formatList(rows);
}
