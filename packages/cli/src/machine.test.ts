import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { evaluationArguments, javaScriptRuntime } from './machine.js';

describe('javaScriptRuntime', () => {
  it('tells who imitates Node', () => {
    expect(javaScriptRuntime()).toEqual({ name: 'Node', version: process.versions.node });
    expect(javaScriptRuntime({ node: '26.3.0', bun: '1.4.5' })).toEqual({ name: 'Bun', version: '1.4.5' });
    expect(javaScriptRuntime({ node: '26.3.0', deno: '2.9.6' })).toEqual({ name: 'Deno', version: '2.9.6' });
  });
});

describe('evaluationArguments', () => {
  it('keeps what Node was started with, without a debugger', () => {
    const settings = ['--inspect=0', '--import', './set-up.js'];
    expect(evaluationArguments({ name: 'Node', version: '20' }, 'code', settings)).toEqual([
      '--import',
      './set-up.js',
      '--input-type=module',
      '--eval',
      'code',
    ]);
  });

  // Of Bun and Deno those that are on the PATH.
  const program = 'await null; process.stdout.write(JSON.stringify([typeof import.meta, process.argv0 !== ""]))';
  it.for([
    ['Node', process.execPath],
    ['Bun', 'bun'],
    ['Deno', 'deno'],
  ] as const)('make %s run a module', ([name, path], { skip }) => {
    const args = evaluationArguments({ name, version: '' }, program, []);
    const { error, stdout } = spawnSync(path, args, { encoding: 'utf8' });
    skip(error !== undefined && name !== 'Node', `${name} is not installed`);
    expect(JSON.parse(stdout)).toEqual(['object', true]);
  });
});
