import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runDemo } from './demo.js';

let output = '';
let folder = '';
let printed = '';

beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), 'dpar-emoji-'));
  folder = join(output, 'smoke-compare-seed-0');
  const stdout = new Writable({
    write(chunk, _, done) {
      printed += chunk;
      done();
    },
  });
  const silent = new Writable({ write: (_chunk, _, done) => done() });
  const status = await runDemo(
    { minutes: 10, compare: true, smoke: true, seed: 0, output, engine: 'ort' },
    { stdout, stderr: silent },
  );
  expect(status).toBe(0);
}, 300_000);
afterAll(() => rm(output, { recursive: true, force: true }));

it('trains DPAR and LlamaGen of equal size on emoji of nine classes', async () => {
  expect(printed).toMatch(/DPAR +[\d.]+ nats per token, validation\nLlamaGen +[\d.]+ nats/);
  const models = await readdir(join(folder, 'model'));
  expect(models).toEqual(['classes.json', 'dpar', 'entropy', 'examples', 'llamagen', 'tokenizer']);
  const classes = JSON.parse(await readFile(join(folder, 'model', 'classes.json'), 'utf8'));
  expect(classes).toHaveLength(9);
});

it('writes a report that needs no other file', async () => {
  const report = await readFile(join(folder, 'report.html'), 'utf8');
  const text = report.replace(/data:image\/png;base64,[\w+/=]*/g, '');
  expect(text).toContain('LlamaGen');
  expect(text.match(/(src|href)=["']?(https?:)?\/\/.{0,40}|@import.{0,40}|url\(.{0,40}/)).toBeNull();
  expect(text.match(/.{0,40}(NaN|undefined|\[object).{0,40}/)).toBeNull();
});
