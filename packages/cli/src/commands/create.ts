import { defineCommand } from '../command/command.js';
import { formatList } from '../command/format.js';
import * as option from '../command/options.js';
import { createModel } from '../create/create-model.js';
import { ladder } from '../create/ladder.js';
import type { CreateRun } from '../create/run.js';
import type { StageName } from '../create/stage.js';
import { backgroundOption, readingOnto } from '../images/options.js';

/** Resolutions in pixels. */
const resolutions = ['32', '64', '128'] as const;

export const create = defineCommand({
  name: 'create',
  summary: 'Make a model that draws pictures like those of a folder',
  details:
    'Pictures: a folder of images, or one with a subfolder for each class. Files are turned upright, and transparent pixels get the ' +
    'colour of --background. Files that cannot be read are named and left out.\n\n' +
    'The command trains a tokenizer, an entropy model and DPAR in about the given minutes. It plans sizes and steps after a ' +
    'short measurement of this machine.\n\n' +
    'Output: create.json (settings and plan), grid.png and grids/, report.html, the training runs, and model/, the finished model.\n\n' +
    'Resume: run the same command again. Continue a finished run: the same command with more --minutes trains its models for ' +
    'the difference. Start with the models of another run: --from.',
  options: {
    pictures: option.positional('PICTURES', option.folder, 'folder of pictures'),
    output: option.required(option.outputFolder, 'output folder of the run'),
    minutes: option.optional(option.number({ above: 0, to: 100_000 }), 'minutes in all', 30),
    resolution: option.optional(
      option.choice(resolutions),
      'width and height of the drawn pictures in pixels (default: 64, or 32 for smaller pictures)',
    ),
    from: option.optional(
      option.path,
      'model to start from, whose tokenizer is kept: a run, a model folder or an installed package such as @dpar/emoji',
    ),
    compare: option.flag('also train a LlamaGen of the same size, to compare'),
    background: backgroundOption,
    noFlip: option.flag('do not mirror pictures in training: for writing, or pictures with a left and a right side'),
    size: option.optional(
      option.choice(ladder.map(({ name }) => name)),
      'size of the models (default: the largest that the minutes and the pictures suffice for)',
    ),
    seed: option.optional(option.wholeNumber(0), 'seed of everything random', 0),
    set: option.repeated(
      option.assignment,
      'set a key of a training configuration, such as dpar.steps=2000 (keys: dpar train --help)',
    ),
  },
  run: async ({ resolution, background, noFlip, ...values }, context) => {
    const request = {
      ...values,
      resolution: resolution === undefined ? undefined : Number(resolution),
      background: readingOnto(background).background,
      flip: !noFlip,
    };
    const { run, wasDone } = await createModel(request, context);
    return { data: figuresOf(run), text: textOf(run, wasDone) };
  },
});

function figuresOf(run: CreateRun) {
  const { pictures, plan, record, request } = run;
  const loss = (name: StageName) => run.figure(name, 'validation_loss') ?? null;
  return {
    output: request.output,
    model: run.path('model'),
    grid: run.path('grid.png'),
    report: run.path('report.html'),
    images: pictures.set.count,
    classes: pictures.classes,
    left_out: pictures.facts.leftOut,
    minutes: run.round.minutes,
    resolution: plan.resolution,
    size: plan.size,
    psnr: run.figure('result', 'psnr') ?? null,
    entropy_loss: loss('entropy'),
    dpar_loss: loss('dpar'),
    ...(request.compare && { llamagen_loss: loss('llamagen') }),
    stages: record.rounds.flatMap(({ stages }, round) =>
      stages.map(({ name, minutes, seconds, steps }) => ({
        round: round + 1,
        name,
        minutes,
        seconds,
        steps: steps ?? null,
      })),
    ),
    engine: run.engine.name,
  };
}

function textOf(run: CreateRun, wasDone: boolean): string {
  const { request, pictures } = run;
  const { output } = request;
  const classes = pictures.classes.length > 1 ? `0-${Math.min(7, pictures.classes.length - 1)}` : '0';
  const shown = (name: StageName) => run.figure(name, 'validation_loss')?.toFixed(3) ?? '-';
  const model = run.path('model');
  return [
    ...(wasDone ? [`All was done before. More --minutes continue the training.`] : []),
    formatList([
      ['model', model],
      ['grid', run.path('grid.png')],
      ['report', run.path('report.html')],
      ['tokenizer', `${run.figure('result', 'psnr')?.toFixed(1) ?? '-'} dB PSNR`],
      ['DPAR', `${shown('dpar')} nats per token, validation`],
      ...(request.compare ? [['LlamaGen', `${shown('llamagen')} nats per token, validation`] as [string, string]] : []),
    ]),
    '',
    'Next:',
    formatList([
      [`  dpar sample --checkpoint ${output} --classes ${classes} --count 16 --output pictures.png`, 'draw'],
      [`  dpar create ${request.pictures} --output ${output} --minutes ${2 * request.minutes}`, 'train for longer'],
      [`  dpar play ${output}`, 'try it in a page'],
      [`  dpar page --model ${output} --output site`, 'put it on a web page'],
    ]),
  ].join('\n');
}
