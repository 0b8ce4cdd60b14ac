import { readFileSync } from 'node:fs';
import { fixturePath } from '@dpar/fixtures';
import { describe, expect, it } from 'vitest';
import { IoError } from '../error.js';
import { toHostTensors } from '../int8.js';
import { parseSafetensors } from '../safetensors.js';
import type { StoredTensor } from '../stored.js';
import { type PyTorchContent, parsePyTorch } from './reader.js';
import {
  entriesOf,
  type PyTorchDict,
  PyTorchTensor,
  type PyTorchValue,
  PythonGlobal,
  PythonObject,
  UnreadTensor,
} from './values.js';

const open = (name: string): Promise<PyTorchContent> => parsePyTorch(readFileSync(fixturePath(`torch-pt/${name}`)));

/** The entry of a dict, which must be one. */
function at(value: PyTorchValue | undefined, ...keys: string[]): PyTorchValue | undefined {
  return keys.reduce<PyTorchValue | undefined>((dict, key) => (dict as PyTorchDict).get(key), value);
}

async function readAll(file: PyTorchContent, dict: PyTorchValue | undefined): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of dict as PyTorchDict) {
    if (!(tensor instanceof PyTorchTensor)) throw new Error(`expected a tensor under ${name}`);
    tensors.set(String(name), await file.read(tensor));
  }
  return tensors;
}

// Written by PyTorch 1.13: views of shared storages, all element types, and plain values of Python.
describe.each(['values.pt', 'values-legacy.pt', 'values-protocol4.pt'])('parsePyTorch of %s', (name) => {
  it('gives the bytes that PyTorch has in its tensors', async () => {
    const file = await open(name);
    const tensors = await readAll(file, at(file.value, 'model'));
    const hex = Array.from(tensors, ([key, { dtype, shape, bytes }]) => [
      key,
      { dtype, shape, hex: Buffer.from(bytes).toString('hex') },
    ]);
    expect(Object.fromEntries(hex)).toEqual(JSON.parse(readFileSync(fixturePath('torch-pt/values.json'), 'utf8')));
  });

  it('gives plain values as they are', async () => {
    const { value } = await open(name);
    expect(at(value, 'steps')).toBe(12);
    const plain = new Map<PyTorchValue, PyTorchValue>([
      ['none', null],
      ['true', true],
      ['false', false],
      ['float', 0.1],
      ['negative', -5],
      ['short', 300],
      ['long', 2 ** 40],
      ['huge', -(2n ** 100n)],
      ['text', 'Grüße, 世界'],
      ['list', [1, [2, [3, 4]], new Map()]],
      ['tuple', []],
      [5, 'five'],
      ['bytes', Uint8Array.of(0, 255)],
      ['set', new Set([7])],
      ['size', [2, 3, 4]],
      ['device', new PythonObject('torch.device', ['cpu'])],
      ['dtype', new PythonGlobal('torch.float16')],
    ]);
    expect(at(value, 'plain')).toEqual(plain);
    expect(Object.isFrozen(at(value, 'plain', 'tuple'))).toBe(true);
    expect(Object.isFrozen(at(value, 'plain', 'list'))).toBe(false);
  });

  it('keeps objects of other classes as names with attributes', async () => {
    const args = at((await open(name)).value, 'args') as PythonObject;
    expect(args.type).toBe('argparse.Namespace');
    expect(args.state).toEqual(
      new Map<string, PyTorchValue>([
        ['gpt_model', 'GPT-B'],
        ['lr', 1e-4],
        ['betas', [0.9, 0.95]],
      ]),
    );
  });
});

describe("parsePyTorch of LlamaGen's checkpoints", () => {
  const expected = parseSafetensors(readFileSync(fixturePath('llamagen/model.safetensors'))).tensors;

  it('gives the weights of a training checkpoint bit by bit', async () => {
    const file = await open('llamagen-training-checkpoint.pt');
    const tensors = await readAll(file, at(file.value, 'model'));
    expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, { dtype, shape, bytes }] of expected) {
      expect(tensors.get(name)).toMatchObject({ dtype, shape });
      expect(Buffer.compare(tensors.get(name)?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
    }
    expect(at(file.value, 'steps')).toBe(10);
    expect(file.value).toBeInstanceOf(Map);
  });

  it.each([
    ['half-state-dict.pt', 'F16', 2 ** -11],
    ['bfloat16-state-dict.pt', 'BF16', 2 ** -8],
  ])('gives the weights of %s, rounded as it has them', async (name, dtype, error) => {
    const file = await open(name);
    const stored = await readAll(file, file.value);
    expect(stored.size).toBe(expected.size);
    const rounded = toHostTensors(stored);
    for (const [key, { data }] of Object.entries(toHostTensors(expected))) {
      expect(stored.get(key)?.dtype).toBe(dtype);
      data.forEach((value, i) => {
        const difference = Math.abs((rounded[key]?.data[i] ?? Number.NaN) - Number(value));
        if (!(difference <= error * Math.abs(Number(value)) + 2 ** -25)) {
          throw new Error(`${key}[${i}]: ${rounded[key]?.data[i]} is not ${value}`);
        }
      });
    }
  });
});

// Written by PyTorch 2.13: a small LlamaGen in a subclass of OrderedDict, beside objects of many other kinds.
describe.each(['foreign-objects.pt', 'foreign-objects-legacy.pt'])('parsePyTorch of %s', (name) => {
  it('gives the weights', async () => {
    const file = await open(name);
    const tensors = await readAll(file, entriesOf(at(file.value, 'model')));
    expect(tensors.size).toBe(11);
    const norm = toHostTensors(tensors)['norm.weight']?.data ?? [];
    expect(norm).toHaveLength(16);
    expect(Array.from(norm, (value) => Number.isInteger(8 * value) && Math.abs(value) <= 1)).not.toContain(false);
    expect(new Set(norm).size).toBeGreaterThan(4);
  });

  it('keeps what is not understood as a name with what it was made of', async () => {
    const { value } = await open(name);
    const named = Object.fromEntries(
      Array.from(value as PyTorchDict, ([key, other]) => [
        key,
        other instanceof PythonObject || other instanceof PythonGlobal
          ? (other instanceof PythonObject ? other.type : other.name).replace('__builtin__', 'builtins')
          : undefined,
      ]),
    );
    expect(named).toMatchObject({
      counter: 'collections.Counter',
      deque: 'collections.deque',
      enum: 'mod.Color',
      dataclass: 'mod.Args',
      nested: 'mod.Outer.Inner',
      decimal: 'decimal.Decimal',
      date: 'datetime.date',
      ns: 'types.SimpleNamespace',
      slice: 'builtins.slice',
      npgen: 'numpy.random._pickle.__generator_ctor',
      partial: 'functools.partial',
      nestedclass: 'mod.Outer.Inner',
      mydict: 'mod.MyDict',
    });
    expect(at(value, 'ns')).toMatchObject({ state: new Map([['a', 1]]) });
    expect(at(value, 'deque')).toMatchObject({ items: [1, 2] });
    expect(entriesOf(at(value, 'mydict'))).toEqual(new Map([['a', 1]]));
    expect(at(value, 'defaultdict')).toEqual(new Map([['a', [1]]]));
    expect(at(value, 'set')).toEqual(new Set([1, 2]));
  });

  it('keeps tensors whose data are not read by what they are', async () => {
    const { value } = await open(name);
    const kinds = ['c64', 'c32', 'f8c', 'coo', 'csr', 'q8', 'qch', 'meta', 'nestedt', 'neg'].map((key) => {
      const tensor = at(value, key);
      return tensor instanceof UnreadTensor ? tensor.kind : typeof tensor;
    });
    expect(kinds).toEqual([
      'torch.ComplexFloatStorage',
      'torch.complex32',
      'torch.float8_e4m3fnuz',
      'sparse',
      'sparse',
      'quantized',
      'quantized',
      'without data',
      'nested',
      'lazily negated',
    ]);
  });

  it('reads 8-bit floating-point numbers, unsigned numbers and tensors with attributes', async () => {
    const file = await open(name);
    for (const key of ['f8a', 'f8b', 'u16', 'u32', 'attr', 'paramattr', 'subclass', 'param', 'buffer']) {
      const stored = await file.read(at(file.value, key) as PyTorchTensor);
      expect([...new Set(toHostTensors(new Map([[key, stored]]))[key]?.data)]).toEqual([1]);
    }
  });
});

describe('parsePyTorch refuses', () => {
  const values = readFileSync(fixturePath('torch-pt/values.pt'));
  const legacy = readFileSync(fixturePath('torch-pt/values-legacy.pt'));

  /** A file in which text is another of the same length. */
  function replaced(file: Buffer, from: string, to: string): Buffer {
    const [text, other] = [file.toString('latin1'), file.toString('latin1').replaceAll(from, to)];
    expect([from.length === to.length, text === other]).toEqual([true, false]);
    return Buffer.from(other, 'latin1');
  }

  it.each([
    ['other formats', Buffer.from('not a checkpoint'), 'expected a file of torch.save, got '],
    ['an empty file', Buffer.alloc(0), 'got an empty file'],
    ['safetensors', readFileSync(fixturePath('vq/model.safetensors')), 'got a safetensors file'],
    ['a NumPy archive', readFileSync(fixturePath('eval-64d/reference_stats.npz')), 'expected'],
    ['a cut archive', values.subarray(0, -1), 'expected the records that end a zip archive'],
    ['a cut file of the older format', legacy.subarray(0, -1), 'The file is damaged or truncated'],
    ['a cut pickle', legacy.subarray(0, 500), 'expected a complete pickle'],
    [
      'a call of a function that does harm',
      replaced(values, 'ctorch\ndevice\n', 'cposix\nsystem\n'),
      'got posix.system. It was not called',
    ],
    ['numbers in big-endian order', replaced(legacy, 'little_endianq\x02\x88', 'little_endianq\x02\x89'), "got 'big'"],
    ['a storage that is not there', replaced(values, 'values/data/0', 'values/data/x'), "storage '0', got none"],
  ])('%s', async (_, file, message) => {
    const reading = parsePyTorch(file).then(async (content) => readAll(content, at(content.value, 'model')));
    await expect(reading).rejects.toThrow(IoError);
    await expect(reading).rejects.toThrow(message);
  });
});
