import { join } from 'node:path';
import type { FeatureNetwork } from '@dpar/eval';
import { isDparError } from '@dpar/tensor';
import { isTokenizerConfig, readTrainConfig, type StepMetrics, type TrainConfig, trainConfigKeys } from '@dpar/train';
import { runFiles, stepFolder, type TrainOptions, train as trainRun } from '@dpar/train/node';
import { type Context, defineCommand } from '../command/command.js';
import { CommandError, InterruptedError } from '../command/errors.js';
import { assignment, file, flag, optional, outputFolder, repeated, required } from '../command/options.js';
import { checkOutput } from '../command/output-place.js';
import { helpWidth } from '../command/program.js';
import { loadFeatureNetwork, type NetworkValues, networkOptions } from '../images/feature-network.js';
import { type JsonObject, readJsonObject } from '../input-files.js';
import { dataProgress } from '../train/data-progress.js';
import { picturesNote, validationNote } from '../train/display.js';
import { validationOfHead, validationOfTokenizer } from '../train/state.js';
import { TrainWatch } from '../train/watch.js';

export const train = defineCommand({
  name: 'train',
  summary: 'Train a tokenizer, an entropy model, a LlamaGen model or a DPAR model',
  details:
    "The configuration is a JSON file. 'model.preset' sets most keys of the model. All keys of a DPAR model's training:\n\n" +
    `${keyTable('dpar')}\n\nAll keys of a tokenizer's training:\n\n${keyTable('vq')}`,
  options: {
    config: required(file, 'training configuration, .json'),
    output: optional(outputFolder, "output folder, instead of the configuration's"),
    resume: flag('resume from the newest checkpoint of the output folder, or start a new run if it has none'),
    set: repeated(assignment, 'set a key of the configuration, such as optimizer.learning_rate=1e-3'),
  },
  run: async ({ config: path, output, set, resume }, context) => {
    const json = await readJsonObject(path);
    const changes = output === undefined ? set : [...set, `output=${JSON.stringify(output)}`];
    const config = configIn(path, json, changes);
    await checkOutput("the configuration's output", config.output, 'folder');
    const engine = await context.engine();
    context.note(`train: ${config.model.kind}, ${config.steps} steps of ${config.batch_size} images, ${engine.name}`);
    const features = await featuresOf(config, context);
    if (features !== undefined) context.note(`train: rFID by ${features.name}, resize ${features.resize}`);
    const run = followRun(config, await TrainWatch.create(config, engine, context, { resume, features }), context);
    const begin = performance.now();
    let last: StepMetrics | undefined;
    let validationLoss: number | undefined;
    let head: ReturnType<typeof validationOfHead>;
    let pictures: ReturnType<typeof validationOfTokenizer>;
    let [stepSeconds, waitSeconds] = [0, 0];
    try {
      for await (const metrics of trainRun(engine, config, {
        signal: context.signal,
        resume,
        features,
        ...run.options,
      })) {
        last = metrics;
        stepSeconds += metrics.seconds;
        waitSeconds += metrics.waitSeconds;
        validationLoss = metrics.validationLoss ?? validationLoss;
        head = validationOfHead(metrics) ?? head;
        pictures = validationOfTokenizer(metrics) ?? pictures;
        await run.watch.step(metrics);
      }
    } catch (error) {
      // The first error is the one to report.
      await run.end(context.signal.aborted ? 'interrupted' : 'failed', error).catch(() => {});
      if (run.newest !== undefined) context.note(`train: ${run.newest}. Run with --resume to continue from there`);
      throw error;
    } finally {
      await features?.dispose();
    }
    await run.end(context.signal.aborted ? 'interrupted' : 'done');
    if (context.signal.aborted && run.newest !== undefined) {
      throw new InterruptedError(`interrupted. ${run.newest}. Run the same command with --resume to continue.`);
    }
    context.signal.throwIfAborted();
    const checkpoint = join(config.output, runFiles.last);
    const { steps } = config;
    const unit = unitOf(config);
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    return {
      data: {
        steps,
        resumed_from: run.start,
        loss: last?.loss ?? null,
        validation_loss: validationLoss ?? null,
        ...(last?.boundaryLoss !== undefined && { boundary_loss: last.boundaryLoss }),
        ...(head && {
          validation_boundary_loss: head.loss,
          validation_boundary_correlation: head.correlation,
          validation_boundary_agreement: head.agreement,
        }),
        ...(last?.codesInUse !== undefined && { codes_in_use: last.codesInUse }),
        ...(pictures && {
          psnr: pictures.psnr,
          ssim: Number.isNaN(pictures.ssim) ? null : pictures.ssim,
          validation_codes_in_use: pictures.codesInUse,
          ...(pictures.fid !== undefined && {
            rfid: pictures.fid,
            rfid_images: pictures.images,
            rfid_network: features?.name,
            rfid_resize: features?.resize,
          }),
        }),
        wait_share: stepSeconds > 0 ? waitSeconds / stepSeconds : 0,
        seconds: (performance.now() - begin) / 1000,
        checkpoint_seconds: run.checkpointSeconds,
        peak_rss_bytes: peakBytes,
        engine: engine.name,
        output: config.output,
        checkpoint,
      },
      text: last
        ? `${steps} steps, ${noteOf(last.loss, validationLoss)}${unit}${head ? `, ${validationNote(head)}` : ''}${pictures ? `, ${picturesNote(pictures)}` : ''}, ${((100 * waitSeconds) / stepSeconds).toFixed(1)} % of the time waiting for ${isTokenizerConfig(config) ? 'pictures' : 'data'}, peak memory ${(peakBytes / 1e9).toFixed(1)} GB; checkpoint in ${checkpoint}`
        : `${steps} steps, all finished before; checkpoint in ${checkpoint}`,
    };
  },
});

/** The feature network of a tokenizer's configuration, as `dpar eval --features` loads it. */
async function featuresOf(config: TrainConfig, context: Context): Promise<FeatureNetwork | undefined> {
  if (!isTokenizerConfig(config) || config.features === null) return undefined;
  const defaults = Object.fromEntries(Object.keys(networkOptions).map((name) => [name, undefined])) as NetworkValues;
  const { network, range, size: imageSize, tokens } = config.features;
  return loadFeatureNetwork(network, { ...defaults, range, imageSize, tokens }, context);
}

/** Connects a run to its watch, and remembers its newest checkpoint. */
function followRun({ steps, output }: TrainConfig, watch: TrainWatch, context: Context) {
  const data = dataProgress(context);
  const whereIs = (step: number): string => `Step ${step} of ${steps} is in '${stepFolder(output, step)}'`;
  const run = {
    watch,
    /** Steps of an earlier run. */
    start: 0,
    checkpointSeconds: 0,
    /** Sentence about the newest checkpoint. */
    newest: undefined as string | undefined,
    async end(...how: Parameters<TrainWatch['end']>) {
      data.stop();
      await watch.end(...how);
    },
    options: {
      onData: data.update,
      onNote: (text) => context.note(`train: ${text}`),
      onStart: (step, trainer) => {
        data.stop();
        run.start = step;
        if (step > 0) run.newest = whereIs(step);
        return watch.start(step, trainer);
      },
      onCheckpoint: ({ step, seconds }) => {
        run.newest = whereIs(step);
        run.checkpointSeconds += seconds;
        watch.checkpoint(seconds);
      },
    } satisfies TrainOptions,
  };
  return run;
}

/** Unit of the loss, after a space; none for a tokenizer, whose loss is a sum of different terms. */
function unitOf(config: TrainConfig): string {
  if (isTokenizerConfig(config)) return '';
  return config.train === 'boundary_head' ? ' nats²' : ' nats per token';
}

function noteOf(loss: number, validationLoss: number | undefined): string {
  return `loss ${loss.toFixed(4)}${validationLoss === undefined ? '' : `, validation ${validationLoss.toFixed(4)}`}`;
}

/** All keys of the configuration of a kind of model with their descriptions, in two columns. */
function keyTable(kind: string): string {
  const keys = trainConfigKeys(kind);
  const nameWidth = Math.max(...keys.map(({ key }) => key.length)) + 4;
  const separator = `\n${' '.repeat(nameWidth)}`;
  return keys
    .map(
      ({ key, description }) =>
        `  ${key}`.padEnd(nameWidth) + wrapped(description, helpWidth - nameWidth).join(separator),
    )
    .join('\n');
}

/** Breaks a text between words into lines of at most `width` characters. */
function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

/** The training configuration of a file. @throws CommandError that names the file. */
function configIn(path: string, json: JsonObject, changes: readonly string[]): TrainConfig {
  try {
    return readTrainConfig(json, changes);
  } catch (cause) {
    if (!isDparError(cause)) throw cause;
    const message = `expected a training configuration in '${path}', got a wrong one. ${cause.message}`;
    throw new CommandError(message, { cause });
  }
}
