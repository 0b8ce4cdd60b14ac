import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { findPython } from '@dpar/example-kit';
import type { StoredTensor } from '@dpar/io';
import { readNpz, writeNpz } from '@dpar/io/node';
import type { HostTensor } from '@dpar/tensor';

/** Input of a script. */
export interface PeerInput {
  /** Threads of its computations. */
  readonly threads: number;
  /** Other settings of the script. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Arrays by name. Without them the script gets none. */
  readonly inputs?: Readonly<Record<string, HostTensor>>;
}

interface Greeting {
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly string[];
  /** Why packages are missing, by their names. */
  readonly missing: Readonly<Record<string, string>>;
}

type Answer = { readonly seconds: number } | { readonly error: string };

/** A script of the folder `python` in a process of its own, which computes named cases. See `python/peer.py`. */
export class PythonPeer {
  private results = 0;
  private stopped = false;

  private constructor(
    /** Folder of its files. It is removed in the end. */
    readonly folder: string,
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly lines: AsyncIterator<string>,
    private readonly greeting: Greeting,
  ) {}

  /** Starts a script. @returns The reason if it cannot run, such as a missing Python. */
  static async start(script: string, { threads, settings = {}, inputs }: PeerInput): Promise<PythonPeer | string> {
    const python = await findPython('numpy');
    if (python === undefined) return 'no Python with NumPy was found';
    const folder = await mkdtemp(join(tmpdir(), 'dpar-peer-'));
    await writeFile(join(folder, 'settings.json'), JSON.stringify({ ...settings, threads }));
    if (inputs !== undefined) await writeNpz(join(folder, 'inputs.npz'), inputs);
    const program = fileURLToPath(new URL(`../python/${script}`, import.meta.url));
    const variables = {
      OMP_NUM_THREADS: `${threads}`,
      OPENBLAS_NUM_THREADS: `${threads}`,
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const env = { ...process.env, ...variables };
    const child = spawn(python.command, [program, folder], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    // A process that has ended does not read. Its missing answer says so.
    child.stdin.on('error', () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (!first.done) return new PythonPeer(folder, child, lines, JSON.parse(first.value) as Greeting);
    await rm(folder, { recursive: true, force: true });
    return `${script} ended early, see its messages`;
  }

  /** Versions of its packages by name. */
  get versions(): Readonly<Record<string, string>> {
    return this.greeting.versions;
  }

  /** Why a package is missing; undefined if it is there. */
  missing(name: string): string | undefined {
    return this.greeting.missing[name];
  }

  has(name: string): boolean {
    return this.greeting.cases.includes(name);
  }

  /** Seconds of one run of a case, the mean of several. @throws Error if the case or the process fails. */
  async seconds(name: string, repeat = 1): Promise<number> {
    return (await this.ask({ case: name, repeat })).seconds;
  }

  /** Runs a case once. @returns Its arrays and numbers by name. @throws Error if the case or the process fails. */
  async result(name: string): Promise<ReadonlyMap<string, StoredTensor>> {
    const into = join(this.folder, `result-${this.results++}.npz`);
    await this.ask({ case: name, repeat: 1, into });
    const found = await readNpz(into);
    await rm(into);
    return found;
  }

  /** Ends the process and removes its files. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill();
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async ask(request: Readonly<Record<string, unknown>>): Promise<{ readonly seconds: number }> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.lines.next();
    if (line.done) throw new Error(`expected an answer for '${request.case}', got the end of the process.`);
    const answer = JSON.parse(line.value) as Answer;
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }
}
