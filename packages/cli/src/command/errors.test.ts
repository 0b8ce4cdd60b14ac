import { expect, it } from 'vitest';
import { describeError } from './errors.js';

const systemError = (code: string, more: object = {}) => Object.assign(new Error(`${code}: bare`), { code, ...more });

it.each([
  [{ path: '/a' }, "expected free disk space for '/a', got a full disk."],
  [{ path: '/.a.partial', dest: '/a' }, "expected free disk space for '/a', got a full disk."],
  [{}, 'expected free disk space, got a full disk.'],
])('a full disk is told with the place, if it is known: %o', (more, message) => {
  expect(describeError(systemError('ENOSPC', more))).toBe(`${message} Free some space or choose another disk.`);
});

it('an error that names no place keeps its own words', () => {
  const more = ' (run again with --debug for the stack trace)';
  expect(describeError(systemError('EPERM'))).toBe(`EPERM: bare${more}`);
  expect(describeError(systemError('EPERM', { path: '/a' }))).toContain("expected access to '/a'");
  expect(describeError(systemError('EUNKNOWN', { path: '/a' }))).toBe(`EUNKNOWN: bare${more}`);
});
