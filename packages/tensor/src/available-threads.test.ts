import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { availableThreads, type RuntimeHost } from './available-threads.js';

afterEach(() => vi.unstubAllEnvs());

/** A machine of 16 cores. */
function host(env: Record<string, string>, files: Record<string, string> = {}): RuntimeHost {
  const modules: Record<string, unknown> = {
    'node:os': { availableParallelism: () => 16 },
    'node:fs': {
      readFileSync: (path: string) => {
        if (files[path] === undefined) throw new Error(`ENOENT: ${path}`);
        return files[path];
      },
    },
  };
  return { process: { env, getBuiltinModule: (name) => modules[name] } };
}

describe('availableThreads', () => {
  it('is that of the process, as its affinity leaves it', () => {
    vi.stubEnv('SLURM_CPUS_PER_TASK', undefined);
    vi.stubEnv('SLURM_CPUS_ON_NODE', undefined);
    expect(availableThreads()).toBeGreaterThanOrEqual(1);
    expect(availableThreads()).toBeLessThanOrEqual(availableParallelism());
    vi.stubEnv('SLURM_CPUS_PER_TASK', '1');
    expect(availableThreads()).toBe(1);
  });

  it.each([
    [{}, 16],
    [{ SLURM_CPUS_PER_TASK: '3', SLURM_CPUS_ON_NODE: '12' }, 3],
    [{ SLURM_CPUS_ON_NODE: '12' }, 12],
    [{ SLURM_CPUS_PER_TASK: '64' }, 16],
    [{ SLURM_CPUS_PER_TASK: '0' }, 16],
    [{ SLURM_CPUS_PER_TASK: 'all' }, 16],
  ])('follows Slurm: %o', (env, threads) => {
    expect(availableThreads(host(env as Record<string, string>))).toBe(threads);
  });

  it.each<[string, Record<string, string>, number]>([
    ['version 2', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '400000 100000\n' }, 4],
    ['version 2 without a quota', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, 16],
    [
      'the least of those above one another',
      {
        '/proc/self/cgroup': '0::/pods/a/b\n',
        '/sys/fs/cgroup/pods/a/b/cpu.max': '800000 100000\n',
        '/sys/fs/cgroup/pods/cpu.max': '250000 100000\n',
      },
      2,
    ],
    [
      "a container that sees the machine's names",
      { '/proc/self/cgroup': '0::/docker/f00\n', '/sys/fs/cgroup/cpu.max': '300000 100000\n' },
      3,
    ],
    ['less than one CPU', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '50000 100000\n' }, 1],
    [
      'version 1',
      {
        '/proc/self/cgroup': '4:cpu,cpuacct:/docker/f00\n3:memory:/x\n',
        '/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_quota_us': '500000\n',
        '/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_period_us': '100000\n',
      },
      5,
    ],
    [
      'version 1 without a quota',
      {
        '/proc/self/cgroup': '1:cpu:/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      16,
    ],
  ])('follows the quota of control groups: %s', (_, files, threads) => {
    expect(availableThreads(host({}, files))).toBe(threads);
    expect(availableThreads(host({ SLURM_CPUS_PER_TASK: '1' }, files))).toBe(1);
  });

  it('is what the runtime tells elsewhere', () => {
    expect(availableThreads({ navigator: { hardwareConcurrency: 6 } })).toBe(6);
    const report = { getReport: () => ({ header: { cpus: [{}, {}, {}] } }) };
    expect(availableThreads({ process: { env: {}, report } })).toBe(3);
    expect(availableThreads({})).toBe(1);
  });
});
