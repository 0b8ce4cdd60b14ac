import { checkArguments } from '../check-arguments.js';
/** The metrics of one step by their names in `metrics.jsonl`: `step`, `loss`, ... What was not finite is NaN. */
export type MetricsLine = Readonly<Record<string, number>>;

/**
 * Reads the text of a `metrics.jsonl`, at any time: a last line that is half written is left out, as is any other that is
 * damaged. Where a run went on from an earlier step, the lines after that step are those of the later part.
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
