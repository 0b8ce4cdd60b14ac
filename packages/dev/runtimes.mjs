// Runs the built product on JavaScript runtimes and prints a table: `npm run runtimes -- node bun /path/to/deno`. Each
// argument is a program on the PATH or in a folder; the default is node, bun and deno. Ends with status 1 if a check fails.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, say } from './process.mjs';

/** Time limit of a check, in milliseconds. */
const patience = 600_000;

const emoji = join(root, 'packages/emoji/model');
const dpar = join(root, 'packages/cli/bin/dpar.js');

/** Arguments with which a runtime runs a file. */
const starts = { Node: [], Bun: ['run', '--no-install'], Deno: ['run', '--allow-all'] };

/** Name and version that a program reports, or undefined if it does not run. */
function identify(program) {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const [, deno] = /^deno (\d\S*)/.exec(stdout) ?? [];
  const [, node] = /^v(\d\S*)/.exec(stdout) ?? [];
  if (deno !== undefined) return { name: 'Deno', version: deno };
  return node === undefined ? { name: 'Bun', version: stdout.trim() } : { name: 'Node', version: node };
}

/** Runs a file, in a folder for its outputs. @returns What it writes to stdout. @throws Error if it fails. */
function execute({ program, name }, file, args, folder) {
  const options = { cwd: folder, encoding: 'utf8', timeout: patience, maxBuffer: 2 ** 26 };
  const { status, signal, error, stdout, stderr } = spawnSync(program, [...starts[name], file, ...args], options);
  if (status === 0) return stdout;
  const reason = /^.*error.*$/im.exec(stderr)?.[0] ?? stderr.trim().split('\n').at(-1);
  throw new Error(error?.message ?? (reason || `it ended with ${signal ?? `status ${status}`}`));
}

function expectEqual(what, got, expected) {
  if (got !== expected) throw new Error(`expected ${what} ${expected}, got ${got}`);
}

const hashOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);

/**
 * Checks of a runtime. Each returns what it made as a text. All runtimes must return the same text, except that of `info`.
 */
const checks = {
  'dpar info': (runtime, folder) => {
    const info = JSON.parse(execute(runtime, dpar, ['info', '--json'], folder));
    expectEqual('runtime', info.runtime, `${runtime.name} ${runtime.version}`);
    const [ort, tfjs] = info.engines;
    expectEqual('engines that work:', `${ort.available}, ${tfjs.available}`, 'true, true');
    return tfjs.backends.flatMap(({ name, available }) => (available ? [name] : [])).join(', ');
  },
  'dpar sample': (runtime, folder) => {
    const model = ['--checkpoint', join(emoji, 'dpar'), '--tokenizer', join(emoji, 'tokenizer')];
    const wanted = ['--classes', '0,1', '--count', '2', '--seed', '1', '--output', 'grid.png', '--quiet'];
    execute(runtime, dpar, ['sample', ...model, ...wanted], folder);
    return hashOf(join(folder, 'grid.png'));
  },
  pipeline: (runtime, folder) => {
    const program = `import { loadPipeline } from '@dpar/pipeline/node';
      const model = await loadPipeline(${JSON.stringify(emoji)});
      const images = await model.generate({ class: 'Flags', count: 2, seed: 2 });
      await images.save('flags.png', 2);`;
    writeFileSync(join(folder, 'pipeline.mjs'), program);
    execute(runtime, join(folder, 'pipeline.mjs'), [], folder);
    return hashOf(join(folder, 'flags.png'));
  },
  'dpar train': (runtime, folder) => {
    const size = { dim: 32, n_head: 2, n_layer: 1, multiple_of: 16, vocab_size: 48, block_size: 64, num_classes: 5 };
    const tokens = join(root, 'packages/fixtures/data/dpar-dynamic4d/io.safetensors');
    const config = { model: { kind: 'llamagen', ...size }, data: { tokens }, steps: 5, batch_size: 2, seed: 1 };
    writeFileSync(join(folder, 'train.json'), JSON.stringify(config));
    const output = ['--output', 'run', '--quiet', '--threads', '1'];
    execute(runtime, dpar, ['train', '--config', 'train.json', ...output], folder);
    const lines = readFileSync(join(folder, 'run/metrics.jsonl'), 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line).loss.toPrecision(6)).join(' ');
  },
  createOrtEngine: (runtime, folder) => {
    const program = `import { createOrtEngine } from '@dpar/engine-ort';
      const engine = await createOrtEngine({ threads: 1 });
      const product = engine.compile((ops, { x }) => ({ y: ops.matmul(x, x) }));
      const x = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
      console.log([...(await product.run({ x })).y.data].join());
      await engine.dispose();`;
    writeFileSync(join(folder, 'engine.mjs'), program);
    const text = execute(runtime, join(folder, 'engine.mjs'), [], folder).trim();
    expectEqual('the product', text, '7,10,15,22');
    return text;
  },
};

/** Runs all checks of a runtime. @returns Cells of its row. */
function row(runtime, texts) {
  const folder = mkdtempSync(join(tmpdir(), 'dpar-runtime-'));
  // Deno finds packages only from files beside a package.json.
  symlinkSync(join(root, 'packages/cli/node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  try {
    return Object.entries(checks).map(([check, run]) => {
      const begin = performance.now();
      try {
        const text = run(runtime, folder);
        const seconds = `${((performance.now() - begin) / 1000).toFixed(1)} s`;
        if (check === 'dpar info') return `${seconds}; TensorFlow.js: ${text}`;
        const first = texts.get(check) ?? texts.set(check, text).get(check);
        expectEqual('the result of the first runtime,', text, first);
        return seconds;
      } catch (error) {
        process.exitCode = 1;
        return `**failed**: ${error.message.replaceAll('|', '/')}`;
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const programs = process.argv.slice(2);
const texts = new Map();
const titles = ['runtime', ...Object.keys(checks)];
console.log(`| ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length)}`);
for (const program of programs.length > 0 ? programs : ['node', 'bun', 'deno']) {
  const found = identify(program);
  if (found === undefined) {
    // What was named must be there; what is tried by default may be missing.
    if (programs.length > 0) process.exitCode = 1;
    say(
      `runtimes: expected the program of a JavaScript runtime, got '${program}', which does not run. It is left out.`,
    );
    continue;
  }
  say(`runtimes: ${found.name} ${found.version} ...`);
  console.log(`| ${[`${found.name} ${found.version}`, ...row({ ...found, program }, texts)].join(' | ')} |`);
}
