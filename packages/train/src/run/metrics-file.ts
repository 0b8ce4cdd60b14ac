import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { writeFileAtomic } from '@dpar/io/node';
import { metricsLine, type StepMetrics } from '../trainer/metrics.js';

/** `metrics.jsonl` of a run: one line for each step, in order. */
export class MetricsFile {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /**
   * Opens the file for the steps after `step`. Lines of later steps, repeated lines and partial lines of a killed run are
   * removed.
   */
  static async open(path: string, step: number): Promise<MetricsFile> {
    await writeFileAtomic(path, step > 0 ? linesUpTo(path, step) : '');
    return new MetricsFile(path, await open(path, 'a'));
  }

  async append(metrics: StepMetrics): Promise<void> {
    await this.file.appendFile(metricsLine(metrics)).catch((error: Error) => {
      // Errors of an open file, such as a full disk, have no path.
      throw Object.assign(error, { path: this.path });
    });
  }

  /** Flushes the lines to the disk. Called before the checkpoint of their step, so a resumed run misses none. */
  async sync(): Promise<void> {
    await this.file.sync();
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

async function* linesUpTo(path: string, step: number): AsyncGenerator<Uint8Array> {
  const input = createReadStream(path);
  // The run may have been moved without this file.
  const missing = await new Promise<boolean>((resolve, reject) => {
    input.once('open', () => resolve(false));
    input.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? resolve(true) : reject(error)));
  });
  if (missing) return;
  let last = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const at = stepOf(line);
    if (at === undefined || at <= last || at > step) continue;
    last = at;
    yield new TextEncoder().encode(`${line}\n`);
  }
}

/** Step of a line; `undefined` for a partial line. */
function stepOf(line: string): number | undefined {
  try {
    const { step } = Object(JSON.parse(line));
    return Number.isInteger(step) ? step : undefined;
  } catch {
    return undefined;
  }
}
