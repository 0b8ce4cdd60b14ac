import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { onTestFinished } from 'vitest';

/** Daemons are outside the path of users who are not root. */
const path = [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter);

/** True if all programs of {@link startSlurm} are installed (Debian: `slurm-wlm` and `munge`). */
export const hasSlurm = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'setpriv'].every(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`], { env: { PATH: path } }).status === 0,
);

/** A task of a Slurm array. */
export interface SlurmTask {
  readonly state: string;
  readonly restarts: number;
}

/** Slurm on only this machine. */
export interface Slurm {
  /** Runs a command of Slurm, which must succeed. @returns Its output. */
  run(command: string, ...argv: string[]): string;
  /** Tasks of an array by number. Tasks that Slurm has not yet split from the array are missing. */
  tasks(job: string): ReadonlyMap<number, SlurmTask>;
  /** Logs of the daemons, for messages. */
  logs(): Promise<string>;
}

/** Waits until something holds. @throws Error after some seconds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, seconds = 150): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`expected ${what} within ${seconds} s, got none.`);
    await setTimeout(50);
  }
}

/**
 * For tests: starts a Slurm with one node of 4 CPUs, whatever the machine has, as the current user, in a temporary folder and
 * on free ports. The daemons end with the test, or with the process.
 * @param environment What jobs have in their environment.
 */
export async function startSlurm(environment: NodeJS.ProcessEnv): Promise<Slurm> {
  const folder = await temporaryFolder();
  const config = join(folder, 'slurm.conf');
  const [socket, key] = [join(folder, 'munge.socket'), join(folder, 'munge.key')];
  for (const name of ['state', 'spool']) await mkdir(join(folder, name));
  await writeFile(key, randomBytes(128), { mode: 0o400 });
  await writeFile(config, configuration(folder, socket, await freePorts(2)));
  const env = { ...environment, PATH: [environment.PATH, path].join(delimiter), SLURM_CONF: config };

  const munge = ['pid-file', 'log-file', 'seed-file'].map((name) => `--${name}=${join(folder, `munge.${name}`)}`);
  const stops: (() => Promise<void>)[] = [];
  const slurm: Slurm = {
    run(command, ...argv) {
      const { status, stdout, stderr } = spawnSync(command, argv, { env, cwd: folder, encoding: 'utf8' });
      if (status === 0) return stdout.trim();
      throw new Error(`expected ${command} ${argv.join(' ')} to succeed, got ${status}: ${stderr}`);
    },
    tasks: (job) =>
      new Map(
        slurm
          .run('scontrol', '--oneliner', 'show', 'job', job)
          .split('\n')
          .map((line) => {
            const value = (name: string): string => new RegExp(`\\b${name}=(\\S+)`).exec(line)?.[1] ?? '';
            return [Number(value('ArrayTaskId')), { state: value('JobState'), restarts: Number(value('Restarts')) }];
          }),
      ),
    logs: async () =>
      (await Promise.all(['munged', 'slurmctld', 'slurmd'].map((name) => readFile(join(folder, `${name}.log`))))).join(
        '',
      ),
  };
  onTestFinished(async () => {
    spawnSync('scancel', ['--user', userInfo().username], { env });
    for (const stop of stops.reverse()) await stop();
  });
  const start = async (name: string, argv: readonly string[]): Promise<ChildProcess> => {
    const daemon = await startDaemon(join(folder, `${name}.log`), name, argv, env);
    stops.push(daemon.stop);
    return daemon.child;
  };

  await start('munged', ['--foreground', '--force', `--socket=${socket}`, `--key-file=${key}`, ...munge]);
  await start('slurmctld', ['-D', '-i', '-f', config]);
  const node = await start('slurmd', ['-D', '-f', config]);
  const isReady = (): boolean =>
    spawnSync('sinfo', ['-h', '-o', '%t'], { env, encoding: 'utf8' }).stdout.trim() === 'idle';
  await until(() => isReady() || node.exitCode !== null, 'a node of Slurm', 30).catch(() => {});
  if (!isReady()) throw new Error(`expected a node of Slurm that is ready, got none:\n${await slurm.logs()}`);
  return slurm;
}

function configuration(folder: string, socket: string, [controller, node]: readonly number[]): string {
  const { username } = userInfo();
  const lines = {
    ClusterName: 'test',
    SlurmctldHost: `${hostname()}(127.0.0.1)`,
    SlurmctldPort: controller,
    SlurmdPort: node,
    SlurmUser: username,
    SlurmdUser: username,
    // A requeued job waits for as long as a credential of its first run could still be used.
    AuthInfo: `socket=${socket},cred_expire=5`,
    StateSaveLocation: join(folder, 'state'),
    SlurmdSpoolDir: join(folder, 'spool'),
    SlurmctldPidFile: join(folder, 'slurmctld.pid'),
    SlurmdPidFile: join(folder, 'slurmd.pid'),
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_CPU',
    SchedulerParameters: 'sched_interval=1,bf_interval=1',
    SlurmdParameters: 'config_overrides',
    MinJobAge: 600,
    KillWait: 20,
    NodeName: `${hostname()} NodeAddr=127.0.0.1 CPUs=4 RealMemory=100000`,
    PartitionName: 'all Nodes=ALL Default=YES State=UP',
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Ports of this machine that nobody listens on. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise((resolve) => server.once('listening', resolve));
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Starts a daemon in the foreground, which ends with this process. */
async function startDaemon(log: string, name: string, argv: readonly string[], env: NodeJS.ProcessEnv) {
  const output = await open(log, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', name, ...argv], {
    env,
    stdio: ['ignore', output.fd, output.fd],
  });
  await output.close();
  const end = new Promise((resolve) => child.once('close', resolve));
  child.once('error', () => {});
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const patience = globalThis.setTimeout(() => child.kill('SIGKILL'), 10_000);
    await end;
    clearTimeout(patience);
  };
  return { child, stop };
}
