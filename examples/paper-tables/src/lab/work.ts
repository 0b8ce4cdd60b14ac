import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeJson } from '@dpar/io/node';
import type { Progress, Stages } from '../../../emoji/src/progress.js';
import type { TimeLeft } from '../plan/time-left.js';
import { type Cache, digestOf } from './cache.js';

/** What it took to make an entry of the cache, all sittings together: also what an interruption lost. */
export interface WorkTime {
  /** Folder and name of the entry. */
  readonly id: string;
  readonly name: string;
  /** Steps of a training run, tokens or images of the rest. */
  readonly total: number;
  /** Wall-clock time. */
  readonly seconds: number;
  /** Processor time of all threads. */
  readonly cpuSeconds: number;
  /** How often it was begun: more than once if it was interrupted. */
  readonly sittings: number;
}

/** An entry of the cache that takes time to make. */
export interface Work {
  /** Folder of entries of its kind. */
  readonly kind: string;
  /** Of all that decides on it. */
  readonly identity: string;
  /** For the reader. */
  readonly name: string;
  /** What `progress` counts to. */
  readonly total: number;
  /** Processor seconds that it should take, see plan/costs.ts. */
  readonly cost: number;
}

/** Records are written this often while work goes on. */
const saveEverySeconds = 10;

/** Does what is not in the cache yet, and keeps a record of the time of each entry beside it. */
export class WorkLog {
  private readonly used = new Map<string, WorkTime>();

  constructor(
    private readonly cache: Cache,
    private readonly stages: Stages,
    private readonly timeLeft: TimeLeft,
  ) {}

  /** Makes an entry unless it is there. What this took, now or then, counts to the table at hand. */
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
        ...{ id, name, total },
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
            // Resumed work does not begin at nought.
            first ??= count;
            const share = total > first ? (count - first) / (total - first) : 1;
            const left = this.timeLeft.during(share * cost, elapsed());
            progress.update(count, [note, left].filter(Boolean).join('; '));
            // A failure shows when it is saved at the end.
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

  /** A JSON value, of the disk if it is there. @param recipe Everything that decides on it. */
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

  /** The entries that were used since this was last asked, each once. */
  take(): WorkTime[] {
    const times = [...this.used.values()];
    this.used.clear();
    return times;
  }
}
