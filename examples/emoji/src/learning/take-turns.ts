import type { Progress } from '@dpar/example-kit';
import type { StepMetrics } from '@dpar/train';

/** Takes a step of each run in turn, so that other load on the machine slows all of them alike. */
export async function takeTurns<Run extends { readonly name: string; readonly steps: AsyncIterator<StepMetrics> }>(
  runs: readonly Run[],
  progress: Progress,
  onStep: (run: Run, metrics: StepMetrics) => void = () => {},
): Promise<void> {
  const notes = new Map<string, string>();
  const validation = new Map<string, string>();
  for (let running = [...runs]; running.length > 0; ) {
    const left: Run[] = [];
    for (const run of running) {
      const { done, value: metrics } = await run.steps.next();
      if (done) continue;
      left.push(run);
      onStep(run, metrics);
      const { loss, validationLoss } = metrics;
      if (validationLoss !== undefined) validation.set(run.name, ` (validation ${validationLoss.toFixed(3)})`);
      notes.set(run.name, `${run.name} ${loss.toFixed(3)}${validation.get(run.name) ?? ''}`);
      progress.update(metrics.step, [...notes.values()].join(' · '));
    }
    running = left;
  }
}
