import { IoError } from '../error.js';
import { call, formatPyTorchValue, isList } from './callables.js';
import type { PickleCursor } from './pickle-cursor.js';
import { type PyTorchValue, PythonGlobal, PythonObject } from './values.js';

/**
 * Most containers (lists, tuples, dicts, objects) and memoized values in a pickle. A tensor takes about 12. Each needs up to 512
 * bytes of memory.
 */
const maximumContainers = 1 << 20;

/** Characters of a text argument that count as a container, because a call may copy it. Items of lists count one each. */
const charactersPerContainer = 64;

/** Stack and memo of a pickle program. */
export class PickleMachine {
  private readonly memo = new Map<number, PyTorchValue>();
  private readonly marked: PyTorchValue[][] = []; // the stacks below the marks
  private stack: PyTorchValue[] = [];
  private containers = 0;

  constructor(private readonly cursor: PickleCursor) {}

  push(value: PyTorchValue): void {
    this.stack.push(value);
  }

  /** Pushes a container. Their number is limited. */
  pushNew(value: PyTorchValue): void {
    this.count(1);
    this.push(value);
  }

  pushTuple(items: PyTorchValue[]): void {
    this.pushNew(Object.freeze(items));
  }

  top(): PyTorchValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.damaged('a value on the stack', 'none');
    return value;
  }

  pop(): PyTorchValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  /** Pops the topmost `count` values. The topmost comes last. */
  popMany(count: number): PyTorchValue[] {
    if (this.stack.length < count) throw this.damaged(`${count} values on the stack`, `${this.stack.length}`);
    return this.stack.splice(this.stack.length - count);
  }

  mark(): void {
    this.count(1);
    this.marked.push(this.stack);
    this.stack = [];
  }

  /** Pops all values above the last mark. */
  popMark(): PyTorchValue[] {
    const below = this.marked.pop();
    if (below === undefined) throw this.damaged('a mark on the stack', 'none');
    const values = this.stack;
    this.stack = below;
    return values;
  }

  /** Memoizes the topmost value. */
  put(index = this.memo.size): void {
    this.count(1);
    this.memo.set(index, this.top());
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.damaged('a memoized value', `index ${index}`);
    this.push(value);
  }

  append(values: PyTorchValue[]): void {
    const list = this.top();
    const items = list instanceof PythonObject ? list.items : list;
    if (!isList(items) || Object.isFrozen(items)) throw this.damaged('a list to append to', formatPyTorchValue(list));
    for (const value of values) (items as PyTorchValue[]).push(value);
  }

  setItems(pairs: PyTorchValue[]): void {
    const dict = this.top();
    const entries = dict instanceof PythonObject ? dict.entries : dict;
    if (!(entries instanceof Map)) throw this.damaged('a dict to add to', formatPyTorchValue(dict));
    if (pairs.length % 2 !== 0) throw this.damaged('a value for each key', `${pairs.length} keys and values`);
    for (let i = 0; i < pairs.length; i += 2) entries.set(pairs[i], pairs[i + 1]);
  }

  addItems(values: PyTorchValue[]): void {
    const set = this.top();
    if (set instanceof PythonObject) for (const value of values) set.items.push(value);
    else if (set instanceof Set) for (const value of values) set.add(value);
    else throw this.damaged('a set to add to', formatPyTorchValue(set));
  }

  global(module: PyTorchValue | undefined, name: PyTorchValue | undefined): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.damaged('names of a global', `${formatPyTorchValue(module)} and ${formatPyTorchValue(name)}`);
    }
    this.pushNew(new PythonGlobal(`${module}.${name}`));
  }

  /** Evaluates a call; see {@link call}. */
  reduce([callee, args]: readonly PyTorchValue[]): void {
    if (!isNamed(callee) || !isList(args)) {
      throw this.damaged(
        'a function and its arguments',
        `${formatPyTorchValue(callee)} and ${formatPyTorchValue(args)}`,
      );
    }
    for (const arg of args) {
      if (isList(arg)) this.count(arg.length);
      else if (typeof arg === 'string') this.count(arg.length / charactersPerContainer);
    }
    this.pushNew(call(this.cursor.caller, callee, args));
  }

  newObject([type, args]: readonly PyTorchValue[]): void {
    if (!isNamed(type) || !isList(args)) {
      throw this.damaged('a class and its arguments', `${formatPyTorchValue(type)} and ${formatPyTorchValue(args)}`);
    }
    const name = type instanceof PythonGlobal ? type.name : type.type;
    this.pushNew(name === 'collections.OrderedDict' ? new Map() : new PythonObject(name, args));
  }

  /** Sets the attributes of an object. Those of other values, such as the version numbers of a state_dict, are ignored. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PythonObject) target.state = state;
    else if (typeof target !== 'object' || target === null)
      throw this.damaged('an object for attributes', formatPyTorchValue(target));
  }

  private count(containers: number): void {
    this.containers += containers;
    if (this.containers > maximumContainers) {
      throw new IoError(
        `${this.cursor.caller}: expected at most ${maximumContainers} lists, dicts and other containers, got at least ` +
          `${Math.ceil(this.containers)}. Save only the weights from PyTorch.`,
      );
    }
  }

  private damaged(expected: string, got: string): IoError {
    return this.cursor.damaged(expected, got);
  }
}

/** Checks that a value may be callable: a class, a function, or an object. */
function isNamed(value: PyTorchValue | undefined): value is PythonGlobal | PythonObject {
  return value instanceof PythonGlobal || value instanceof PythonObject;
}
