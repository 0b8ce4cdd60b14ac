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

  constructor(private readonly onText: (text: string) => void = () => {}) {
    super();
  }

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(chunk.toString());
    done();
  }
}

/** Runs the command in this process. @param onNote Called with what it writes to stderr. */
export async function runCli(
  argv: readonly string[],
  signal?: AbortSignal,
  onNote?: (text: string) => void,
): Promise<CliRun> {
  const [stdout, stderr] = [new Capture(), new Capture(onNote)];
  const status = await run(argv, { stdout, stderr }, signal);
  return { status, stdout: stdout.text, stderr: stderr.text };
}
