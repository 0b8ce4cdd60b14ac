import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions, runProgram, UsageError, wholeNumber } from '@dpar/example-kit';
import { writeFileAtomic } from '@dpar/io/node';
import { checkBenchmarks } from './gpu-check/bench.js';
import { Budget, type Check } from './gpu-check/check.js';
import type { CheckSettings } from './gpu-check/commands.js';
import { checkConformance } from './gpu-check/conformance.js';
import { describeDevice } from './gpu-check/device.js';
import { checkFixtures } from './gpu-check/fixtures.js';
import { type Report, reportPage } from './gpu-check/report.js';
import { checkSampling } from './gpu-check/sampling.js';
import { checkTraining } from './gpu-check/training.js';

const devices = ['webgpu', 'cuda', 'cpu'] as const;

const usage = `npm run gpu-check -- [--device webgpu|cuda|cpu] [--minutes N] [--small] [--output FOLDER] [--threads N]

Checks a GPU and measures it: conformance, recorded outputs and gradients, a training run and generated tokens compared with
the CPU, benchmarks. Writes gpu-check.json and gpu-check.html.

  --device D       device to check (default: webgpu)
  --minutes N      time of the run (default: 8). What is left then is marked as not run
  --small          sizes for a driver that computes on the CPU
  --output FOLDER  folder of the report (default: examples/benchmarks/output)
  --threads N      threads of the engine on the CPU (default: all cores)

The exit status is 1 if a check failed.
`;

/** Parts of a run, in their order. */
const parts = [checkConformance, checkFixtures, checkTraining, checkSampling, checkBenchmarks];

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const values = readOptions('gpu-check', args, {
    device: { type: 'string', default: 'webgpu' },
    minutes: { type: 'string', default: '8' },
    small: { type: 'boolean', default: false },
    output: { type: 'string', default: fileURLToPath(new URL('../output', import.meta.url)) },
    threads: { type: 'string', default: `${availableParallelism()}` },
    help: { type: 'boolean', default: false },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const device = devices.find((name) => name === values.device);
  if (device === undefined) {
    throw new UsageError(`gpu-check: --device: expected one of ${devices.join(', ')}, got '${values.device}'.`);
  }
  const minutes = Number(values.minutes);
  if (!(minutes >= 0 && Number.isFinite(minutes)) || values.minutes.trim() === '') {
    throw new UsageError(`gpu-check: --minutes: expected a number of at least 0, got '${values.minutes}'.`);
  }
  const threads = wholeNumber('gpu-check: --threads', values.threads, 1);
  const folder = await mkdtemp(join(tmpdir(), 'dpar-gpu-check-'));
  try {
    const command = ['npm run gpu-check', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
    const report = await run({ device, threads, small: values.small, folder }, minutes, command);
    await write(report, resolve(values.output));
    process.exitCode = report.passed ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(options: Omit<CheckSettings, 'budget'>, minutes: number, command: string): Promise<Report> {
  const device = await describeDevice(options.device);
  const begin = performance.now();
  const settings = { ...options, budget: new Budget(60 * minutes) };
  const checks: Check[] = [];
  for (const part of parts) {
    const found = await part(settings);
    for (const { name, status, about, seconds } of found) {
      process.stderr.write(`gpu-check: ${name}: ${status}, ${about} (${seconds.toFixed(1)} s)\n`);
    }
    checks.push(...found);
  }
  return {
    device,
    date: new Date().toISOString(),
    command,
    minutes,
    seconds: (performance.now() - begin) / 1000,
    passed: checks.every(({ status }) => status !== 'failed'),
    checks,
  };
}

async function write(report: Report, output: string): Promise<void> {
  await mkdir(output, { recursive: true });
  const paths = { json: join(output, 'gpu-check.json'), page: join(output, 'gpu-check.html') };
  await writeFileAtomic(paths.json, `${JSON.stringify(report, null, 2)}\n`);
  await writeFileAtomic(paths.page, reportPage(report));
  process.stdout.write(`${report.passed ? 'Nothing failed' : 'FAILED'}. ${paths.json}, ${paths.page}\n`);
}

runProgram(main, usage);
