import { largestDifference } from '@dpar/fixtures';
import { applyRotary, gridTable, patchTable, type RotaryTable, sequenceTable } from '@dpar/rope';
import { createRandom, float32, int32 } from '@dpar/tensor';
import { PythonPeer } from '../python-peer.js';
import { compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import type { Row, Topic } from '../topic.js';
import { timed } from '../turns.js';
import { numbersOf } from '../values.js';

const sizes = {
  full: { batch: 16, side: 16, heads: 12, headDim: 64 },
  small: { batch: 2, side: 4, heads: 2, headDim: 16 },
};

/** Of values up to about 5. The peers' angles, of up to 255, are float32: an error of 1.5e-5 for each of the two numbers of a pair. */
const within = 1e-4;

/** Lengths of patches that fill rows of `side` tokens, from 1 to 4. */
function lengthsOf(side: number): number[] {
  const random = createRandom(2);
  return Array.from({ length: side }).flatMap(() => {
    const row: number[] = [];
    for (let left = side; left > 0; left -= row.at(-1) ?? 0) row.push(Math.min(left, 1 + random.integer(4)));
    return row;
  });
}

/** Rotation of queries by rotary embeddings. */
export const rope: Topic = {
  name: 'rope',
  title: 'Rotary embeddings',
  about:
    'Rotation of queries [B, T, H, d] by a table that exists before. rotary-embedding-torch has embeddings of sequences and of grids. The rows of ' +
    'PyTorch are an independent function, which multiplies complex numbers, also for the paper’s dynamic_4d embedding of patches.',
  async measure(settings) {
    const { threads, small } = settings;
    const { batch, side, heads, headDim } = small ? sizes.small : sizes.full;
    const lengths = lengthsOf(side);
    const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
    const tables: Readonly<Record<string, { table: RotaryTable; positions: number; what: string }>> = {
      '1d': { table: sequenceTable({ headDim, length: side ** 2 }), positions: side ** 2, what: 'sequence (1d)' },
      '2d': {
        table: gridTable({ headDim, gridHeight: side, gridWidth: side }),
        positions: side ** 2,
        what: 'grid (2d)',
      },
      dynamic_4d: {
        table: patchTable(lengths, { embedding: 'dynamic_4d', headDim, gridWidth: side, clsTokens: 0 }),
        positions: lengths.length,
        what: 'patches (dynamic_4d)',
      },
    };
    const rows: Row[] = [];
    let versions = {};
    for (const [embedding, { table, positions, what }] of Object.entries(tables)) {
      const shape = [batch, positions, heads, headDim];
      const x = float32(shape, createRandom(1).fillNormal(new Float32Array(batch * positions * heads * headDim)));
      const inputs = { x, starts: int32([lengths.length], starts), lengths: int32([lengths.length], lengths) };
      const rotate = () => applyRotary(x.data, table, { batch, heads });
      const started = PythonPeer.start('rope.py', { threads, inputs, settings: { side, embedding } });
      await withPython(started, async (python) => {
        versions = versionsOf(python);
        const peers = embedding === 'dynamic_4d' ? ['PyTorch'] : ['rotary-embedding-torch', 'PyTorch'];
        const contenders = peers.map((peer) => {
          const name = `${embedding} ${peer}`;
          const agree = async () => {
            const rotated = numbersOf(await (python as PythonPeer).result(name), 'rotated');
            return { of: 'values', difference: largestDifference(rotate(), rotated), within };
          };
          const ifSlower =
            'JavaScript rotates one pair at a time on one core, while the peer has code for vectors and all cores.';
          return pythonContender(python, { peer, name, needs: [peer], ifSlower, agree });
        });
        const ours = timed(rotate);
        rows.push(...(await compareWith({ what: `${what}, [${shape.join(', ')}]`, ours }, contenders, settings)));
      });
    }
    return { rows, versions };
  },
};
