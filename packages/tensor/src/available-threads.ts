import { checkArguments } from './check-arguments.js';

/** Parts of Node's `process` and of `navigator` that {@link availableThreads} reads. */
export interface RuntimeHost {
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    /** Loads a module of Node without an import, which bundlers for browsers would follow. Node 20.16 and later. */
    getBuiltinModule?(name: string): unknown;
    readonly report?: { getReport?(): unknown };
  };
  readonly navigator?: { readonly hardwareConcurrency?: number };
}

/** Reads a text file. Undefined if it cannot be read. */
type ReadText = (path: string) => string | undefined;

/**
 * Number of threads that this process may keep busy, at least 1. It is the smallest of
 * - the cores of its affinity (`taskset`, a cpuset),
 * - `SLURM_CPUS_PER_TASK`, else `SLURM_CPUS_ON_NODE`, which Slurm sets for the tasks of a job,
 * - the quota of its control groups (`docker run --cpus`, the CPU limit of a Kubernetes container), rounded down.
 *
 * In browsers it is `navigator.hardwareConcurrency`.
 * @param host Globals to read. Default: those of the running program.
 */
export function availableThreads(host: RuntimeHost = globalThis as RuntimeHost): number {
  checkArguments('availableThreads', { host }, { host: 'object' });
  const { env = {} } = host.process ?? {};
  const limits = [coresOf(host), wholeNumber(env.SLURM_CPUS_PER_TASK ?? env.SLURM_CPUS_ON_NODE)];
  const quota = cpuQuota(readerOf(host));
  return Math.max(1, Math.floor(Math.min(...[...limits, quota].filter((limit) => limit !== undefined))));
}

function coresOf({ process, navigator }: RuntimeHost): number {
  const os = process?.getBuiltinModule?.('node:os') as { availableParallelism?(): number } | undefined;
  const cores = os?.availableParallelism?.() ?? navigator?.hardwareConcurrency;
  if (cores !== undefined) return cores;
  // Node before 20.16, without an import.
  const report = process?.report?.getReport?.() as { header?: { cpus?: readonly unknown[] } } | undefined;
  return report?.header?.cpus?.length ?? 1;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

function readerOf({ process }: RuntimeHost): ReadText {
  const fs = process?.getBuiltinModule?.('node:fs') as
    | { readFileSync(path: string, encoding: 'utf8'): string }
    | undefined;
  return (path) => {
    try {
      return fs?.readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  };
}

/**
 * Smallest CPU quota of this process's control groups and their parents, in CPUs. Undefined without one. Version 2 keeps it
 * in `cpu.max` as `quota period`, version 1 in two files (Linux, `admin-guide/cgroup-v2.rst`, `scheduler/sched-bwc.rst`).
 */
function cpuQuota(read: ReadText): number | undefined {
  const quotas = (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === '' || !(controllers === '' || controllers.split(',').includes('cpu'))) return [];
    // In a container the group may be that of the machine. Its files are missing, but those of its parents exist.
    return pathsUp(path).map((above) => {
      if (controllers === '') return quotaOf(read(`/sys/fs/cgroup${above}/cpu.max`)?.trim().split(/\s+/));
      const folder = `/sys/fs/cgroup/${controllers}${above}`;
      return quotaOf([read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)]);
    });
  });
  const known = quotas.filter((quota) => quota !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** The path `/a/b` and its parents: `/a` and the empty path. */
function pathsUp(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return Array.from({ length: names.length + 1 }, (_, i) =>
    names
      .slice(0, names.length - i)
      .map((n) => `/${n}`)
      .join(''),
  );
}

/** Quota in CPUs. Undefined without one, which the files give as `max` or -1. */
function quotaOf([quota, period]: readonly (string | undefined)[] = []): number | undefined {
  const cpus = Number(quota) / Number(period);
  return cpus > 0 && Number.isFinite(cpus) ? cpus : undefined;
}
