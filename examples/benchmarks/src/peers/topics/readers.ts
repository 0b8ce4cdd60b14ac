import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { entriesOf, PyTorchTensor, type StoredTensor } from '@dpar/io';
import { openPyTorch, readNpz, readSafetensors } from '@dpar/io/node';
import { createRandom, float32, type HostTensor } from '@dpar/tensor';
import { PythonPeer } from '../python-peer.js';
import { compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import type { Row, Topic } from '../topic.js';
import { timed } from '../turns.js';

const sizes = { full: { tensors: 24, elements: 2 ** 20 }, small: { tensors: 3, elements: 1000 } };

/** Readers of a format. Files are those that the peer writes. */
interface Format {
  readonly peer: string;
  readonly file: string;
  readonly read: (path: string) => Promise<ReadonlyMap<string, StoredTensor>>;
  readonly ifSlower: string;
}

const formats: readonly Format[] = [
  {
    peer: 'NumPy',
    file: 'peer.npz',
    read: readNpz,
    ifSlower: 'The CRC-32 of each array is computed by zlib in both; ours also copies each piece of the file.',
  },
  {
    peer: 'safetensors',
    file: 'peer.safetensors',
    read: async (path) => (await readSafetensors(path)).tensors,
    ifSlower:
      'Each tensor is read into memory of its own, which Node clears first, while the peer maps the file into memory.',
  },
  {
    peer: 'PyTorch',
    file: 'peer.pt',
    read: readPyTorch,
    ifSlower: 'Each tensor is read into memory of its own, which Node clears first.',
  },
];

/** Tensors of a state_dict. */
async function readPyTorch(path: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const file = await openPyTorch(path);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, value] of entriesOf(file.value) ?? []) {
      if (value instanceof PyTorchTensor) tensors.set(`${name}`, await file.read(value));
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** SHA-256 of the bytes of all tensors, in the order of their names. */
function digestOf(tensors: ReadonlyMap<string, StoredTensor>): Uint8Array {
  const hash = createHash('sha256');
  for (const name of [...tensors.keys()].sort()) hash.update(tensors.get(name)?.bytes ?? '');
  return hash.digest();
}

/** Readers of array files. */
export const readers: Topic = {
  name: 'readers',
  title: 'Readers of npz, safetensors and .pt',
  about:
    'All tensors of a file that the peer wrote, read into memory. The system has the file in its cache. Values are compared by the SHA-256 of ' +
    'all bytes. PyTorch is torch.load with weights_only.',
  async measure(settings) {
    const { threads, small } = settings;
    const { tensors, elements } = small ? sizes.small : sizes.full;
    const inputs: Record<string, HostTensor> = {};
    for (let i = 0; i < tensors; i++) {
      inputs[`layer-${i}`] = float32([elements], createRandom(i).fillNormal(new Float32Array(elements)));
    }
    return withPython(PythonPeer.start('readers.py', { threads, inputs }), async (python) => {
      const rows: Row[] = [];
      for (const { peer, file, read, ifSlower } of formats) {
        const path = typeof python === 'string' ? file : join(python.folder, file);
        const agree = async () => {
          const script = python as PythonPeer;
          await script.seconds(`write ${peer}`);
          const theirs = (await script.result(`digest ${peer}`)).get('digest');
          const equal = Buffer.from(digestOf(await read(path))).equals(theirs?.bytes ?? Buffer.alloc(0));
          return { of: 'bytes', difference: equal ? 0 : Number.NaN, within: 0 };
        };
        const contender = pythonContender(python, { peer, name: `read ${peer}`, needs: [peer], ifSlower, agree });
        const amount = { of: (tensors * elements * 4) / 1e6, unit: 'MB/s' };
        const what = `${file.slice(file.indexOf('.'))}, ${tensors} tensors of ${elements} float32`;
        rows.push(...(await compareWith({ what, amount, ours: timed(() => read(path)) }, [contender], settings)));
      }
      return { rows, versions: versionsOf(python) };
    });
  },
};
