import { listOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';
import { median } from '../curve.js';
import { figure } from '../format.js';
import { type Html, html, table } from '../html.js';
import { type TrainingRun, trainingFlop, trainingRunKinds } from './run.js';

/** Median time of a step, by part. */
interface StepTime {
  readonly name: string;
  readonly kind: string;
  /** Floating-point operations of a step, 10^9. */
  readonly gigaFlop: number;
  /** Milliseconds. */
  readonly whole: number;
  readonly optimizer: number;
  readonly wait: number;
  /** The rest of the step. */
  readonly passes: number;
}

/** Times of a run; undefined without its model, its batch size or times. Steps that compiled a graph are left out. */
function stepTimeOf({ name, model, settings, metrics }: TrainingRun): StepTime | undefined {
  const batchSize = Number(settings.batch_size);
  const usual = metrics.filter(({ graphs = 0 }, i) => graphs <= (metrics[i - 1]?.graphs ?? 0));
  const milliseconds = (key: string): number => 1000 * median(usual.map((line) => line[key] ?? 0));
  const whole = milliseconds('seconds');
  if (model === undefined || !Number.isFinite(batchSize) || !(whole > 0)) return undefined;
  const [optimizer, wait] = [milliseconds('optimizer_seconds'), milliseconds('wait_seconds')];
  const gigaFlop = (batchSize * trainingFlop(model)) / 1e9;
  return { name, kind: model.kind, gigaFlop, whole, optimizer, wait, passes: whole - optimizer - wait };
}

/**
 * Compares the time of a training step of two runs with their operations, and explains the difference by where the time goes.
 * @param runs The run in question, and the one that it is compared with.
 * @returns undefined unless both have a model, a batch size and measured times.
 */
export function stepTimes(runs: readonly [TrainingRun, TrainingRun]): Html | undefined {
  checkArguments('stepTimes', { runs }, { runs: listOf(trainingRunKinds) });
  const [ours, theirs] = runs.map(stepTimeOf);
  if (ours === undefined || theirs === undefined) return undefined;
  const row = (name: string, of: (time: StepTime) => number) => [
    name,
    figure(of(ours)),
    figure(of(theirs)),
    of(theirs) > 0 ? (of(ours) / of(theirs)).toFixed(2) : '',
  ];
  return html`<p>${explanation(ours, theirs)}</p>
${table(
  ['One step', ours.name, theirs.name, 'Ratio'],
  [
    row('Operations, GFLOP', ({ gigaFlop }) => gigaFlop),
    row('Time, ms, median', ({ whole }) => whole),
    row('Forward and backward, ms', ({ passes }) => passes),
    row('Optimizer, ms', ({ optimizer }) => optimizer),
    row('Waiting for data, ms', ({ wait }) => wait),
    row('GFLOP per second, forward and backward', speedOf),
  ],
)}`;
}

const speedOf = ({ gigaFlop, passes }: StepTime): number => (1000 * gigaFlop) / passes;

function explanation(ours: StepTime, theirs: StepTime): string {
  const [time, work] = [ours.whole / theirs.whole, ours.gigaFlop / theirs.gigaFlop];
  const text = `A step of ${ours.name} takes ${time.toFixed(2)} of the time of ${theirs.name} (${work.toFixed(2)} by operations).`;
  const surplus = ours.whole - work * theirs.whole;
  if (Math.abs(time - work) < 0.02) return `${text} Time follows the operations.`;
  const fixed = ours.optimizer + ours.wait - work * (theirs.optimizer + theirs.wait);
  const passes = surplus - fixed;
  const amount = (value: number): string => `${figure(Math.abs(value), 2)} ms ${value < 0 ? 'less' : 'more'}`;
  const patches =
    ours.kind === 'dpar' && theirs.kind === 'llamagen'
      ? ' DPAR has more and smaller operators: three transformers, gathers into patches and back. Calls and copies take time that no operation counts.'
      : '';
  return (
    `${text} In proportion to the operations it would take ${figure(work * theirs.whole)} ms. The optimizer and reading, which do not depend on the ` +
    `number of positions, take ${amount(fixed)}. Forward and backward take ${amount(passes)}: they run at ${figure(speedOf(ours))} GFLOP per second, ` +
    `those of ${theirs.name} at ${figure(speedOf(theirs))}.${patches}`
  );
}
