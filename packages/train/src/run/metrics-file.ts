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
   * Opens the file for the steps after `step`. Lines of later steps, repeated ones and half ones, as a killed run leaves
   * them, are cut out.
   */
  static async open(path: string, step: number): Promise<MetricsFile> {
    await writeFileAtomic(path, step > 0 ? linesUpTo(path, step) : '');
    return new MetricsFile(path, await open(path, 'a'));
  }

  async append(metrics: StepMetrics): Promise<void> {
    await this.file.appendFile(metricsLine(metrics)).catch((error: Error) => {
      // An open file does not know its path: that of a full disk would be missing.
      throw Object.assign(error, { path: this.path });
    });
  }

  /** Writes the lines to the disk: before a checkpoint of their step, so that none is missing where a run goes on. */
  async sync(): Promise<void> {
    await this.file.sync();
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

async function* linesUpTo(path: string, step: number): AsyncGenerator<Uint8Array> {
  const input = createReadStream(path);
  // A run may have been moved without this file.
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

/** The step of a line; undefined for a half one. */
function stepOf(line: string): number | undefined {
  try {
    const { step } = Object(JSON.parse(line));
    return Number.isInteger(step) ? step : undefined;
  } catch {
    return undefined;
  }
}
