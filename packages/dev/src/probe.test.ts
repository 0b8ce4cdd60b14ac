import { appendFileSync, writeFileSync } from 'node:fs';
import { test } from 'vitest';

writeFileSync('/tmp/options/probe.tsv', '');
process.on('unhandledRejection', (e: any) => appendFileSync('/tmp/options/probe.tsv', `UNHANDLED ${e}\n`));
const names = [
  'tensor',
  'rope',
  'patchify',
  'io',
  'engine-ort',
  'engine-tfjs',
  'nn',
  'entropy',
  'model',
  'tokenizer',
  'sampler',
  'train',
  'eval',
  'report',
  'emoji',
];
const nodes = ['io', 'train', 'eval', 'emoji'];
test('probe', async () => {
  const out: string[] = [];
  for (const n of names)
    for (const e of nodes.includes(n) ? ['index', 'node'] : ['index']) {
      const m = (await import(`../../${n}/src/${e}.ts`)) as Record<string, unknown>;
      for (const [k, f] of Object.entries(m)) {
        if (['normalQuantile', ...(process.env.SKIP ?? '').split(',')].includes(k)) continue;
        if (typeof f !== 'function') {
          out.push(`${n}/${e} ${k} VALUE ${typeof f}`);
          continue;
        }
        const isClass = /^class\b/.test(Function.prototype.toString.call(f));
        const kinds: [string, unknown[]][] = [
          ['none', []],
          ['empty', [{}, {}, {}]],
          ['num', [1, 1, 1]],
          ['str', ['x', 'x', 'x']],
          [
            'arr',
            [
              [1, 2, 3],
              [1, 2, 3],
              [1, 2, 3],
            ],
          ],
          ['null', [null, null, null]],
        ];
        for (const [kind, args] of kinds) {
          let res: string;
          appendFileSync(
            '/tmp/options/probe.tsv',
            `${n}/${e}\t${k}${isClass ? '(class)' : ''}/${(f as any).length}\t${kind}\t`,
          );
          try {
            let v = isClass ? new (f as any)(...args) : (f as any)(...args);
            if (v instanceof Promise)
              v = await Promise.race([v, new Promise((_, no) => setTimeout(() => no(new Error('HANGS')), 3000))]);
            res = `OK ${v === null ? 'null' : typeof v}`;
          } catch (e: any) {
            res = `${e?.constructor?.name}: ${String(e?.message).slice(0, 150)}`;
          }
          appendFileSync('/tmp/options/probe.tsv', `${res.replace(/\n/g, ' ')}\n`);
        }
      }
    }
}, 300000);
