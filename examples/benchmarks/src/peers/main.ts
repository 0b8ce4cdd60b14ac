import { fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions, UsageError, wholeNumber } from '@dpar/example-kit';
import { writeFileAtomic } from '@dpar/io/node';
import { selectBenchmarks } from '../benchmark.js';
import { describeMachine, warnIfBusy } from '../machine.js';
import { type PeersReport, peersMarkdown, peersPage, type TopicReport } from './report.js';
import { differs, type PeerSettings, type Topic, type TopicResult } from './topic.js';
import { topics } from './topics/index.js';

/** Help text of the comparison. */
export const peersUsage = `npm run bench -- --peers [--only TOPIC] [--rounds N] [--threads N] [--small] [--output FOLDER]

Compares with PyTorch, TensorFlow.js, JAX, torchmetrics, SciPy, Pillow and others on this machine: values and times. Writes the page
"Beside the best" as peers.html, peers.md and peers.json. What is not installed is named as missing.

  --only TOPIC     the topic of this name, or topics whose names begin with TOPIC; can be repeated
  --rounds N       measurements of each, whose medians are reported (default: 5)
  --threads N      threads of all computations (default: all cores)
  --small          tiny sizes, which check that values are equal
  --output FOLDER  folder of the page (default: examples/benchmarks/output)

Topics: ${topics.map(({ name }) => name).join(', ')}. The exit status is 1 if values differ or a topic fails.
`;

/** Compares with other libraries. @param argv Options, with \`--peers\`. */
export async function comparePeers(argv: readonly string[]): Promise<void> {
  const values = readOptions('bench', argv, {
    peers: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [''] },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: `${availableParallelism()}` },
    small: { type: 'boolean', default: false },
    output: { type: 'string', default: fileURLToPath(new URL('../output', import.meta.url)) },
    help: { type: 'boolean', default: false },
  });
  if (values.help) {
    process.stdout.write(peersUsage);
    return;
  }
  const settings = {
    rounds: wholeNumber('bench: --rounds', values.rounds, 1),
    threads: wholeNumber('bench: --threads', values.threads, 1),
    small: values.small,
  };
  const unknown = values.only.find((prefix) => selectBenchmarks(topics, [prefix]).length === 0);
  if (unknown !== undefined) {
    const names = topics.map(({ name }) => name).join(', ');
    throw new UsageError(`bench: --only: expected the beginning of one of ${names}, got '${unknown}'.`);
  }
  const selected = selectBenchmarks(topics, values.only);
  const begin = performance.now();
  const machine = await describeMachine(settings.threads);
  warnIfBusy(machine);
  const found: TopicReport[] = [];
  for (const topic of selected) found.push(await measureTopic(topic, settings));
  const { node, onnxruntime } = machine;
  const report: PeersReport = {
    machine,
    date: new Date().toISOString(),
    command: ['npm run bench', '--', ...argv].join(' '),
    rounds: settings.rounds,
    seconds: (performance.now() - begin) / 1000,
    small: settings.small,
    versions: Object.assign({ Node: node, 'onnxruntime-node': onnxruntime }, ...found.map(({ versions }) => versions)),
    topics: found,
  };
  await write(report, resolve(values.output));
  process.exitCode = found.some(({ failed, rows }) => failed !== undefined || rows.some(differs)) ? 1 : 0;
}

/** Measures a topic in a process of its own, because native code can end a process and keeps its memory. */
function measureTopic(topic: Topic, { threads, rounds, small }: Omit<PeerSettings, 'report'>): Promise<TopicReport> {
  const { name, title, about } = topic;
  const options = ['--threads', `${threads}`, '--rounds', `${rounds}`, ...(small ? ['--small'] : [])];
  const stdio: ('ignore' | 'inherit' | 'ipc')[] = ['ignore', 'ignore', 'inherit', 'ipc'];
  const child = fork(new URL('./peers-worker.js', import.meta.url), [name, ...options], { stdio });
  return new Promise((resolve) => {
    let result: TopicResult | undefined;
    child.once('message', (message) => {
      result = message as TopicResult;
    });
    child.once('exit', (code, signal) => {
      const failed = `its process ended with ${signal ?? code}`;
      resolve({ name, title, about, ...(result ?? { rows: [], versions: {}, failed }) });
    });
  });
}

async function write(report: PeersReport, output: string): Promise<void> {
  await mkdir(output, { recursive: true });
  const files = {
    'peers.json': `${JSON.stringify(report, null, 2)}\n`,
    'peers.md': peersMarkdown(report),
    'peers.html': peersPage(report),
  };
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(output, name), content);
  process.stdout.write(
    `${Object.keys(files)
      .map((name) => join(output, name))
      .join('\n')}\n`,
  );
}
