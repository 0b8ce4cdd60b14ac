import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Progress, Stages } from '@dpar/example-kit';
import { writeJson } from '@dpar/io/node';
import { type Cache, digestOf } from './cache.js';
import type { TimeLeft } from './time-left.js';

/** Time that an entry of the cache took in all sittings, including work that an interruption lost. */
export interface WorkTime {
  /** Folder and name of the entry. */
  readonly id: string;
  readonly name: string;
  /** Steps of a training run; tokens or images of other work. */
  readonly total: number;
  /** Wall-clock time. */
  readonly seconds: number;
  /** Processor time of all threads. */
  readonly cpuSeconds: number;
  /** Number of sittings: more than one if it was interrupted. */
  readonly sittings: number;
}

/** An entry of the cache that takes time to make. */
export interface Work {
  /** Folder of entries of its kind. */
  readonly kind: string;
  /** Digest of everything that determines it. */
  readonly identity: string;
  readonly name: string;
  /** Value of `progress` at the end. */
  readonly total: number;
  /** Estimated processor seconds, see costs.ts. */
  readonly cost: number;
}

/** Seconds between updates of a record. */
const saveEverySeconds = 10;

/** Makes missing entries of the cache, and keeps a record of the time of each entry beside it. */
export class WorkLog {
  private readonly used = new Map<string, WorkTime>();

  constructor(
    private readonly cache: Cache,
    private readonly stages: Stages,
    private readonly timeLeft: TimeLeft,
  ) {}

  /** Makes an entry unless it exists. Its time, of this or an earlier run, counts towards the current table. */
  async ensure(work: Work, isThere: boolean, make: (progress: Progress) => Promise<void>): Promise<void> {
    const { kind, identity } = work;
    const id = `${kind}/${identity}`;
    const path = await this.cache.place(kind, `${identity}.time.json`);
    const before = existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as WorkTime) : undefined;
    if (isThere) {
      this.timeLeft.skip(id, work.cost);
      if (before) this.used.set(id, before);
      return;
    }
    this.used.set(id, await this.measured(work, id, path, before, make));
  }

  private async measured(
    { name, total, cost }: Work,
    id: string,
    path: string,
    before: WorkTime | undefined,
    make: (progress: Progress) => Promise<void>,
  ): Promise<WorkTime> {
    const [begun, cpu] = [performance.now(), process.cpuUsage()];
    const elapsed = () => (performance.now() - begun) / 1000;
    const now = (): WorkTime => {
      const { user, system } = process.cpuUsage(cpu);
      return {
        id,
        name,
        total,
        seconds: (before?.seconds ?? 0) + elapsed(),
        cpuSeconds: (before?.cpuSeconds ?? 0) + (user + system) / 1e6,
        sittings: (before?.sittings ?? 0) + 1,
      };
    };
    let saved = Promise.resolve();
    let savedAt = 0;
    let last = now();
    let first: number | undefined;
    const save = (): Promise<void> => {
      savedAt = elapsed();
      last = now();
      const time = last;
      saved = saved.then(() => writeJson(path, time));
      return saved;
    };
    try {
      await this.stages.run(name, total, (progress) =>
        make({
          update: (count, note) => {
            // Resumed work does not begin at zero.
            first ??= count;
            const share = total > first ? (count - first) / (total - first) : 1;
            const left = this.timeLeft.during(share * cost, elapsed());
            progress.update(count, [note, left].filter(Boolean).join('; '));
            // If this fails, the save at the end fails too and is reported.
            if (elapsed() - savedAt > saveEverySeconds) save().catch(() => {});
          },
        }),
      );
    } finally {
      await save();
    }
    this.timeLeft.done(id, cost, elapsed());
    return last;
  }

  /** Reads a JSON value, or computes and writes it. @param recipe Everything that determines it. */
  async json<R>(
    work: Omit<Work, 'identity'>,
    recipe: unknown,
    compute: (progress: Progress) => Promise<R>,
  ): Promise<R> {
    const identity = digestOf(recipe);
    const path = await this.cache.place(work.kind, `${identity}.json`);
    await this.ensure({ ...work, identity }, existsSync(path), async (progress) =>
      writeJson(path, { recipe, value: await compute(progress) }),
    );
    return (JSON.parse(await readFile(path, 'utf8')) as { value: R }).value;
  }

  /** Takes the entries that were used since the last call, each once. */
  take(): WorkTime[] {
    const times = [...this.used.values()];
    this.used.clear();
    return times;
  }
}
