import { describe, expect, it } from 'vitest';
import { IoError } from '../error.js';
import { storageOfId } from './callables.js';
import { parsePickle } from './pickle-reader.js';
import { type PyTorchDict, type PyTorchValue, PythonObject } from './values.js';

/** A pickle of protocol 2 with this body; characters are bytes. */
function parse(body: string): PyTorchValue {
  const bytes = Buffer.from(`\x80\x02${body}`, 'latin1');
  return parsePickle('test', bytes, 0, (id) => storageOfId('test', id)).value;
}

const text = (value: string): string => `X${String.fromCharCode(value.length)}\0\0\0${value}`;

describe('parsePickle', () => {
  it('gives values, and where they end', () => {
    const bytes = Uint8Array.of(1, 0x80, 2, 0x4b, 7, 0x2e, 9);
    expect(parsePickle('test', bytes, 1, () => null)).toEqual({ value: 7, end: 6 });
  });

  it('gives values that hold themselves', () => {
    const list = parse(']q\0h\0a.') as PyTorchValue[]; // l = []; l.append(l)
    expect(list[0]).toBe(list);
    const dict = parse(`}q\0${text('self')}h\0s.`) as PyTorchDict;
    expect(dict.get('self')).toBe(dict);
  });

  it('gives no key a meaning', () => {
    const dict = parse(`}(${text('__proto__')}}${text('polluted')}K\x01s${text('constructor')}Nu.`) as PyTorchDict;
    expect([...dict.keys()]).toEqual(['__proto__', 'constructor']);
    expect({}).not.toHaveProperty('polluted');
    expect(Object.getPrototypeOf(dict)).toBe(Map.prototype);
  });

  it('keeps objects of any class with attributes, items and entries, and makes none', () => {
    const object = parse(`cos\npopen\n${text('ls')}\x85\x81q\0}${text('a')}K\x01sb(K\x02e(${text('b')}K\x03u.`);
    const expected = new PythonObject('os.popen', ['ls']);
    expected.state = new Map([['a', 1]]);
    expected.items.push(2);
    expected.entries.set('b', 3);
    expect(object).toEqual(expected);
  });

  it('calls no function', () => {
    expect(() => parse(`cos\nsystem\n${text('ls')}\x85R.`)).toThrow('got os.system. It was not called');
    expect(() => parse(`c__builtin__\neval\n${text('1')}\x85R.`)).toThrow('__builtin__.eval');
    expect(() => parse(`csubprocess\nPopen\n${text('ls')}\x85R.`)).toThrow('got subprocess.Popen');
    // One that is known to do no harm is not called either: the value is its name, with arguments.
    expect(parse(`cmine\nmake\nq\0${text('a')}\x85R.`)).toEqual(new PythonObject('mine.make', ['a']));
    // What a call gives may be called: the value is another object of that name.
    expect(parse(`cmine\nmake\n)R${text('a')}\x85R.`)).toEqual(new PythonObject('mine.make', ['a']));
    expect(parse(`c__builtin__\ngetattr\ncmine\nOuter\n${text('Inner')}\x86R)\x81.`)).toEqual(
      new PythonObject('mine.Outer.Inner', []),
    );
    // The instructions of protocol 0 and 1 that call too.
    expect(() => parse(`(${text('ls')}ios\nsystem\n.`)).toThrow('the byte 105');
    expect(() => parse(`(cos\nsystem\n${text('ls')}o.`)).toThrow('the byte 111');
    expect(() => parse('\x82\x01.')).toThrow('the byte 130'); // a number of the registry of extensions
  });

  it.each([
    ['nothing on the stack', '.'],
    ['no mark', 'K\x01t.'],
    ['a key without a value', '}(K\x01u.'],
    ['a value that was not kept', 'h\x07.'],
    ['items for a tuple', ')K\x01a.'],
    ['items for a number', 'K\x01K\x01a.'],
    ['entries for a list', ']K\x01K\x01s.'],
    ['items for a set', '](K\x01\x90.'],
    ['attributes of a number', 'K\x01}b.'],
    ['a call of text', `${text('f')})R.`],
    ['a class that is text', `${text('f')})\x81.`],
    ['a storage that is a number', 'K\x01Q.'],
    ['text that is not UTF-8', 'X\x01\0\0\0\xff.'],
    ['a longer number', '\x8b\0\0\0\x40.'],
    ['a longer text than the pickle', 'X\xff\xff\xff\xffab.'],
    ['bytes of 2^63', '\x8e\0\0\0\0\0\0\0\x80.'],
    ['protocol 9', '\x80\x09N.'],
    ['no end', 'N'],
  ])('refuses %s', (_, body) => {
    expect(() => parse(body)).toThrow(IoError);
    expect(() => parse(body)).toThrow(/^test: expected .*, got .*\. .*\.$/s);
  });

  it.each([
    ['dicts', `${'}'.repeat(2 ** 20 + 1)}.`],
    ['kept values', `N${'\x94'.repeat(2 ** 20 + 1)}.`],
    ['objects of unknown classes', `cmine\nmake\nq\0${'h\0)R'.repeat(2 ** 20)}.`],
    ['copies of a list', `](${'N'.repeat(1000)}eq\0ctorch\nSize\nq\x01${'h\x01h\0\x85R'.repeat(2000)}.`],
  ])('refuses more %s than it has memory for', (_, body) => {
    expect(() => parse(body)).toThrow('at most 1048576 lists');
  });

  it("refuses a tensor's function among its own arguments", () => {
    expect(() => parse('ctorch._tensor\n_rebuild_from_type_v2\nq\0](h\0Neq\x01h\x01a0h\0h\x01R.')).toThrow(IoError);
  });
});
