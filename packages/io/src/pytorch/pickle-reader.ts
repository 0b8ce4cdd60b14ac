import { PickleCursor } from './pickle-cursor.js';
import { PickleMachine } from './pickle-machine.js';
import type { PyTorchValue } from './values.js';

/** Value of a pickle, and the position of the first byte after it. */
export interface Unpickled {
  readonly value: PyTorchValue;
  readonly end: number;
}

/** Resolves a persistent id. */
export type StorageOf = (id: PyTorchValue) => PyTorchValue;

type Instruction = (machine: PickleMachine, cursor: PickleCursor, storageOf: StorageOf) => void;

const emptyTuple: readonly PyTorchValue[] = Object.freeze([]);
const stop = 0x2e;
const protocol = 0x80;

/** Instructions of protocols 2 to 5, by opcode. */
const instructions: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [protocol, (_, cursor) => checkProtocol(cursor, cursor.byte())],
  // FRAME: a length, which is not needed for bytes in memory
  [0x95, (_, cursor) => void cursor.length(8)],

  // Plain values: NONE, NEWTRUE, NEWFALSE, BININT1, BININT2, BININT, LONG1, LONG4, BINFLOAT
  [0x4e, (machine) => machine.push(null)],
  [0x88, (machine) => machine.push(true)],
  [0x89, (machine) => machine.push(false)],
  [0x4b, (machine, cursor) => machine.push(cursor.byte())],
  [0x4d, (machine, cursor) => machine.push(cursor.length(2))],
  [0x4a, (machine, cursor) => machine.push(cursor.int32())],
  [0x8a, (machine, cursor) => machine.push(cursor.long(cursor.byte()))],
  [0x8b, (machine, cursor) => machine.push(cursor.long(cursor.length(4)))],
  [0x47, (machine, cursor) => machine.push(cursor.float64())],

  // Text: SHORT_BINUNICODE, BINUNICODE, BINUNICODE8; of Python 2: SHORT_BINSTRING, BINSTRING
  [0x8c, (machine, cursor) => machine.push(cursor.text(1))],
  [0x58, (machine, cursor) => machine.push(cursor.text(4))],
  [0x8d, (machine, cursor) => machine.push(cursor.text(8))],
  [0x55, (machine, cursor) => machine.push(cursor.latin1(1))],
  [0x54, (machine, cursor) => machine.push(cursor.latin1(4))],

  // Bytes: SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
  [0x43, (machine, cursor) => machine.pushNew(cursor.take(cursor.length(1)).slice())],
  [0x42, (machine, cursor) => machine.pushNew(cursor.take(cursor.length(4)).slice())],
  [0x8e, (machine, cursor) => machine.pushNew(cursor.take(cursor.length(8)).slice())],
  [0x96, (machine, cursor) => machine.pushNew(cursor.take(cursor.length(8)).slice())],

  // The stack: MARK, POP, POP_MARK, DUP
  [0x28, (machine) => machine.mark()],
  [0x30, (machine) => void machine.pop()],
  [0x31, (machine) => void machine.popMark()],
  [0x32, (machine) => machine.push(machine.top())],

  // Tuples: EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
  [0x29, (machine) => machine.push(emptyTuple)],
  [0x85, (machine) => machine.pushTuple(machine.popMany(1))],
  [0x86, (machine) => machine.pushTuple(machine.popMany(2))],
  [0x87, (machine) => machine.pushTuple(machine.popMany(3))],
  [0x74, (machine) => machine.pushTuple(machine.popMark())],

  // Lists: EMPTY_LIST, LIST, APPEND, APPENDS
  [0x5d, (machine) => machine.pushNew([])],
  [0x6c, (machine) => machine.pushNew(machine.popMark())],
  [0x61, (machine) => machine.append(machine.popMany(1))],
  [0x65, (machine) => machine.append(machine.popMark())],

  // Dicts: EMPTY_DICT, DICT, SETITEM, SETITEMS
  [0x7d, (machine) => machine.pushNew(new Map())],
  [
    0x64,
    (machine) => {
      const pairs = machine.popMark();
      machine.pushNew(new Map());
      machine.setItems(pairs);
    },
  ],
  [0x73, (machine) => machine.setItems(machine.popMany(2))],
  [0x75, (machine) => machine.setItems(machine.popMark())],

  // Sets: EMPTY_SET, ADDITEMS, FROZENSET
  [0x8f, (machine) => machine.pushNew(new Set())],
  [0x90, (machine) => machine.addItems(machine.popMark())],
  [0x91, (machine) => machine.pushNew(new Set(machine.popMark()))],

  // Memo: BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
  [0x71, (machine, cursor) => machine.put(cursor.byte())],
  [0x72, (machine, cursor) => machine.put(cursor.length(4))],
  [0x94, (machine) => machine.put()],
  [0x68, (machine, cursor) => machine.get(cursor.byte())],
  [0x6a, (machine, cursor) => machine.get(cursor.length(4))],

  // Names of Python: GLOBAL, STACK_GLOBAL
  [0x63, (machine, cursor) => machine.global(cursor.line(), cursor.line())],
  [
    0x93,
    (machine) => {
      const [module, name] = machine.popMany(2);
      machine.global(module, name);
    },
  ],
  // Objects: BINPERSID, REDUCE, NEWOBJ, NEWOBJ_EX (whose last argument holds arguments by name), BUILD
  [0x51, (machine, _, storageOf) => machine.pushNew(storageOf(machine.pop()))],
  [0x52, (machine) => machine.reduce(machine.popMany(2))],
  [0x81, (machine) => machine.newObject(machine.popMany(2))],
  [0x92, (machine) => machine.newObject(machine.popMany(3))],
  [0x62, (machine) => machine.build()],
]);

/**
 * Parses a pickle of protocol 2 to 5 as data. A pickle is a program for a stack machine
 * (https://docs.python.org/3/library/pickletools.html). Only instructions that make values are executed, and of the calls only
 * those of `call`. Time and memory are linear in the length of the pickle.
 *
 * @param bytes Bytes that contain the pickle.
 * @param start Position of the pickle.
 * @throws IoError if it is invalid, calls a harmful function, or exceeds the limits of {@link PickleMachine} and
 * {@link PickleCursor}; `CutOffError` if it does not end.
 */
export function parsePickle(caller: string, bytes: Uint8Array, start: number, storageOf: StorageOf): Unpickled {
  const cursor = new PickleCursor(caller, bytes, start);
  const machine = new PickleMachine(cursor);
  if (bytes[start] !== protocol) throw cursor.damaged('a pickle of protocol 2 to 5', `the byte ${bytes[start]}`);
  for (;;) {
    const opcode = cursor.byte();
    if (opcode === stop) return { value: machine.pop(), end: cursor.position };
    const instruction = instructions.get(opcode);
    if (instruction === undefined) {
      throw cursor.damaged('instructions of pickle protocol 2 to 5', `the byte ${opcode} at ${cursor.position - 1}`);
    }
    instruction(machine, cursor, storageOf);
  }
}

function checkProtocol(cursor: PickleCursor, version: number): void {
  if (version < 2 || version > 5) throw cursor.damaged('a pickle of protocol 2 to 5', `protocol ${version}`);
}
