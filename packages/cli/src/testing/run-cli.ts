import { Writable } from 'node:stream';
import { run } from '../cli.js';

/** Output and exit status of a run of the command. */
export interface CliRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Capture extends Writable {
  text = '';

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs the command in this process. */
export async function runCli(argv: readonly string[], signal?: AbortSignal): Promise<CliRun> {
  const [stdout, stderr] = [new Capture(), new Capture()];
  const status = await run(argv, { stdout, stderr }, signal);
  return { status, stdout: stdout.text, stderr: stderr.text };
}
