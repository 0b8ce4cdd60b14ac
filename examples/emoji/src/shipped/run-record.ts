import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median, parseMetrics } from '@dpar/report';
import { readTrainerState, runFiles } from '@dpar/train/node';
import type { RunName } from './settings.js';

/** How long a run trained until its best weights. */
export async function runRecord(folder: string, name: RunName): Promise<{ steps: number; hours: number }> {
  const { step: steps } = await readTrainerState(join(folder, name, runFiles.best));
  const metrics = parseMetrics(await readFile(join(folder, name, runFiles.metrics), 'utf8'));
  const seconds = metrics.filter(({ step }) => (step as number) <= steps).map((line) => line.seconds as number);
  // Not their sum: a machine that slept counted its sleep into a step.
  return { steps, hours: (steps * median(seconds)) / 3600 };
}

/** The configuration of a run, with paths that are relative to the folder of all runs. */
export async function trainingConfig(folder: string, name: RunName): Promise<unknown> {
  const text = await readFile(join(folder, `${name}.json`), 'utf8');
  const { output } = JSON.parse(text) as { output: string };
  const root = output.slice(0, -name.length);
  return JSON.parse(text, (_, value) =>
    typeof value === 'string' && value.startsWith(root) ? value.slice(root.length) : value,
  );
}
