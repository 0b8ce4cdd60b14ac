import { DparError } from '@dpar/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { commands } from './commands/index.js';
import { runCli } from './testing/run-cli.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('help', () => {
  it('lists all commands, and is an error where nothing was asked for', async () => {
    const help = await runCli(['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    for (const { name } of commands) expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    const nothing = await runCli([]);
    expect(nothing.status).toBe(2);
    expect(nothing.stdout).toBe('');
    expect(nothing.stderr).toContain('Usage: dpar');
  });

  it.each(commands.map(({ name }) => name))('shows all options of %s', async (name) => {
    const { status, stdout } = await runCli([name, '--help']);
    expect(status).toBe(0);
    const options = Object.entries(commands.find((command) => command.name === name)?.options ?? {});
    for (const [option, { positional, value = '' }] of [...options, ['json', {}], ['threads', {}]] as typeof options) {
      const shown = `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      expect(stdout).toContain(positional ? value : shown);
    }
  });

  it('shows the older name of an option beside its description', async () => {
    const { stdout } = await runCli(['sample', '--help']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('(default: 2) (older name: --cfg-scale)');
    expect(stdout).not.toMatch(/^ *--cfg-scale/m);
  });

  it('prints the version', async () => {
    expect(await runCli(['--version'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('wrong usage ends with status 2, one line and nothing on stdout', () => {
  const cases: [string, string][] = [
    ['foo', "dpar: expected a known command, got 'foo'. See 'dpar --help'."],
    ['flop', "expected a known command, got 'flop'. Did you mean flops?"],
    ['flops extra', "expected only options after 'flops', got 'extra'."],
    [
      'flops --modle B',
      "dpar flops: expected a known option, got '--modle'. Did you mean --model? See 'dpar flops --help'.",
    ],
    ['flops --model', 'expected a value for --model <nano|'],
    ['flops --model Z', '--model: expected one of nano, micro, mini, B, L'],
    ['flops --resolution abc', "--resolution: expected a whole number from 16 to 8192, got 'abc'."],
    ['flops --resolution 256.5', "got '256.5'"],
    ['flops --resolution 0x100', "got '0x100'"],
    ['flops --patch-ratio NaN', "--patch-ratio: expected a number from 1 up to 4096, got 'NaN'."],
    ['flops --patch-ratio -2', "got '-2'"],
    ['flops --patch-ratio Infinity', "got 'Infinity'"],
    ['flops --threads 0', "--threads: expected a whole number from 1 to 1024, got '0'."],
    [
      'sample --seed 9007199254740993',
      "--seed: expected a whole number from 0 to 9007199254740991, got '9007199254740993'.",
    ],
    ['sample --prefix-length 9007199254740992', 'from 1 to 9007199254740991, got'],
    ['sample --top-k -1', "--top-k: expected a whole number from 0 up, got '-1'."],
    ['import --max-shard-size 9007199254740993', '--max-shard-size: expected a size up to 8000TiB'],
    [
      'sample --temperature 0',
      "--temperature: expected a number above 0, got '0'. Pass --greedy for the most likely token, or leave it out. See",
    ],
    ['sample --top-p 0', 'Pass --greedy for the most likely token'],
    ['sample --top-p 2', "--top-p: expected a number above 0 up to 1, got '2'. See"],
    [
      'sample --checkpoint x --classes 0 --output x.npz --cfg-scale 1 --guidance-scale 2',
      'dpar sample: expected --guidance-scale or its older name --cfg-scale, got both.',
    ],
    ['sample --cfg-scale 1e999', "--cfg-scale: expected a number from 0 of double precision, got '1e999'."],
    ['flops --engine torch', "--engine: expected one of ort, tfjs, got 'torch'."],
    ['flops --device tpu', "got 'tpu'"],
    ['flops --precision bfloat16', "--precision: expected one of float32, float16, got 'bfloat16'."],
    [
      'forward --checkpoint x --input y --output z --precision float16',
      'forward: --precision float16: expected --engine ort and --device webgpu, got --engine ort --device cpu.',
    ],
    ['forward', 'expected --checkpoint DIR, got none.'],
    ['forward --checkpoint --input x --output y', "--checkpoint: expected the path of a folder, got '--input'."],
    ['forward --checkpoint= --input x --output y', "--checkpoint: expected the path of a folder, got ''."],
    ['patchify --input x', 'expected --output FILE, got none.'],
  ];
  it.each(cases)('%s', async (line, message) => {
    const { status, stdout, stderr } = await runCli(line.split(' '));
    expect(stderr).toContain(message);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('global options', () => {
  it('may stand before or after the command', async () => {
    const before = await runCli(['--json', 'flops']);
    expect(JSON.parse(before.stdout)).toHaveProperty('llamagen_gmacs');
    expect((await runCli(['flops', '--json'])).stdout).toBe(before.stdout);
  });

  it('say that an engine is not there', async () => {
    vi.stubEnv('DPAR_TFJS_NODE', '');
    const argv = ['forward', '--checkpoint', 'x', '--input', 'y', '--output', 'z', '--engine', 'tfjs'];
    const { status, stderr } = await runCli([...argv, '--device', 'cuda']);
    expect(status).toBe(1);
    expect(stderr).toContain(
      "got none (node-gpu: @tensorflow/tfjs-node-gpu lacks 'google-protobuf'). Install one: npm install",
    );
  });

  it('say where to learn which devices work', async () => {
    const flops = commands.find(({ name }) => name === 'flops');
    if (flops === undefined) throw new Error('no flops');
    vi.spyOn(flops, 'run').mockRejectedValue(new DparError('run: expected a device.'));
    const { status, stderr } = await runCli(['flops', '--device', 'cuda']);
    expect([status, stderr]).toEqual([
      1,
      "dpar flops: run: expected a device. 'dpar info' shows which devices work here.\n",
    ]);
  });

  it('show a stack trace only on request', async () => {
    const flops = commands.find(({ name }) => name === 'flops');
    if (flops === undefined) throw new Error('no flops');
    vi.spyOn(flops, 'run').mockRejectedValue(new TypeError('surprise\nin two lines'));
    const plain = await runCli(['flops']);
    expect(plain.status).toBe(1);
    expect(plain.stderr).toBe('dpar flops: surprise in two lines (run again with --debug for the stack trace)\n');
    const { stderr } = await runCli(['flops', '--debug']);
    expect(stderr).toContain('TypeError: surprise');
    expect(stderr).toContain('cli.test.ts');
  });
});

it('ends with 130 when it is interrupted', async () => {
  const flops = commands.find(({ name }) => name === 'flops');
  if (flops === undefined) throw new Error('no flops');
  const interruption = new AbortController();
  vi.spyOn(flops, 'run').mockImplementation(async (_, { signal }) => {
    interruption.abort();
    signal.throwIfAborted();
    return { data: {}, text: '' };
  });
  const { status, stderr } = await runCli(['flops'], interruption.signal);
  expect([status, stderr]).toEqual([130, 'dpar flops: interrupted.\n']);
});
