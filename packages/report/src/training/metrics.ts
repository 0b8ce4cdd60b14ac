import { checkArguments } from '../check-arguments.js';
/** Metrics of one step by their names in `metrics.jsonl`: `step`, `loss`, ... Values that are not finite are NaN. */
export type MetricsLine = Readonly<Record<string, number>>;

/**
 * Parses the text of a `metrics.jsonl`. Incomplete and damaged lines are skipped, so a running training can be read. If a run was
 * resumed from an earlier step, later lines replace those of the same steps.
 * @returns The steps in ascending order.
 */
export function parseMetrics(text: string): MetricsLine[] {
  checkArguments('parseMetrics', { text }, { text: 'string' });
  const lines: MetricsLine[] = [];
  for (const line of text.split('\n')) {
    const metrics = parseLine(line);
    if (metrics === undefined) continue;
    while ((lines.at(-1)?.step ?? 0) >= (metrics.step as number)) lines.pop();
    lines.push(metrics);
  }
  return lines;
}

function parseLine(line: string): MetricsLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('step' in value) || typeof value.step !== 'number') {
    return undefined;
  }
  // JSON has no NaN and no infinity: both are written as null.
  const metrics: Record<string, number> = {};
  for (const [name, entry] of Object.entries(value)) {
    if (typeof entry === 'number' || entry === null) metrics[name] = entry ?? Number.NaN;
  }
  return metrics;
}
